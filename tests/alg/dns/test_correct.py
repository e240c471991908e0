"""What the correct DNS ALG changes, and what it leaves (RFC 2694)."""

from __future__ import annotations

import pytest
from dnslib import DNSRecord

from alg.base import Reading
from alg.dns.correct import Dns, reasons
from nat.endpoint import Direction
from tests.alg.dns.situations import (
    INSIDE,
    OUTSIDE,
    PTR_INSIDE,
    PTR_OUTSIDE,
    SIGNATURE,
    answer,
    answering,
    asking,
    by_tcp,
    met,
    through,
    words,
)

NAME = asking("pbx.example.net")
UDP_AND_TCP = pytest.mark.parametrize("transport", ["udp", "tcp"])


def on(transport: str, message: bytes) -> bytes:
    return by_tcp(message) if transport == "tcp" else message


# --- addresses ------------------------------------------------------------------------------------


@UDP_AND_TCP
@pytest.mark.parametrize(
    ("inside", "direction", "before", "after", "rule"),
    [
        ("client", "in", OUTSIDE, INSIDE, "to-internal"),
        ("server", "out", INSIDE, OUTSIDE, "to-external"),
    ],
)
def test_an_answer_names_the_address_that_its_reader_can_reach(
    inside: str, direction: str, before: str, after: str, rule: str, transport: str
) -> None:
    """RFC 2694 4.2 and 4.2.2: four bytes in their place; the TTL of a fixed rule stays."""
    message = on(transport, answering(NAME, before))
    said = answer(met(inside, direction, transport=transport), message)
    assert [(each.field, each.rule) for each in said.edits] == [("answer[0].address", rule)]
    assert said.edits[0].end - said.edits[0].start == 4 == len(said.edits[0].replacement)
    left = through(met(inside, direction, transport=transport), message)
    assert words(left)[1:] == [after]


def test_addresses_of_all_sections_are_translated_and_only_those_of_fixed_rules() -> None:
    """Rule address-to-itself: neither the NAT's own nor anybody else's."""
    others = ["a.example.net. 60 IN A 203.0.113.1", "b.example.net. 60 IN A 198.51.100.7"]
    message = answering(NAME, *others, OUTSIDE, authority=OUTSIDE)
    assert words(through(met("client", "in"), message))[1:] == [*others, INSIDE, INSIDE]


def test_an_inside_address_without_a_rule_leaves_as_it_is_and_that_is_said() -> None:
    private = "desk.example.net. 60 IN A 192.168.20.30"
    said = answer(met("server", "out"), answering(asking("desk.example.net"), private))
    assert said.edits == ()
    assert said.note == "192.168.20.30 has no external address of its own"


def test_other_types_and_classes_are_not_looked_into() -> None:
    message = bytearray(answering(NAME, OUTSIDE))
    message[-12] = 3  # class CH
    assert answer(met("client", "in"), bytes(message)).edits == ()
    text = 'pbx.example.net. 300 IN TXT "203.0.113.10"'
    assert answer(met("client", "in"), answering(NAME, text)).edits == ()


def test_a_question_for_a_name_passes_as_it_is() -> None:
    assert answer(met("client", "out"), NAME).edits == ()
    assert answer(met("server", "in"), NAME).edits == ()


# --- signatures -----------------------------------------------------------------------------------


def test_a_signed_address_is_left_and_that_is_said() -> None:
    """Rule signed-stays. RFC 4035 5.3: whoever checks would refuse it."""
    said = answer(met("client", "in"), answering(NAME, OUTSIDE, SIGNATURE))
    assert said.edits == ()
    assert said.note == (
        'left alone: pbx.example.net. is signed (alg.dns.dnssec = "rewrite" changes it)'
    )


def test_a_signature_of_something_else_does_not_count() -> None:
    other = SIGNATURE.replace("RRSIG A", "RRSIG AAAA")
    assert len(answer(met("client", "in"), answering(NAME, OUTSIDE, other)).edits) == 1


def test_a_signed_address_is_translated_when_told_so_and_the_reason_names_the_price() -> None:
    context = met("client", "in", "alg.dns.dnssec=rewrite")
    (edit,) = answer(context, answering(NAME, OUTSIDE, SIGNATURE)).edits
    assert edit.rule == "to-internal-signed"
    assert "forgery" in Dns().explain(edit.rule).sentence


def test_an_answer_that_a_resolver_has_checked_is_checked_no_more() -> None:
    """Rule signed-stays. RFC 4035 3.2.3: AD speaks of all records. Without an edit it stays."""
    message = answering(NAME, OUTSIDE, ad=1)
    assert DNSRecord.parse(message).header.ad
    assert not DNSRecord.parse(through(met("client", "in"), message)).header.ad
    assert answer(met("client", "in"), answering(NAME, ad=1)).edits == ()


# --- names of addresses ---------------------------------------------------------------------------


@UDP_AND_TCP
@pytest.mark.parametrize(
    ("inside", "there", "back", "asked", "sent"),
    [
        ("server", "in", "out", PTR_OUTSIDE, PTR_INSIDE),
        ("client", "out", "in", PTR_INSIDE, PTR_OUTSIDE),
    ],
    ids=["asked from outside", "asked from inside"],
)
def test_the_name_of_an_address_is_translated_in_the_question_and_back_in_the_answer(
    inside: str, there: str, back: str, asked: str, sent: str, transport: str
) -> None:
    """Rules asked-and-answered and pointers-follow: the two names differ in length."""
    context = met(inside, there, transport=transport)
    question = through(context, on(transport, asking(asked, "PTR")))
    assert words(question) == [f";{sent}. IN PTR"]
    bare = question[2:] if transport == "tcp" else question
    zone = sent.split(".", 1)[1]
    known = answering(
        bare, f"{sent}. 60 IN PTR pbx.example.net.", authority=f"{zone}. 60 IN NS ns.{zone}."
    )
    left = through(context.facing(Direction(back)), on(transport, known))
    assert words(left) == [
        f";{asked}. IN PTR",
        f"{asked}. 60 IN PTR pbx.example.net.",
        f"{zone}. 60 IN NS ns.{zone}.",
    ]
    whole = DNSRecord.parse(left[2:] if transport == "tcp" else left)
    assert str(whole.rr[0].rname) == f"{asked}."
    if transport == "tcp":
        assert int.from_bytes(left[:2]) == len(left) - 2


def test_an_answer_to_a_question_that_was_not_translated_stays() -> None:
    """Rule asked-and-answered: whoever has asked for the public address gets an answer to that."""
    known = answering(asking(PTR_OUTSIDE, "PTR"), f"{PTR_OUTSIDE}. 60 IN PTR pbx.example.net.")
    assert answer(met("client", "in"), known).edits == ()
    context = met("client", "out")
    answer(context, asking(PTR_INSIDE, "PTR"))
    other = asking("11.113.0.203.in-addr.arpa", "PTR")
    assert answer(context.facing(Direction.IN), answering(other)).edits == ()


def test_nobody_who_wants_a_signed_answer_is_given_another_question() -> None:
    said = answer(met("client", "out"), asking(PTR_INSIDE, "PTR", flags="do"))
    assert said.edits == ()
    assert "wants a signed answer" in said.note
    assert answer(met("client", "out"), asking(PTR_INSIDE, "PTR", flags="")).edits
    told = met("client", "out", "alg.dns.dnssec=rewrite")
    assert answer(told, asking(PTR_INSIDE, "PTR", flags="do")).edits


@pytest.mark.parametrize(
    "name",
    [
        "9.113.0.203.in-addr.arpa",
        "010.20.168.192.in-addr.arpa",
        "1.10.20.168.192.in-addr.arpa",
        "20.168.192.in-addr.arpa",
        "10.20.168.192.example.net",
    ],
)
def test_what_is_not_the_name_of_such_an_address_stays(name: str) -> None:
    assert answer(met("client", "out"), asking(name, "PTR")).edits == ()


# --- what is left alone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({2: 0x80 | 5 << 3}, "UPDATE says what stands in a zone"),
        ({2: 0x80 | 4 << 3}, "NOTIFY says what stands in a zone"),
        ({30: 252}, "a transfer says what stands in a zone"),
    ],
)
def test_what_speaks_of_zones_is_left_alone(change: dict[int, int], said: str) -> None:
    """RFC 2694 4.1.4: a zone is best kept on the side that it speaks of. (4.1.3 would translate a
    transfer all the same; but most of it is too long to be read, and half a zone is worse.)"""
    message = bytearray(answering(NAME, OUTSIDE))
    for at, value in change.items():
        message[at] = value
    reply = answer(met("client", "in"), bytes(message))
    assert reply.edits == ()
    assert said in reply.note


def test_what_is_signed_as_a_whole_is_left_alone() -> None:
    """RFC 8945: TSIG covers every byte."""
    sealed = bytearray(answering(NAME, OUTSIDE))
    sealed[11] = 1
    sealed += b"\0" + (250).to_bytes(2) + bytes.fromhex("00ff 00000000 0000")
    said = answer(met("client", "in"), bytes(sealed))
    assert (said.edits, said.note) == ((), "left alone: it is signed as a whole")


@pytest.mark.parametrize(
    ("inside", "direction", "message"),
    [
        ("client", "out", answering(NAME, INSIDE)),
        ("client", "in", NAME),
        ("server", "in", answering(NAME, OUTSIDE)),
        ("server", "out", NAME),
    ],
)
def test_who_answers_where_one_asks_is_not_believed(
    inside: str, direction: str, message: bytes
) -> None:
    said = answer(met(inside, direction), message)
    assert (said.reading, said.edits) == (Reading.MALFORMED, ())


def test_two_servers_may_ask_each_other() -> None:
    """Old name servers ask from port 53."""
    assert len(answer(met("both", "in"), answering(NAME, OUTSIDE)).edits) == 1
    assert answer(met("both", "out"), NAME).reading is Reading.MESSAGE


def test_what_is_not_dns_is_opaque_and_what_breaks_off_is_malformed() -> None:
    assert answer(met("client", "out"), b"GET / HTTP/1.1\r\n").reading is Reading.OPAQUE
    cut = answering(NAME, OUTSIDE)[:-1]
    assert answer(met("client", "in"), cut).reading is Reading.MALFORMED


def test_what_nobody_would_send_is_not_read() -> None:
    """A longer message would keep everybody else's packets waiting."""
    short, long = (answering(NAME, *[OUTSIDE] * count) for count in (250, 260))
    assert len(short) < 4096 < len(long)
    assert len(answer(met("client", "in"), short).edits) == 250
    said = answer(met("client", "in"), long)
    assert (said.edits, said.note) == ((), "more bytes than are read")


def test_every_rule_has_its_reason() -> None:
    for rule, reason in reasons().items():
        assert reason.sentence.endswith("."), rule
        assert reason.rfc.startswith("RFC "), rule
    with pytest.raises(KeyError):
        Dns().explain("no-such-rule")
