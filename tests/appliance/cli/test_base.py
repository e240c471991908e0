"""Manners that all commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from appliance.cli import base
from appliance.cli.base import Command, DurationType, OneOf, absolute_spec, setting_options

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("given", "color"),
    [
        ([], None),
        (["--color", "always"], True),
        (["--color", "never"], False),
        (["--color", "auto"], None),
    ],
)
def test_color_is_a_matter_of_the_terminal_unless_somebody_says(
    given: list[str], color: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert _color_of(given) is color


@pytest.mark.parametrize(("given", "color"), [([], False), (["--color", "always"], True)])
def test_no_color_is_obeyed_unless_somebody_says_otherwise(
    given: list[str], color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert _color_of(given) is color


def _color_of(arguments: list[str]) -> bool | None:
    @click.command(cls=Command)
    @click.pass_context
    def command(context: click.Context) -> bool | None:
        return context.color

    answer: bool | None = command.main(arguments, standalone_mode=False)
    return answer


@pytest.mark.parametrize(
    ("spec", "setting"),
    [
        ("off", "alg.sip.module=off"),
        ("sip-poor:no-sdp", "alg.sip.module=sip-poor:no-sdp"),
        ("ftp", "alg.ftp.module=ftp"),
        ("mine.py:Mine", "alg.sip.module=mine.py:Mine"),
    ],
)
def test_alg_is_for_the_protocol_of_the_module(spec: str, setting: str) -> None:
    """SIP's, where the module fits every slot."""
    assert base.Chosen(spec).all_sets == (setting,)


def test_alg_is_a_short_form_that_set_can_override() -> None:
    @click.command(cls=Command)
    @setting_options
    def command(chosen: base.Chosen) -> base.Chosen:
        return chosen

    chosen = command.main(
        ["--set", "nat.parity=false", "--alg", "sip", "--profile", "cgn"], standalone_mode=False
    )
    assert chosen.profile == "cgn"
    assert chosen.all_sets == ("alg.sip.module=sip", "nat.parity=false")


@pytest.mark.parametrize(
    ("alg", "sets", "module"),
    [
        (None, (), None),
        (None, ("nat.parity=false", "alg.sip.ports=[5060]"), None),
        ("ftp", ("nat.parity=false",), "ftp"),
        ("sip", ("alg.ftp.module=ftp-poor:split-miss",), "ftp-poor:split-miss"),
    ],
)
def test_the_module_that_was_asked_for_last_counts(
    alg: str | None, sets: tuple[str, ...], module: str | None
) -> None:
    assert base.Chosen(alg, None, sets).module == module


def test_words_are_answered_with_the_nearest() -> None:
    with pytest.raises(click.BadParameter, match='did you mean "flows"'):
        OneOf("what", ("flows", "calls")).convert("flow", None, None)


def test_durations_are_those_of_the_configuration() -> None:
    assert DurationType().convert("5m", None, None) == 300.0
    with pytest.raises(click.BadParameter, match="not a duration"):
        DurationType().convert("soon", None, None)


def test_a_module_of_ones_own_is_found_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_spec("mine.py:MyAlg") == f"{tmp_path}/mine.py:MyAlg"
    assert absolute_spec("sip-poor:no-sdp") == "sip-poor:no-sdp"


def test_documents_are_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    base.emit_json({"text": "é\x1b"})
    base.emit_json_line({"text": "é\x1b"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out.splitlines()[-1]) == {"text": "é\x1b"}


@pytest.mark.parametrize("redirected", ["stdin", "stdout", "stderr"])
def test_a_screen_needs_all_three_streams(monkeypatch: pytest.MonkeyPatch, redirected: str) -> None:
    """The screen is drawn on stderr: `2>log` must not fill a log with pictures."""
    monkeypatch.setenv("TERM", "xterm")
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, SimpleNamespace(isatty=lambda: True))
    assert base.on_terminal()
    monkeypatch.setattr(sys, redirected, SimpleNamespace(isatty=lambda: False))
    assert not base.on_terminal()
