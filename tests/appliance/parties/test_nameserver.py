"""A name server's ports: a datagram, and a stream of messages with their lengths."""

from __future__ import annotations

import pytest
from dnslib import DNSRecord

from appliance.parties.nameserver import NO_QUESTION, TOO_OFTEN, NameServer, NameServerTraits
from appliance.parties.party import (
    Abort,
    Close,
    Closed,
    Connected,
    Datagram,
    Ending,
    Finished,
    Received,
    Report,
    Send,
    What,
    Write,
)
from nat.endpoint import Endpoint

PHONE, SERVER = Endpoint.parse("203.0.113.1:40000"), Endpoint.parse("203.0.113.53:53")
QUESTION = bytes(DNSRecord.question("pbx.example.net").pack())
BY_TCP = len(QUESTION).to_bytes(2) + QUESTION


def a_server(**traits: object) -> NameServer:
    zones = {"example.net": ["pbx.example.net. 300 IN A 203.0.113.10"]}
    known = {"address": "203.0.113.53", "side": "outside", "zones": zones, **traits}
    traits_of_it = NameServerTraits(**known)  # type: ignore[arg-type]
    traits_of_it.check()
    return NameServer("names", traits_of_it)


def address_in(answer: bytes) -> str:
    return str(DNSRecord.parse(answer).a.rdata)


def test_it_answers_from_where_it_was_asked() -> None:
    server = a_server()
    send, accepted = server.receive(Datagram(PHONE, SERVER, QUESTION), 0.0)
    assert isinstance(send, Send)
    assert (send.source, send.destination) == (SERVER, PHONE)
    assert address_in(send.payload) == "203.0.113.10"
    assert isinstance(accepted, Report)
    assert accepted.what is What.MESSAGE_ACCEPTED
    (said,) = server.receive(Datagram(PHONE, SERVER, send.payload), 0.0)
    assert isinstance(said, Report)
    assert said.detail == NO_QUESTION


def test_by_tcp_each_message_has_its_length_before_it() -> None:
    """RFC 1035 4.2.2; RFC 7766 6.2.1: several questions on one connection, cut as TCP likes."""
    server = a_server()
    server.hear(Connected(SERVER, PHONE), 0.0)
    both = BY_TCP + BY_TCP
    assert server.hear(Received(SERVER, PHONE, both[:7]), 0.0) == []
    first, _, second, _ = server.hear(Received(SERVER, PHONE, both[7:]), 0.0)
    assert first == second
    assert isinstance(first, Write)
    assert int.from_bytes(first.payload[:2]) == len(first.payload) - 2
    assert address_in(first.payload[2:]) == "203.0.113.10"


def test_it_closes_after_the_asker_and_does_not_listen_to_answers() -> None:
    server = a_server()
    server.hear(Connected(SERVER, PHONE), 0.0)
    assert server.hear(Finished(SERVER, PHONE), 0.0) == [Close(SERVER, PHONE)]
    server.hear(Closed(SERVER, PHONE, Ending.ORDERLY), 0.0)
    server.hear(Connected(SERVER, PHONE), 0.0)
    answer = BY_TCP[:4] + b"\x80" + BY_TCP[5:]
    assert server.hear(Received(SERVER, PHONE, answer), 0.0)[-1] == Abort(SERVER, PHONE)
    assert server.hear(Received(SERVER, PHONE, BY_TCP), 0.0) == []


def test_it_listens_on_its_port_and_starts_in_silence() -> None:
    server = a_server(port=5353)
    assert server.ports == server.tcp_ports == {5353}
    assert server.start(0.0) == ()


def test_a_zone_that_cannot_be_read_is_a_bad_trait() -> None:
    traits = NameServerTraits(
        address="203.0.113.53", side="outside", zones={"example.net": ["what is this"]}
    )
    with pytest.raises(ValueError, match="not the text of a zone"):
        traits.check()


def test_one_address_gets_so_many_answers_in_a_minute_and_others_theirs() -> None:
    """All hosts behind a NAT are one address."""
    server = a_server(most_answers=2)
    times = (0.0, 1.0, 2.0, 59.0, 60.5, 60.6)
    said = [server.receive(Datagram(PHONE, SERVER, QUESTION), now) for now in times]
    assert [any(isinstance(each, Send) for each in one) for one in said] == [
        True, True, False, False, True, False,
    ]  # fmt: skip
    (report,) = said[2]
    assert isinstance(report, Report)
    assert report.detail == f"203.0.113.1 {TOO_OFTEN}"
    other = PHONE._replace(address=1)
    assert isinstance(server.receive(Datagram(other, SERVER, QUESTION), 2.0)[0], Send)
    with pytest.raises(ValueError, match="-1 answers"):
        a_server(most_answers=-1)
