"""The table: a row for each flow, and what is left when it is gone."""

from __future__ import annotations

from typing import Any

from appliance.journal.events import FlowExpired, PacketDropped
from tests.tui.stories import (
    AUDIO,
    EXTERNAL,
    PBX,
    PHONE,
    flow,
    flow_in_version_6,
)
from tui.draw.translations import cells
from tui.translations import GHOST, Translations


def expired(t: float, why: str = "expired") -> FlowExpired:
    return FlowExpired(
        t=t,
        flow=1,
        mapping=1,
        protocol="udp",
        internal=PHONE,
        external=EXTERNAL,
        remote=PBX,
        why=why,
        packets_out=6,
        packets_in=5,
        bytes_out=1,
        bytes_in=1,
    )


def dropped(reason: str, t: float) -> PacketDropped:
    return PacketDropped(
        t=t,
        side="outside",
        reason=reason,
        sentence="",
        rfc="",
        protocol="udp",
        source="198.51.100.7:9",
        destination=EXTERNAL,
        size=60,
    )


HOLE: dict[str, Any] = {
    "protocol": "udp",
    "external": "203.0.113.1:4000",
    "internal": "192.168.20.100:4000",
    "remote": "203.0.113.9:0",
    "parent": "call",
    "reason": "Audio of the call.",
    "expires_in": 180.0,
}


def table(*flows: dict[str, Any], holes: tuple[dict[str, Any], ...] = ()) -> Translations:
    made = Translations()
    made.take(flows, holes, 100.0)
    return made


def shown(made: Translations, now: float = 100.0, bars: bool = True) -> list[str]:
    """Each row's cells, joined."""
    drawn = [cells(row, now, bars) for row in made.rows()]
    return [" ".join(cell.plain for cell in row.values()) for row in drawn]


def test_a_flow_that_ended_stays_as_a_ghost_and_then_goes() -> None:
    made = table(flow())
    made.fold(expired(101.0))
    made.take([], [], 107.0)
    assert "gone 6s" in shown(made, 107.0)[0]
    made.take([], [], 101.0 + GHOST)
    assert made.rows() == []


def test_a_snapshot_that_is_older_than_the_end_does_not_bring_a_flow_back() -> None:
    made = table(flow())
    made.fold(expired(101.0))
    made.take([flow()], [], 101.0)
    assert made.rows()[0].gone_at == 101.0


def test_a_hole_of_the_alg_waits_until_a_flow_uses_it() -> None:
    made = table(flow(), holes=(HOLE,))
    assert shown(made)[1].endswith("203.0.113.9:* alg ▓▓▓▓▓ 180s waits")
    made.take([flow(), AUDIO | {"opened_by": "alg"}], [HOLE], 101.0)
    assert [row.key for row in made.rows()] == ["flow 1", "flow 2"]


def test_a_hole_for_anyone_says_so() -> None:
    assert "anyone" in shown(table(holes=(HOLE | {"remote": None},)))[0]


def test_a_hole_for_an_ipv6_host_waits_until_a_flow_uses_it() -> None:
    hole = flow_in_version_6(HOLE)
    made = table(holes=(hole,))
    assert made.rows()[0].remote == "[2001:db8:113:1111:2222:3333:4444:9]:*"
    made.take([flow_in_version_6(AUDIO)], [hole], 101.0)
    assert [row.key for row in made.rows()] == ["flow 2"]
