"""What becomes of a question: one of ours is answered, another goes on, a false answer is none."""

from __future__ import annotations

import random

import pytest
from dnslib import EDNS0, RCODE, RR, DNSRecord

from appliance.namespaces.names.forwarding import (
    MOST,
    MOST_OF_A_HOST,
    PATIENCE,
    Asker,
    Errand,
    Forwarding,
)
from appliance.namespaces.names.hosts import parse
from appliance.namespaces.names.own import zones
from appliance.parties.zone import LONGEST_ANSWER, LONGEST_BY_TCP

PHONE = Asker("192.168.20.100", ("udp", 4000), LONGEST_ANSWER)
ELSEWHERE = DNSRecord.question("www.example.net")


def forwarding(forwards: bool = True) -> Forwarding:
    return Forwarding(zones([parse("pbx=192.168.20.10")]), forwards, random.Random(1))


def sent_on(server: Forwarding, query: DNSRecord = ELSEWHERE, asker: Asker = PHONE) -> Errand:
    errand = server.ask(bytes(query.pack()), asker, asker.longest == LONGEST_BY_TCP, 5.0)
    assert isinstance(errand, Errand)
    return errand


def resolved(errand: Errand, records: int = 1) -> bytes:
    """What an honest resolver says."""
    reply = DNSRecord.parse(errand.sent).reply()
    for number in range(records):
        reply.add_answer(*RR.fromZone(f"www.example.net. 60 IN A 192.0.2.{number % 250 + 1}"))
    return bytes(reply.pack())


def rcode(said: bytes | Errand) -> str:
    assert isinstance(said, bytes)
    return str(RCODE[DNSRecord.parse(said).header.rcode])


def test_a_name_of_ours_is_answered_at_once_and_nobody_else_asked() -> None:
    said = forwarding().ask(bytes(DNSRecord.question("pbx").pack()), PHONE, False, 0.0)
    assert isinstance(said, bytes)
    assert [str(each.rdata) for each in DNSRecord.parse(said).rr] == ["192.168.20.10"]


def test_another_goes_on_with_an_identifier_of_our_own_and_comes_back_with_the_asker_s() -> None:
    """RFC 5452 9.2. All else of the question and of the answer stays as it is."""
    server = forwarding()
    errand = sent_on(server)
    query = bytes(ELSEWHERE.pack())
    assert errand.sent[:2] != query[:2]
    assert errand.sent[2:] == query[2:]
    assert errand.until == 5.0 + PATIENCE
    answer = resolved(errand)
    assert server.hear(errand, answer) == query[:2] + answer[2:]


@pytest.mark.parametrize("wrong", ["identifier", "question", "direction", "length"])
def test_what_only_looks_like_the_answer_is_not_taken_and_the_true_one_still_is(wrong: str) -> None:
    """RFC 5452 9.1."""
    server = forwarding()
    errand = sent_on(server)
    true = resolved(errand)
    false = {
        "identifier": bytes([true[0] ^ 1]) + true[1:],
        "question": true.replace(b"\x03www", b"\x03xxx"),
        "direction": true[:2] + bytes([true[2] & 0x7F]) + true[3:],
        "length": true[:8],
    }[wrong]
    assert server.hear(errand, false) is None
    assert server.hear(errand, true) is not None
    assert server.hear(errand, true) is None, "it is answered once"


def test_a_resolver_may_write_the_name_in_other_letters() -> None:
    server = forwarding()
    errand = sent_on(server)
    assert server.hear(errand, resolved(errand).replace(b"\x03www", b"\x03WWW")) is not None


def test_when_nothing_comes_the_asker_hears_that_it_failed() -> None:
    server = forwarding()
    said = server.give_up(sent_on(server))
    assert rcode(said) == "SERVFAIL"
    assert str(DNSRecord.parse(said).q.qname) == "www.example.net."
    sent_on(server)  # it may ask again


def test_the_same_question_again_waits_for_the_same_answer() -> None:
    server = forwarding()
    sent_on(server)
    assert server.ask(bytes(ELSEWHERE.pack()), PHONE, False, 5.5) == b""


def test_who_asks_too_much_at_once_takes_nothing_from_others() -> None:
    server = forwarding()
    for number in range(MOST_OF_A_HOST):
        sent_on(server, DNSRecord.question(f"a{number}.net"))
    assert rcode(server.ask(bytes(ELSEWHERE.pack()), PHONE, False, 5.0)) == "SERVFAIL"
    sent_on(server, asker=Asker("192.168.20.101", ("udp", 1), LONGEST_ANSWER))


def test_nor_do_many_together_make_it_remember_more_than_it_may() -> None:
    server = forwarding()
    for number in range(MOST):
        sent_on(server, asker=Asker(f"host {number}", number, LONGEST_ANSWER))
    last = Asker("last", "last", LONGEST_ANSWER)
    assert rcode(server.ask(bytes(ELSEWHERE.pack()), last, False, 5.0)) == "SERVFAIL"


@pytest.mark.parametrize(("size", "is_cut"), [(None, True), (800, True), (1232, False)])
def test_an_answer_that_is_too_long_for_the_asker_says_that_there_is_more(
    size: int | None, is_cut: bool
) -> None:
    """RFC 1035 4.2.1 and RFC 6891 6.2.5, whatever the resolver thinks."""
    query = DNSRecord.question("www.example.net")
    if size is not None:
        query.add_ar(EDNS0(udp_len=size))
    server = forwarding()
    errand = sent_on(server, query)
    said = server.hear(errand, resolved(errand, records=60))
    assert said is not None
    reply = DNSRecord.parse(said)
    assert bool(reply.header.tc) is is_cut
    assert len(reply.rr) == (0 if is_cut else 60)


def test_by_tcp_there_is_room_for_all_of_it() -> None:
    server = forwarding()
    errand = sent_on(server, asker=Asker("192.168.20.100", ("tcp", 1), LONGEST_BY_TCP))
    assert errand.by_tcp
    said = server.hear(errand, resolved(errand, records=600))
    assert said is not None
    assert len(DNSRecord.parse(said).rr) == 600


def test_without_a_resolver_other_names_are_refused() -> None:
    assert rcode(forwarding(False).ask(bytes(ELSEWHERE.pack()), PHONE, False, 0.0)) == "REFUSED"


def test_an_answer_is_never_answered_and_never_sent_on() -> None:
    """RFC 5625 6: two servers would go on for ever."""
    assert forwarding().ask(bytes(ELSEWHERE.reply().pack()), PHONE, False, 0.0) == b""


LOOP = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\xc0\x0c\x00\x01\x00\x01"
MANY_LABELS = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x01a" * 300 + b"\x00\x00\x01\x00\x01"
MANY_QUESTIONS = b"\x12\x34\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff" + b"\x01a\x00\x00\x01\x00\x01"


@pytest.mark.parametrize("query", [LOOP, MANY_LABELS, MANY_QUESTIONS, LOOP[:12], LOOP[:13]])
def test_what_cannot_be_read_is_said_to_be_so_and_goes_nowhere(query: bytes) -> None:
    """A name that points at itself, one of 300 labels, 65,535 questions, and nothing at all."""
    said = forwarding().ask(query, PHONE, False, 0.0)
    assert isinstance(said, bytes)
    assert said[:2] == query[:2]
    assert said[3] & 15 == RCODE.FORMERR


def test_whatever_comes_nothing_is_raised() -> None:
    dice = random.Random(7)
    server = forwarding()
    query = bytearray(ELSEWHERE.pack())
    for _ in range(2000):
        spoiled = bytearray(query[: dice.randrange(len(query) + 1)])
        for _ in range(dice.randrange(4)):
            if spoiled:
                spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        said = server.ask(bytes(spoiled), PHONE, False, 0.0)
        if isinstance(said, Errand):
            server.hear(said, bytes(spoiled))
            server.give_up(said)
