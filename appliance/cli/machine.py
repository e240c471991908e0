"""`glassnat doctor`, `keys` and `completion`: this machine, and the keyboard."""

from __future__ import annotations

import click

from appliance.cli import doctor as examination
from appliance.cli.base import IMPOSSIBLE, JSON_OPTION, Command, OneOf, emit, emit_json
from appliance.cli.completion import source
from appliance.cli.tables import emit_rows
from appliance.journal.plain import clean

_MARKS = {
    examination.OK: ("ok", "green"),
    examination.LIMITED: ("limited", "yellow"),
    examination.MISSING: ("MISSING", "red"),
}


@click.command(cls=Command, short_help="What works on this machine.")
@JSON_OPTION
def doctor(as_json: bool) -> int:
    """What works on this machine, and what to do about what does not.

    Exit code 3 when `glassnat run` cannot work here; simulation works everywhere.
    """
    findings = examination.examine()
    if as_json:
        emit_json(examination.as_json(findings))
    else:
        for finding in findings:
            _print(finding)
    return IMPOSSIBLE if any(finding.state == examination.MISSING for finding in findings) else 0


def _print(finding: examination.Finding) -> None:
    word, color = _MARKS[finding.state]
    emit(f"{click.style(f'{word:<8}', fg=color)} {finding.name:<16} {clean(finding.detail)}")
    if finding.state != examination.OK:
        emit(f"{'':8} {'':16} needed for: {finding.needed_for}")
    if finding.remedy:
        emit(f"{'':8} {'':16} do: {clean(finding.remedy)}")


@click.command(cls=Command)
@JSON_OPTION
def keys(as_json: bool) -> None:
    """The keys of the screen, for a handout."""
    from tui.keys import KEYS  # only this command and those that draw need the screen's files

    rows = [{"key": key.key, "does": key.does, "group": key.group} for key in KEYS]
    emit_rows(rows, {"key": "KEY", "does": "DOES", "group": "GROUP"}, as_json)


@click.command(cls=Command, short_help="What makes the shell complete commands.")
@click.argument("shell", type=OneOf("shell", ("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the lines that make SHELL complete commands and options.

    \b
    Examples:
      glassnat completion bash >> ~/.bashrc
      glassnat completion fish > ~/.config/fish/completions/glassnat.fish
    """
    emit(source(shell, context.find_root().command))
