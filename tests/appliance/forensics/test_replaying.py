"""One side of a capture through a NAT: what was sent inside is sent again, and answers find it."""

from __future__ import annotations

import pytest

from appliance.control import documents
from appliance.forensics.replaying import Replay, Tape, Turn, networks_of, read
from appliance.journal import pcapng
from appliance.journal.events import FlowExpired, MessagePassed, SettingChanged
from appliance.settings import files as config
from nat.packet import Packet
from tests.fuzz.datapath import INVITE
from tests.support.excerpts import pcap
from tests.support.packets import ACK, EXTERNAL, SYN, A, B, R, tcp, udp

RINGING = INVITE.replace(b"INVITE sip:bob@198.51.100.7 SIP/2.0", b"SIP/2.0 180 Ringing")


def replayed(*packets: bytes, sets: tuple[str, ...] = ()) -> tuple[Replay, list[Packet]]:
    """Packets a second apart; answers what the engine was handed as well."""
    tape = read(pcap(packets))
    own = {"inside": {"networks": networks_of(tape)}, "outside": {"external": [EXTERNAL]}}
    replay = Replay(tape, config.for_scenario("test", own, None, sets))
    seen: list[Packet] = []
    handle = replay.engine.handle

    def noted(packet: Packet, *rest: object) -> object:
        seen.append(packet.copy())
        return handle(packet, *rest)  # type: ignore[arg-type]

    replay.engine.handle = noted  # type: ignore[assignment,method-assign]
    replay.run()
    return replay, seen


def test_what_an_inside_host_sent_is_sent_again_at_its_time() -> None:
    first, second = udp(f"{A}:4000", f"{R}:5000"), udp(f"{A}:4002", f"{R}:5000")
    replay, seen = replayed(first, second)
    assert [each.to_bytes() for each in seen] == [first, second]
    flows = [*documents.show(replay.engine, "flows", 1.0)]  # type: ignore[call-overload]
    assert [flow["internal"] for flow in flows] == [f"{A}:4000", f"{A}:4002"]
    assert flows[1]["expires_in"] - flows[0]["expires_in"] == 1.0


def test_a_setting_that_is_turned_on_the_way_acts_from_then_on() -> None:
    tape = read(pcap([udp(f"{A}:4000", f"{R}:5000"), udp(f"{A}:4002", f"{R}:5000")]))
    own = {"inside": {"networks": networks_of(tape)}, "outside": {"external": [EXTERNAL]}}
    settings = config.for_scenario("test", own, None, ())
    turns = [Turn(0.5, "nat.timeouts.udp_unanswered", "30s"), Turn(9.0, "nat.hairpin", False)]
    replay = Replay(tape, settings, turns=turns)
    replay.run()
    changed = [each for each in replay.log.since(0) if isinstance(each, SettingChanged)]
    assert [(each.t, each.key) for each in changed] == [(each.t, each.key) for each in turns]
    flows = [*documents.show(replay.engine, "flows", 9.0)]  # type: ignore[call-overload]
    assert [flow["expires_in"] for flow in flows] == [21.0, 22.0]


def test_an_answer_comes_to_what_the_host_is_mapped_to_here() -> None:
    there, back = udp(f"{A}:4000", f"{R}:5000"), udp(f"{R}:5000", f"{A}:4000", b"back")
    replay, seen = replayed(there, back, sets=("nat.ports=random",))
    (flow,) = [*documents.show(replay.engine, "flows", 1.0)]  # type: ignore[call-overload]
    assert flow["packets_in"] == 1
    assert str(seen[1].destination) == flow["external"] != f"{EXTERNAL}:4000"
    assert (seen[1].check(), seen[1].check_transport()) == (None, None)


def test_a_symmetric_nat_is_answered_flow_by_flow() -> None:
    other = "198.51.100.9"
    symmetric = ("nat.mapping=address-and-port-dependent", "nat.ports=random")
    replay, seen = replayed(
        udp(f"{A}:4000", f"{R}:5000"),
        udp(f"{A}:4000", f"{other}:5000"),
        udp(f"{R}:5000", f"{A}:4000"),
        udp(f"{other}:5000", f"{A}:4000"),
        sets=symmetric,
    )
    assert seen[2].destination != seen[3].destination
    assert replay.sent == 4


def test_an_answer_echoes_what_left_here_and_not_what_was_written() -> None:
    """Over UDP: the correct module restores what the phone wrote, and finds nothing missing."""
    replay, seen = replayed(
        udp(f"{A}:5060", f"{R}:5060", INVITE),
        udp(f"{R}:5060", f"{A}:5060", RINGING),
        sets=("alg.sip.module=sip",),
    )
    assert f"{EXTERNAL}:5060;branch".encode() in seen[1].payload
    _, answer = (event for event in replay.log.since(0) if isinstance(event, MessagePassed))
    assert answer.verdict == "rewritten"
    assert {change.verdict for change in answer.changes} == {"ok"}
    assert f"{A}:5060;branch" in answer.after


def test_a_stream_keeps_its_bytes() -> None:
    replay, seen = replayed(
        tcp(f"{A}:5060", f"{R}:5060", SYN, sequence=99),
        tcp(f"{R}:5060", f"{A}:5060", SYN | ACK, sequence=1, acknowledgement=100),
        tcp(f"{A}:5060", f"{R}:5060", ACK, sequence=100, acknowledgement=2),
        tcp(f"{R}:5060", f"{A}:5060", ACK, sequence=2, acknowledgement=100, payload=RINGING),
        sets=("alg.sip.module=sip",),
    )
    assert seen[3].payload == RINGING
    assert replay.unmapped == 0


def test_who_has_no_mapping_is_not_reached_and_neighbours_need_no_nat() -> None:
    replay, seen = replayed(udp(f"{R}:5000", f"{A}:4000"), udp(f"{A}:1", f"{B}:2"))
    assert (replay.unmapped, replay.passed, replay.sent, seen) == (1, 1, 0, [])


def test_time_passes_between_packets() -> None:
    first, later = udp(f"{A}:4000", f"{R}:5000"), udp(f"{A}:4001", f"{R}:5000")
    replay, _ = replayed(first, *[later] * 200)
    (expired,) = (event for event in replay.log.since(0) if isinstance(event, FlowExpired))
    assert expired.t == 120.0


def test_of_a_capture_of_both_sides_the_inside_is_taken() -> None:
    wires = [pcapng.interface(name, "") for name in ("inside", "outside")]
    packets = [udp(f"{A}:1", f"{R}:2"), udp(f"{EXTERNAL}:1", f"{R}:2")]
    data = pcapng.section("", ()) + b"".join(wires)
    data += b"".join(
        pcapng.packet(wire, 5_000_000, packet, bool(wire), 1) for wire, packet in enumerate(packets)
    )
    assert [each.packet.to_bytes() for each in read(data).sightings] == packets[:1]
    assert [each.packet.to_bytes() for each in read(data, "outside").sightings] == packets[1:]
    assert read(data).wall == 5.0


def test_what_is_private_is_inside() -> None:
    tape = read(
        pcap([udp(f"{A}:1", f"{R}:2"), udp("10.1.2.3:1", f"{R}:2"), udp(f"{R}:1", f"{A}:2")])
    )
    assert networks_of(tape) == ["10.1.2.0/24", "192.168.20.0/24"]
    assert networks_of(Tape(0.0)) == []


@pytest.mark.parametrize("whole", [udp(f"{A}:1", f"{R}:2", b"x"), tcp(f"{A}:1", f"{R}:2", SYN)])
def test_a_checksum_that_was_left_to_the_card_is_filled_in(whole: bytes) -> None:
    """A capture on the machine that sends has only the sum of the pseudo header."""
    sent = Packet.of(whole)
    sent.partial = True
    sent.finish_transport()
    assert sent.to_bytes() != whole
    assert [each.packet.to_bytes() for each in read(pcap([sent.to_bytes()])).sightings] == [whole]


def test_a_checksum_that_is_wrong_stays_wrong() -> None:
    whole = bytearray(udp(f"{A}:1", f"{R}:2", b"x"))
    whole[26] ^= 0xFF
    assert [each.packet.to_bytes() for each in read(pcap([bytes(whole)])).sightings] == [whole]
