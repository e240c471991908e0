"""Messages in a stream: where they end, and on which connection they go."""

from __future__ import annotations

from collections.abc import Set
from random import Random

import pytest

from appliance.parties.machine import Machine
from appliance.parties.party import (
    Abort,
    Action,
    Close,
    Closed,
    Connect,
    Connected,
    Ending,
    Finished,
    News,
    Obstacle,
    Received,
    Report,
    Send,
    Undelivered,
    What,
    Write,
)
from appliance.parties.signalling import (
    LONGEST_BODY,
    LONGEST_HEAD,
    Datagrams,
    Streams,
    message_length,
)
from appliance.parties.sipua import SipMessage, UnreadableError, parse
from nat.endpoint import UDP, Endpoint

OWN = Endpoint.parse("203.0.113.9:5060")
PHONE = Endpoint.parse("192.168.20.100:5060")  # what it calls itself
SEEN = Endpoint.parse("203.0.113.1:50000")  # where its connection comes from
OTHER = Endpoint.parse("203.0.113.1:50001")


def a_message(method: str = "OPTIONS", body: bytes = b"", via: str = "") -> bytes:
    headers = [
        ("Via", via or f"SIP/2.0/TCP {PHONE};branch=z9hG4bK1;alias"),
        ("From", "<sip:alice@203.0.113.9>;tag=1"),
        ("To", "<sip:bob@203.0.113.9>"),
        ("Call-ID", "1"),
        ("CSeq", f"1 {method}"),
    ]
    return SipMessage(f"{method} sip:203.0.113.9 SIP/2.0", headers, body).write()


class Server:
    """A transport, with all that it does written down."""

    def __init__(self, segment_size: int = 0) -> None:
        self.machine = Machine()
        self.machine.name = "pbx"
        self.messages: list[tuple[bytes, Endpoint]] = []
        self.garbage: list[str] = []
        self.broken: list[tuple[Set[Endpoint], str]] = []
        self.transport = Streams(
            self.machine,
            OWN,
            Random(1),
            segment_size,
            lambda message, source, now: self.messages.append((message, source)),
            self.garbage.append,
            lambda names, why, now: self.broken.append((names, why)),
        )

    def hears(self, *news: News) -> list[Action]:
        for each in news:
            self.transport.hear(each, 0.0)
        return list(self.machine.actions())

    def sends(self, destination: Endpoint, message: bytes = b"message") -> list[Action]:
        self.transport.send(destination, message)
        return list(self.machine.actions())

    def registers(self, source: Endpoint, via: str = "") -> None:
        """A phone has connected and sent a request."""
        self.hears(Connected(OWN, source))
        self.transport.heard_request(parse(a_message(via=via)), source)


# --- where a message ends ------------------------------------------------------------------------


def test_content_length_says_where_a_message_ends() -> None:
    """RFC 3261 18.3."""
    first, second = a_message(body=b"v=0\r\n\r\n"), a_message()
    assert message_length(first + second) == len(first)
    assert [message_length(first[:end]) for end in range(len(first))] == [0] * len(first)


@pytest.mark.parametrize("name", [b"l", b"L", b"CONTENT-LENGTH", b"content-length"])
def test_the_length_may_be_written_short(name: bytes) -> None:
    """RFC 3261 7.3.1 and 7.3.3."""
    message = b"BYE sip:a SIP/2.0\r\n" + name + b" :  3 \r\n\r\nabc"
    assert message_length(message) == len(message)


@pytest.mark.parametrize("between", [b"\r\n", b"\r\n\r\n", b"\n"])
def test_line_ends_between_messages_are_keep_alives(between: bytes) -> None:
    """RFC 5626 3.5.1; RFC 3261 7.5."""
    assert message_length(between + a_message()) == len(between)


def test_line_ends_alone_are_no_message_and_are_taken_for_what_they_are() -> None:
    server = Server()
    (said,) = server.hears(Connected(OWN, SEEN), Received(OWN, SEEN, b"\r\n"))
    assert isinstance(said, Report)
    assert (said.what, said.ground.message) == (What.MESSAGE_ACCEPTED, b"\r\n")
    assert server.messages == []


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\n",
        b"BYE sip:a SIP/2.0\r\nl: %d\r\n\r\n" % (LONGEST_BODY + 1),
        b"x" * (LONGEST_HEAD + 1),
        b"x" * (LONGEST_HEAD + 1) + b"\r\n\r\n",
    ],
    ids=["no length", "no number", "two lengths", "a long body", "no end", "a late end"],
)
def test_a_stream_in_which_nobody_can_find_the_next_message(stream: bytes) -> None:
    with pytest.raises(UnreadableError):
        message_length(stream)


# --- connections ---------------------------------------------------------------------------------


def test_the_first_message_opens_a_connection_and_the_next_uses_it() -> None:
    """From a port of its own choice (RFC 6335 6)."""
    server = Server()
    connect, write = server.sends(PHONE)
    assert isinstance(connect, Connect)
    assert (connect.local.address, connect.remote) == (OWN.address, PHONE)
    assert connect.local.port >= 49152
    assert write == Write(connect.local, PHONE, b"message", (0,))
    assert server.sends(PHONE, b"next") == [Write(connect.local, PHONE, b"next", (0,))]


def test_messages_may_be_cut_into_small_segments() -> None:
    assert isinstance(write := Server(7).sends(PHONE)[1], Write)
    assert write.sizes == (7,)


def test_an_answer_goes_back_on_the_connection_of_the_request() -> None:
    """RFC 3261 18.2.2."""
    server = Server()
    server.hears(Connected(OWN, SEEN))
    assert server.sends(SEEN) == [Write(OWN, SEEN, b"message", (0,))]


def test_requests_to_an_alias_go_on_the_connection_that_was_opened_from_it() -> None:
    """RFC 5923 6."""
    server = Server()
    server.registers(SEEN)
    assert server.sends(PHONE) == [Write(OWN, SEEN, b"message", (0,))]


@pytest.mark.parametrize(
    "via",
    [f"SIP/2.0/TCP {PHONE};branch=z9hG4bK1", "SIP/2.0/TCP phone.example.com;alias;branch=z9hG4bK1"],
)
def test_nobody_is_reached_by_a_name_they_have_not_agreed_to(via: str) -> None:
    server = Server()
    server.registers(SEEN, via)
    assert isinstance(server.sends(PHONE)[0], Connect)


def test_the_newest_connection_has_the_alias() -> None:
    server = Server()
    server.registers(SEEN)
    server.registers(OTHER)
    server.hears(Closed(OWN, SEEN, Ending.RESET))
    assert server.sends(PHONE) == [Write(OWN, OTHER, b"message", (0,))]


def test_a_connection_has_one_alias_the_last_one() -> None:
    """So that one peer cannot fill the table."""
    server = Server()
    server.registers(SEEN)
    server.transport.heard_request(
        parse(a_message(via=f"SIP/2.0/TCP {OTHER};branch=z9hG4bK1;alias")), SEEN
    )
    assert isinstance(server.sends(PHONE)[0], Connect)
    assert server.sends(OTHER) == [Write(OWN, SEEN, b"message", (0,))]


def test_messages_are_put_together_from_whatever_comes() -> None:
    server = Server()
    stream = a_message("INVITE", b"v=0\r\n") + b"\r\n\r\n" + a_message("BYE")
    server.hears(Connected(OWN, SEEN))
    for at in range(len(stream)):
        server.hears(Received(OWN, SEEN, stream[at : at + 1]))
    assert server.messages == [(a_message("INVITE", b"v=0\r\n"), SEEN), (a_message("BYE"), SEEN)]


def test_two_connections_are_two_streams() -> None:
    server = Server()
    message = a_message()
    server.hears(Connected(OWN, SEEN), Connected(OWN, OTHER))
    server.hears(Received(OWN, SEEN, message[:9]), Received(OWN, OTHER, message))
    server.hears(Received(OWN, SEEN, message[9:]))
    assert server.messages == [(message, OTHER), (message, SEEN)]


def test_a_stream_that_is_not_sip_is_cut_off() -> None:
    """RFC 3261 18.3: there is no way to find the next message."""
    server = Server()
    actions = server.hears(Connected(OWN, SEEN), Received(OWN, SEEN, b"GET / HTTP/1.1\r\n\r\n"))
    assert actions == [Abort(OWN, SEEN)]
    assert len(server.garbage) == 1
    server.hears(Received(OWN, SEEN, a_message()))
    assert server.messages == []


@pytest.mark.parametrize(
    ("news", "why", "actions"),
    [
        (Closed(OWN, SEEN, Ending.RESET), Ending.RESET, []),
        (Finished(OWN, SEEN), Ending.ORDERLY, [Close(OWN, SEEN)]),
    ],
)
def test_what_was_waited_for_on_a_connection_ends_with_it(
    news: News, why: Ending, actions: list[Action]
) -> None:
    server = Server()
    server.registers(SEEN)
    assert server.hears(news) == actions
    assert server.broken == [({SEEN, PHONE}, why.value)]
    assert isinstance(server.sends(SEEN)[0], Connect)


def test_late_news_of_an_older_connection_changes_nothing() -> None:
    server = Server()
    server.sends(PHONE)
    stranger = Endpoint(OWN.address, 1)
    server.hears(Closed(stranger, PHONE, Ending.RESET))
    assert server.broken == []


def test_a_via_names_its_transport() -> None:
    """RFC 3261 18.1.1."""
    assert Server().transport.via("z9hG4bK1") == f"SIP/2.0/TCP {OWN};branch=z9hG4bK1;alias"


# --- datagrams -----------------------------------------------------------------------------------


def test_over_udp_each_message_is_a_datagram() -> None:
    machine = Machine()
    transport = Datagrams(machine, OWN)
    transport.send(PHONE, b"message")
    assert machine.actions() == [Send(OWN, PHONE, b"message")]
    assert transport.via("z9hG4bK1") == f"SIP/2.0/UDP {OWN};branch=z9hG4bK1"


def test_over_udp_nothing_is_remembered_or_done_about_errors() -> None:
    machine = Machine()
    transport = Datagrams(machine, OWN)
    transport.heard_request(parse(a_message()), SEEN)
    transport.hear(Undelivered(UDP, OWN, PHONE, Obstacle.PORT_UNREACHABLE, PHONE.address), 0.0)
    transport.send(PHONE, b"message")
    assert machine.actions() == [Send(OWN, PHONE, b"message")]
