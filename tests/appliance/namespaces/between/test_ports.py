"""When a bridge lets packets through its new ports."""

from __future__ import annotations

import json
import select

import pytest

from appliance.namespaces.between import ports
from tests.appliance.namespaces.between.conftest import Commands


def states(commands: Commands, **known: str) -> None:
    for port, state in known.items():
        link = {"linkinfo": {"info_slave_data": {"state": state}}}
        commands.answers["ip", "-json", "-details", "link", "show", "dev", port] = json.dumps(
            [link]
        )


@pytest.fixture
def waited() -> list[str]:
    return []


def wait(waited: list[str]) -> bool:
    return ports.wait_until_forwarding(["one", "two"], lambda: waited.append("waiting"))


def test_without_stp_nobody_waits(commands: Commands, waited: list[str]) -> None:
    states(commands, one="forwarding", two="forwarding")
    assert wait(waited)
    assert waited == []


def test_with_stp_it_is_looked_at_again_when_there_is_news(
    commands: Commands, waited: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    states(commands, one="forwarding", two="listening")

    def news(*_: object) -> tuple[list[object], list[object], list[object]]:
        states(commands, two="forwarding")
        return [], [], []

    monkeypatch.setattr(select, "select", news)
    assert wait(waited)
    assert waited == ["waiting"], "said once"


def test_a_port_that_never_forwards_is_not_waited_for_for_ever(
    commands: Commands, waited: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    states(commands, one="disabled", two="forwarding")
    monkeypatch.setattr(ports, "LOOK_EVERY", 0.0)
    assert not wait(waited)
