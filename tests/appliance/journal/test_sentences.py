"""Events as sentences, and nothing from the network raw in any of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from appliance.journal import events
from appliance.journal.events import (
    Cause,
    Change,
    Difference,
    FlowExpired,
    MediaStats,
    MessagePassed,
    PacketDropped,
    SettingChanged,
    Started,
)
from appliance.journal.sentences import Teller, outcome_line, place_of, table

ALICE = "192.168.20.100:5060"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\n\x9b31m\u202etxt\x7f[bold]"


def filled(kind: type[Any], text: str) -> events.Event:
    """An event with `text` wherever a text can stand."""
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        if field.name in ("id", "t", "cause"):
            continue
        samples: dict[object, object] = {
            str: text, int: 3, float: 1.5, bool: True, object: text,
            str | None: text, int | None: 3, dict[str, object]: {text: text},
            dict[str, str]: {text: text},
            list[Change]: [
                Change(text, (0, 1), text, text, text, verdict, text, text, text)
                for verdict in ("ok", "missed")
            ],
            list[Difference]: [Difference(text, text, text)],
            list[Cause]: [Cause(text, text, 3, text, text)],
            list[str]: [text],
        }  # fmt: skip
        values[field.name] = samples[field.type]
    event: events.Event = kind(**values)
    return event


KINDS = [kind for kind in vars(events).values() if isinstance(kind, type)
         and issubclass(kind, events.Event) and kind is not events.Event]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_sentence(kind: type[events.Event]) -> None:
    lines = Teller(each=True).tell(filled(kind, "word"))
    assert bool(lines) is (kind is not events.MappingRefreshed)
    assert all("{" not in line for line in lines if kind is not events.Started)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_nothing_of_the_network_moves_the_cursor(kind: type[events.Event]) -> None:
    """Terminal escapes, newlines and text that turns round are printed as pictures."""
    for line in Teller(each=True).tell(filled(kind, HOSTILE)):
        assert line.isprintable(), line


def test_with_the_wall_clock_at_the_start_times_are_those_of_the_day() -> None:
    """RFC 3339 5.6. Lines below an event's first begin where its sentence does."""
    teller = Teller(wall=1_767_225_600.0)
    change = Change("contact.host", (0, 1), "a", "b", None, "ok", "contact", "Reason.", "")
    event = filled(MessagePassed, "word")
    event.t = 1.25
    assert isinstance(event, MessagePassed)
    event.changes = [change]
    first, second = teller.tell(event)
    time, _, _ = first.partition("  ")
    assert datetime.fromisoformat(time) == datetime(2026, 1, 1, 0, 0, 1, 250_000, UTC)
    assert second.startswith(" " * (len(time) + 2) + "ok contact.host")


def test_names_stand_beside_addresses() -> None:
    teller = Teller()
    teller.tell(Started(wall=0.0, name="x", mode="simulation", parties={"192.168.20.100": "alice"}))
    opened = events.MappingOpened(
        t=1.5,
        mapping=1,
        protocol="udp",
        internal="192.168.20.100:5060",
        external="203.0.113.1:5060",
        opened_by="packet",
    )
    assert teller.tell(opened) == [
        "    1.500  alice (192.168.20.100:5060) is 203.0.113.1:5060 outside (udp, opened by packet)"
    ]


def test_a_name_stands_beside_an_address_of_the_second_family_too() -> None:
    teller = Teller()
    teller.tell(Started(wall=0.0, name="x", mode="simulation", parties={"2001:db8::1": "alice"}))
    opened = events.FlowOpened(
        flow=1, mapping=1, protocol="udp", internal="[2001:db8::1]:5060",
        external="[2001:db8::2]:5060", remote="[2001:db8::9]:0", opened_by="packet",
    )  # fmt: skip
    assert teller.tell(opened) == [
        "    0.000  flow 1: alice ([2001:db8::1]:5060) talks to 2001:db8::9 "
        "as [2001:db8::2]:5060 (udp)"
    ]


@pytest.mark.parametrize("source", ["0.0.0.0", "0.0.0.0:0", "::", "[::]:0"])
def test_the_sender_of_a_packet_that_could_not_be_read_is_not_told(source: str) -> None:
    """Whatever family the rest of the world is of."""
    (line,) = Teller().tell(msgspec.structs.replace(drop(1), source=source))
    assert "dropped on the outside: nothing inside" in line


def test_a_message_tells_each_change_with_its_reason() -> None:
    change = Change(
        field="contact.host",
        span=(0, 5),
        before="192.168.20.100",
        after="192.168.20.100",
        expected="203.0.113.1",
        verdict="missed",
        rule="contact",
        reason="The registrar will send calls to this address.",
        rfc="RFC 3261 20.10",
    )
    message = MessagePassed(
        alg="sip", module="off", flow=1, direction="out", transport="udp",
        source="192.168.20.100:5060", destination="203.0.113.9:5060",
        new_source="203.0.113.1:5060", new_destination="203.0.113.9:5060",
        verdict="unchanged", before="", after="", changes=[change], summary="REGISTER",
    )  # fmt: skip
    assert Teller().tell(message) == [
        "    0.000  REGISTER out, 192.168.20.100:5060 to 203.0.113.9:5060: unchanged, "
        "leaves as 203.0.113.1:5060",
        '           missed contact.host: "192.168.20.100" was left, "203.0.113.1" was expected. '
        "The registrar will send calls to this address. (RFC 3261 20.10)",
    ]


@pytest.mark.parametrize(
    ("verdict", "source", "destination", "told"),
    [
        ("rewritten", "203.0.113.1:9", "203.0.113.9:5060", "rewritten, leaves as 203.0.113.1:9"),
        ("rewritten", ALICE, "192.168.20.9:7", "rewritten, handed to 192.168.20.9:7"),
        ("unchanged", ALICE, "203.0.113.9:5060", "unchanged"),
        ("dropped", "203.0.113.1:9", "203.0.113.9:5060", "dropped"),
    ],
)
def test_a_message_tells_as_which_it_goes_on(
    verdict: str, source: str, destination: str, told: str
) -> None:
    """Where the NAT has given it another end; what goes no further has none."""
    (line,) = Teller().tell(passed(verdict, source, destination))
    assert line.endswith(f": {told}")


def test_who_reads_from_the_beginning_is_told_a_reason_once() -> None:
    """Then when it was; a change that is the same in all is told with others of that moment."""
    change = Change("contact.host", (0, 1), "a", "b", None, "ok", "contact", "Reason.", "RFC 1")
    other = msgspec.structs.replace(change, before="c")
    teller = Teller(brief=True)
    told = [
        teller.tell(passed("rewritten", at=float(at), changes=changes, note="off; no need"))
        for at, changes in enumerate(([change, other], [change, other], [change]))
    ]
    assert [[line.strip() for line in lines[1:]] for lines in told] == [
        [
            'ok contact.host: "a" became "b". Reason. (RFC 1)',
            'ok contact.host: "c" became "b". Why: as at 0.000.',
        ],
        ["ok contact.host, contact.host: as at 0.000"],
        ["ok contact.host: as at 0.000"],
    ]
    assert [lines[0].partition("; ")[2] for lines in told] == ["off; no need", "off", "off"]


def test_who_may_begin_to_read_anywhere_is_told_every_reason() -> None:
    teller = Teller()
    change = Change("contact.host", (0, 1), "a", "b", None, "ok", "contact", "Reason.", "RFC 1")
    once, again = (teller.tell(passed("rewritten", changes=[change])) for _ in range(2))
    assert once == again


def passed(
    verdict: str,
    source: str = ALICE,
    destination: str = "203.0.113.9:5060",
    at: float = 0.0,
    changes: Sequence[Change] = (),
    note: str = "",
) -> MessagePassed:
    return MessagePassed(
        alg="sip", module="sip", flow=1, direction="out", transport="udp", t=at, note=note,
        source=ALICE, destination="203.0.113.9:5060", new_source=source,
        new_destination=destination, verdict=verdict, before="", after="",
        changes=list(changes), summary="REGISTER",
    )  # fmt: skip


def test_a_binary_message_tells_its_values_as_people_write_them() -> None:
    """Between hosts with IPv6 addresses, whose names are found without the brackets."""
    teller = Teller()
    teller.tell(Started(wall=0.0, name="n", mode="simulation", parties={"2001:db8::1": "alice"}))
    change = Change(
        field="answer[0].address",
        span=(4, 8),
        before="\xc6\x33\x64\x07",
        after="\xcb\x00\x71\x07",
        expected=None,
        verdict="ok",
        rule="answer",
        reason="Why.",
        rfc="RFC 2694",
    )
    message = MessagePassed(
        alg="dns", module="dns", flow=1, direction="in", transport="udp",
        source="203.0.113.9:53", destination="[2001:db8::1]:4000",
        new_source="203.0.113.9:53", new_destination="[2001:db8::1]:4000",
        verdict="rewritten", before="\0\1\2\3\xc6\x33\x64\x07", after="", changes=[change],
    )  # fmt: skip
    assert teller.tell(message) == [
        "    0.000  a dns message in, 203.0.113.9:53 to alice ([2001:db8::1]:4000): rewritten",
        '           ok answer[0].address: "198.51.100.7" became "203.0.113.7". Why. (RFC 2694)',
    ]


def drop(count: int) -> PacketDropped:
    return PacketDropped(
        side="outside", reason="NO_MAPPING", sentence="Nothing inside is mapped to it.",
        rfc="RFC 4787 5", protocol="udp", source="192.0.2.7:7", destination="203.0.113.1:9",
        size=60, count=count,
    )  # fmt: skip


@pytest.mark.parametrize(("count", "told"), [(1, "dropped on the"), (7, "dropped 7 packets on")])
def test_drops_are_counted_and_named(count: int, told: str) -> None:
    (line,) = Teller().tell(drop(count))
    assert told in line
    assert line.endswith("(no-mapping)")


def test_a_message_that_was_dropped_is_told_by_its_name() -> None:
    """It comes from the network, and is cleaned like all that does."""
    event = drop(1)
    event.summary = "INVITE\x1b"
    (line,) = Teller().tell(event)
    assert ": INVITE␛ from 192.0.2.7:7 to 203.0.113.1:9: nothing" in line


def test_audio_is_told_when_it_begins_to_be_heard_or_stops() -> None:
    teller = Teller()
    heard = [0, 0, 50, 100, 150, 150, 150]
    told = [
        bool(
            teller.tell(
                MediaStats(stream="1", talker="a", listener="b", sent=50 * second, heard=count)
            )
        )
        for second, count in enumerate(heard, 1)
    ]
    assert told == [True, False, True, False, False, True, False]


def test_an_expectation_for_any_port_or_anyone_reads_well() -> None:
    opened = events.ExpectationOpened(
        expectation=1, protocol="udp", external="203.0.113.1:4000", internal="192.168.20.100:4000",
        remote="203.0.113.9:0", parent="call x", reason="Audio of the call.", expires_in=180.0,
    )  # fmt: skip
    assert "any port of 203.0.113.9 may send to" in Teller().tell(opened)[0]
    opened.remote = None
    assert "anyone may send to" in Teller().tell(opened)[0]


@pytest.mark.parametrize(
    ("remote", "who"),
    [
        ("203.0.113.9:0", "any port of 203.0.113.9"),
        (None, "anyone"),
        ("", "whoever was let in"),  # a recording of before
    ],
)
def test_a_way_in_that_is_closed_is_told_by_who_had_it(remote: str | None, who: str) -> None:
    """Others may go on sending to the same endpoint."""
    closed = events.ExpectationClosed(
        expectation=1, protocol="udp", external="203.0.113.1:5060", internal="192.168.20.100:5060",
        parent="registration x", why="closed", remote=remote,
    )  # fmt: skip
    assert f"{who} may send to 203.0.113.1:5060 no more (closed)" in Teller().tell(closed)[0]


def test_the_last_line_of_a_run_is_the_outcome() -> None:
    assert outcome_line("one-way audio: bob hears alice") == (
        "outcome: one-way audio: bob hears alice"
    )


def test_a_table_is_aligned_and_clean() -> None:
    rows = [{"a": "x\x1b", "b": 1.25, "c": None}, {"a": "longer", "b": 2}]
    assert list(table(rows, {"a": "A", "b": "B", "c": "C"})) == [
        "A       B    C",
        "x␛      1.2  -",
        "longer  2    -",
    ]


def test_what_was_changed_is_told_as_people_write_it() -> None:
    event = SettingChanged(key="nat.timeouts.udp", old=300.0, new=30.0, who="root", t=1.0)
    assert Teller().tell(event) == ["    1.000  root changed nat.timeouts.udp from 5m to 30s"]


@pytest.mark.parametrize(("sent", "told"), [(1, "1 packet out, 0 in"), (2, "2 packets out, 0 in")])
def test_one_packet_is_not_packets(sent: int, told: str) -> None:
    event = FlowExpired(
        t=1.0,
        flow=4,
        mapping=3,
        protocol="udp",
        internal="192.168.20.100:4000",
        external="203.0.113.1:4000",
        remote="203.0.113.9:7000",
        why="flushed",
        packets_out=sent,
        packets_in=0,
        bytes_out=30,
        bytes_in=0,
    )
    assert told in Teller().tell(event)[0]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("answer[4].address", "address record"),
        ("answer[0].ttl", "TTL"),
        ("to.host", "To"),
        ("sdp.c.address", "c= line"),
        ("sdp.o.address", "session description"),
        ("x-unknown.host", "x-unknown.host"),
        ("", ""),
    ],
)
def test_a_field_is_called_what_people_call_it(field: str, name: str) -> None:
    assert place_of(field) == name
