"""What would drop frames between two ports of a bridge, as the machine's own tools tell of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.namespaces.between import firewall
from tests.appliance.namespaces.between.conftest import Commands

NFT = ("nft", "-j", "list", "chains")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: Commands) -> None:
    """Without iptables, and without anything in nftables."""
    monkeypatch.setattr(firewall, "BRIDGED_FRAMES", tmp_path / "call-iptables")
    monkeypatch.setattr(firewall, "TABLES_OF_OLD", tmp_path / "tables")
    commands.answers[NFT] = json.dumps({"nftables": [{"metainfo": {}}]})


@pytest.mark.parametrize(("text", "sees"), [("1\n", True), ("0\n", False), (None, False)])
def test_whether_bridged_frames_are_seen_is_a_sysctl_of_a_module(
    text: str | None, sees: bool
) -> None:
    if text is not None:
        firewall.BRIDGED_FRAMES.write_text(text)
    assert firewall.sees_bridged_frames() is sees


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        ({"family": "ip", "hook": "forward", "policy": "drop"}, "ip filter FORWARD"),
        ({"family": "inet", "hook": "forward", "policy": "drop"}, "inet filter FORWARD"),
        ({"family": "ip", "hook": "forward", "policy": "accept"}, ""),
        ({"family": "ip", "hook": "input", "policy": "drop"}, ""),
        ({"family": "ip6", "hook": "forward", "policy": "drop"}, ""),
        ({"family": "ip"}, ""),
    ],
)
def test_a_chain_that_drops_what_is_forwarded_is_named(
    commands: Commands, chain: dict[str, str], said: str
) -> None:
    entry = {"chain": {"table": "filter", "name": "FORWARD", **chain}}
    commands.answers[NFT] = json.dumps({"nftables": [{"metainfo": {}}, entry]})
    assert firewall.dropping_chain() == said


@pytest.mark.parametrize(
    ("policy", "said"), [("-P FORWARD DROP\n", "iptables' FORWARD"), ("-P FORWARD ACCEPT\n", "")]
)
def test_the_old_iptables_is_asked_only_where_it_has_a_table(
    commands: Commands, policy: str, said: str
) -> None:
    """To ask would make one."""
    old = ("iptables-legacy", "-S", "FORWARD")
    commands.answers[old] = policy
    assert firewall.dropping_chain() == ""
    assert old not in commands
    firewall.TABLES_OF_OLD.write_text("nat\nfilter\n")
    assert firewall.dropping_chain() == said
