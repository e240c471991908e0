"""Audio that goes by way of a proxy."""

from __future__ import annotations

from appliance.parties.description import Description, media_endpoint
from appliance.parties.machine import Machine
from appliance.parties.mediarelay import MOST_CALLS, MediaRelay
from appliance.parties.party import Datagram, Send
from appliance.parties.sipua import SipMessage
from nat.endpoint import Endpoint

RELAY = Endpoint.parse("203.0.113.10:30000")
ALICE, CAROL = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("198.51.100.20:4000")
OUTSIDE = Endpoint.parse("203.0.113.1:4000")


class Relay:
    """A relay that passes on messages between alice and carol."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.machine.name = "proxy"
        self.ports: set[int] = set()
        self.relay = MediaRelay(self.machine, RELAY.address, RELAY.port, self.ports)

    def passes(self, start: str, media: Endpoint | None, call: str = "1") -> Endpoint | None:
        """Where the audio is to go that a message asks for, behind the relay."""
        body = b"" if media is None else Description("a", media, 1).write()
        method = start.split(" ")[0] if not start.startswith("SIP") else start.split("#")[1]
        headers = [
            ("From", "<sip:alice@x>;tag=1"),
            ("To", "<sip:carol@x>;tag=2"),
            ("Call-ID", call),
            ("CSeq", f"1 {method}"),
        ]
        message = SipMessage(start.partition("#")[0], headers, body)
        self.relay.take(message)
        return media_endpoint(message.body)

    def hears(self, source: Endpoint, port: int) -> Send | None:
        self.relay.hear(Datagram(source, RELAY._replace(port=port), b"audio"))
        return next((each for each in self.machine.actions() if isinstance(each, Send)), None)


def calling() -> Relay:
    relay = Relay()
    assert relay.passes("INVITE sip:carol@x SIP/2.0", ALICE) == RELAY
    answer = relay.passes("SIP/2.0 200 OK#INVITE", CAROL)
    assert answer == RELAY._replace(port=30002)
    return relay


def test_each_side_is_told_a_port_of_the_relay() -> None:
    assert calling().ports == {30000, 30002}


def test_audio_goes_to_what_was_said_and_then_to_where_audio_comes_from() -> None:
    """RFC 7362 4."""
    relay = calling()
    first = relay.hears(CAROL, 30000)
    assert first is not None
    assert (first.source.port, first.destination) == (30002, ALICE)
    there = relay.hears(OUTSIDE, 30002)
    assert there is not None
    assert (there.source.port, there.destination) == (30000, CAROL)
    then = relay.hears(CAROL, 30000)
    assert then is not None
    assert then.destination == OUTSIDE


def test_the_same_message_again_has_the_same_port() -> None:
    relay = calling()
    assert relay.passes("INVITE sip:carol@x SIP/2.0", ALICE) == RELAY
    assert relay.ports == {30000, 30002}


def test_before_there_are_two_sides_there_is_nobody_to_send_to() -> None:
    relay = Relay()
    relay.passes("INVITE sip:carol@x SIP/2.0", ALICE)
    assert relay.hears(CAROL, 30000) is None
    assert relay.hears(CAROL, 31000) is None


def test_a_call_that_has_ended_gives_its_ports_back() -> None:
    relay = calling()
    relay.passes("SIP/2.0 200 OK#BYE", None)
    assert relay.ports == set()
    assert relay.hears(CAROL, 30000) is None


def test_of_too_many_calls_the_oldest_ends() -> None:
    relay = Relay()
    for number in range(MOST_CALLS + 5):
        relay.passes("INVITE sip:carol@x SIP/2.0", ALICE, str(number))
    assert len(relay.ports) == MOST_CALLS
