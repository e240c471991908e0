"""The first packet in which two runs differ."""

from __future__ import annotations

import pytest

from appliance.journal.events import FlowExpired
from appliance.sim.axes import Choice, staged
from appliance.sim.difference import Difference, first_difference, first_other_event
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario


def run(name: str, choice: Choice) -> Simulation:
    return Simulation(*staged(load_scenario(name), choice))


def difference(name: str, one: Choice, other: Choice) -> Difference:
    found = first_difference(run(name, one), run(name, other))
    assert found is not None
    return found


@pytest.mark.slow
def test_two_runs_of_the_same_differ_in_nothing() -> None:
    """Promise 6, packet by packet."""
    one, other = run("incoming-call", {"alg": "sip"}), run("incoming-call", {"alg": "sip"})
    assert first_difference(one, other) is None
    assert first_other_event(one, other) == (None, None)


def test_a_module_is_found_by_the_first_byte_that_it_writes() -> None:
    found = difference("one-way-audio", {"alg": "off"}, {"alg": "sip"})
    assert (found.t, found.point, found.side, found.direction) == (0.501, "left", "outside", "out")
    assert (found.what, found.field, found.edited) == ("payload", "via.host", 1)
    assert found.one is not None
    assert found.other is not None
    assert found.one.lines[0].startswith("Via: SIP/2.0/UDP 192.168.20.100:5060;")
    assert found.other.lines[0].startswith("Via: SIP/2.0/UDP 203.0.113.1:5060;")
    assert found.offset is not None
    assert found.reason


def test_behind_other_edits_the_field_is_still_found() -> None:
    """Spans are places in the message as it arrived, and Via has become shorter before them."""
    found = difference("one-way-audio", {"alg": "sip"}, {"alg": "sip-poor:no-sdp"})
    assert (found.field, found.edited) == ("content-length", 0)


def test_all_lines_of_a_message_that_differ_are_shown() -> None:
    """The length of the body comes first; what is to be seen is in the body."""
    found = difference("one-way-audio", {"alg": "sip"}, {"alg": "sip-poor:no-sdp"})
    assert found.one is not None
    assert found.other is not None
    for lines, address in ((found.one.lines, "203.0.113.1"), (found.other.lines, "192.168.20.100")):
        assert [line.partition(" ")[0] for line in lines] == ["Content-Length:", "o=alice", "c=IN"]
        assert lines[-1] == f"c=IN IP4 {address}"


def test_another_port_is_another_source() -> None:
    found = difference("one-way-audio", {"nat.ports": "preserve"}, {"nat.ports": "random"})
    assert (found.what, found.side) == ("source", "outside")
    assert found.one is not None
    assert found.other is not None
    assert found.one.source == "203.0.113.1:5060" != found.other.source


def test_a_packet_that_only_one_of_them_has_is_told_with_what_led_to_it() -> None:
    """A timeout changes no packet: a flow expires, and what comes later does not get through."""
    longer = {"parties.pbx.force_rport": "true", "parties.pbx.comedia": "true"}
    one = run("incoming-call", {**longer, "nat.timeouts.udp": "5m"})
    other = run("incoming-call", {**longer, "nat.timeouts.udp": "2s"})
    found = first_difference(one, other)
    assert found is not None
    assert (found.what, found.other) == ("presence", None)
    assert found.one is not None
    assert found.one.lines[0].startswith("INVITE sip:")
    expired = first_other_event(one, other)[1]
    assert isinstance(expired, FlowExpired)
    assert expired.t < found.t


def test_of_sound_the_bytes_are_shown() -> None:
    """Another seed, another caller ID of the stream; told where signalling is the same."""
    one, other = run("one-way-audio", {"seed": "1"}), run("one-way-audio", {"seed": "2"})
    found = first_difference(one, other)
    assert found is not None
    assert found.what == "payload"
