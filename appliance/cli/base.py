"""What all commands share: groups that load their commands when needed, manners of output.

Manners: stdout is data, stderr is narration; a failure is a sentence and an exit code
(`appliance/cli/__init__.py` has the table), never a traceback; a wrong word is answered with the
nearest right one.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from appliance.cli.words import assignments, offer, profiles, specs
from appliance.journal.plain import printable
from appliance.settings.duration import parse_duration
from appliance.settings.hints import nearest, shown

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

FASTEST = 20.0
"""Seconds of a story, and of an appliance, in one of the machine's."""

NO, USAGE, IMPOSSIBLE, WRONG_STATE, INTERRUPTED = 1, 2, 3, 4, 130

F = TypeVar("F", bound=Callable[..., Any])


class Failure(Exception):
    """Ends the program with a sentence on stderr and an exit code."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def _set_color(context: click.Context, _: click.Parameter, value: str | None) -> None:
    root = context.find_root()
    if value is not None:
        root.color = {"always": True, "never": False}.get(value)
    elif os.environ.get("NO_COLOR"):
        root.color = False
    context.color = root.color


def _color_option() -> click.Option:
    return click.Option(
        ["--color"],
        type=click.Choice(["auto", "always", "never"]),
        default=None,
        expose_value=False,
        callback=_set_color,
        is_eager=True,
        help="Colour; auto: on a terminal, unless NO_COLOR is set.",
    )


def _named_before(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """`glassnat --control SOCKET show …` is `glassnat show --control SOCKET …`."""
    root = context.find_root()
    if context is root:
        root.obj = value
    return value or root.obj


def _draw_in_ascii(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value:
        os.environ["GLASSNAT_ASCII"] = "1"


ASCII_OPTION = click.option(
    "--ascii",
    is_flag=True,
    expose_value=False,
    callback=_draw_in_ascii,
    help="The screen without a character that is not ASCII (as with GLASSNAT_ASCII=1).",
)
CONTROL_OPTION = click.option(
    "--control",
    metavar="SOCKET",
    type=click.Path(),
    callback=_named_before,
    help="The appliance's control socket.",
)


class Command(click.Command):
    """A command that knows `--color` and `-h`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options["context_settings"] = {**CONTEXT, **(options.get("context_settings") or {})}
        super().__init__(*args, **options)
        self.params.append(_color_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Click forgets whose option lacks its value, and so whose `--help` to name."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class Group(click.Group):
    """Commands by name, each in `MODULE:ATTRIBUTE`, imported when it is asked for.

    `glassnat --version` must not pay for the simulation, let alone for the TUI.
    """

    command_class = Command

    def __init__(self, *args: Any, lazy: Mapping[str, str] | None = None, **options: Any) -> None:
        options["context_settings"] = {**CONTEXT, **(options.get("context_settings") or {})}
        super().__init__(*args, **options)
        self.lazy = dict(lazy or {})
        self.params.append(_color_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy) or list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.lazy:
            if cmd_name in NEED_LINUX and sys.platform != "linux":
                return _without_linux(
                    cmd_name, [each for each in self.lazy if each not in NEED_LINUX]
                )
            module, _, attribute = self.lazy[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            hint = nearest(args[0], known) or f"; there are: {', '.join(known)}"
            raise click.UsageError(f"{shown(args[0])} is not a command{hint}", ctx)
        return super().resolve_command(ctx, args)


NEED_LINUX = frozenset(
    {"run", "up", "down", "status", "lab", "attach", "show", "set", "flush", "watch", "capture"}
)
"""Real wires are Linux's, and these commands are about them. Elsewhere their files are not even
loaded: they use what only Linux has."""


def _without_linux(name: str, others: Sequence[str]) -> click.Command:
    """Stands for a command where it cannot be, whatever it is given."""

    def say(**_: object) -> None:
        raise Failure(f"{name} needs Linux; these work here: {', '.join(others)}", IMPOSSIBLE)

    return Command(
        name,
        callback=say,
        params=[click.Argument(["anything"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        short_help="(needs Linux)",
        help="Needs Linux: real wires are TUN devices and network namespaces.",
    )


class DurationType(click.ParamType[float]):
    """`30`, `"30s"`, `"5m"` … as seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class OneOf(click.ParamType[str]):
    """One of a few words; a wrong one is answered with the nearest."""

    def __init__(self, name: str, choices: Sequence[str]) -> None:
        self.name = name
        self.choices = tuple(choices)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            known = ", ".join(self.choices)
            hint = nearest(value, self.choices)
            self.fail(f"{shown(value)} is not one of: {known}{hint}", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(word) for word in self.choices if word.startswith(incomplete)]


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order of the help text."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the command line says about settings. `--alg SPEC` is a short form of `--set`."""

    alg: str | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()

    @property
    def module(self) -> str | None:
        """The module that was asked for last, in either form, whatever it reads."""
        pairs = [each.partition("=") for each in self.all_sets]
        specs = [spec for key, _, spec in pairs if fnmatchcase(key, "alg.*.module")]
        return specs[-1] if specs else None

    @property
    def all_sets(self) -> tuple[str, ...]:
        if self.alg is None:
            return self.sets
        from alg.registry import application_of  # all the modules: most commands name none

        return (f"alg.{application_of(self.alg).name}.module={self.alg}", *self.sets)


def speed_option(meaning: str, default: float | None = 1.0) -> Callable[[F], F]:
    """`--speed N`, where time is the machine's and may pass faster."""
    return click.option(
        "--speed",
        type=click.FloatRange(0.1, FASTEST),
        default=default,
        metavar="N",
        help=meaning,
    )


def setting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--alg`, `--profile` and `--set`, given to the command as one `chosen`."""

    @wraps(function)
    def command(alg: str | None, profile: str | None, sets: tuple[str, ...], **rest: Any) -> Any:
        return function(chosen=Chosen(alg, profile, sets), **rest)

    return options(
        click.option(
            "--alg",
            metavar="SPEC",
            shell_complete=offer(specs),
            help="An ALG: off, sip, ftp, dns, sip-poor:FAULT, … or FILE.py:CLASS.",
        ),
        click.option(
            "--profile",
            metavar="NAME",
            shell_complete=offer(profiles),
            help="A product's or teacher's settings (see: glassnat profile list), or a FILE.toml.",
        ),
        click.option(
            "--set",
            "sets",
            metavar="KEY=VALUE",
            multiple=True,
            shell_complete=assignments,
            help="Any setting, e.g. nat.timeouts.udp=30s.",
        ),
    )(command)


JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")


def emit(text: str) -> None:
    """A line of data."""
    click.echo(text)


def emit_json(document: object) -> None:
    """One document, in printable ASCII: what is not could have come from the network."""
    click.echo(printable(json.dumps(document, indent=2, default=str)))


def emit_json_line(document: object) -> None:
    """One object of a stream."""
    click.echo(printable(json.dumps(document, separators=(",", ":"), default=str)))


def narrate(text: str) -> None:
    """A line for the person watching, if it can be written."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def on_terminal() -> bool:
    """Can a screen be drawn and keys be read? (Textual draws on stderr, so as to leave stdout to
    data.)"""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return all(stream.isatty() for stream in streams) and os.environ.get("TERM") != "dumb"


def absolute_spec(spec: str) -> str:
    """A SPEC whose file can be found from any directory: a running appliance has its own."""
    path, colon, name = spec.rpartition(":")
    return f"{Path(path).resolve()}:{name}" if colon and path.endswith(".py") else spec
