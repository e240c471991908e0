"""Registrations, RFC 3261 10, seen from the middle."""

from __future__ import annotations

from typing import Any

import pytest

from alg.base import Unavailable
from alg.sip.correct import Sip
from appliance.gateway.trial import Trial
from nat.mapping import Why

REGISTER = """
REGISTER sip:203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK-8fb0e171
From: "David" <sip:525@203.0.113.9>;tag=191914b06bee0
To: "David" <sip:525@203.0.113.9>
Call-ID: 6894e30c-b1c8d357@192.168.20.100
CSeq: {cseq} REGISTER
Max-Forwards: 70
Contact: {contact}
Content-Length: 0
"""
OK = """
SIP/2.0 {status}
Via: SIP/2.0/UDP 203.0.113.1:1024;branch=z9hG4bK-8fb0e171;received=203.0.113.1
From: "David" <sip:525@203.0.113.9>;tag=191914b06bee0
To: "David" <sip:525@203.0.113.9>;tag=as43d68f7c
Call-ID: 6894e30c-b1c8d357@192.168.20.100
CSeq: {cseq} REGISTER
{contact}
Content-Length: 0
"""
OWN = '"David" <sip:525@192.168.20.100:5060>'
SEEN = '"David" <sip:525@203.0.113.1:1024>'
CALLED = """
INVITE sip:525@203.0.113.1:1024 SIP/2.0
Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK2
From: <sip:bob@203.0.113.9>;tag=b
To: <sip:525@203.0.113.1>
Call-ID: 2
CSeq: 1 INVITE
Content-Length: 0
"""


def register(contact: str = OWN, cseq: int = 1373) -> str:
    return REGISTER.format(contact=contact, cseq=cseq)


def ok(contact: str, cseq: int = 1373, status: str = "200 OK") -> str:
    return OK.format(contact=contact, cseq=cseq, status=status)


def test_the_lectures_register_leaves_with_via_and_contact_changed_and_call_id_not(
    talk: Any, on_the_wire: Any
) -> None:
    before = register(OWN + ";expires=3600")
    after = before.replace("192.168.20.100:5060", "203.0.113.1:1024")
    assert talk.out(before) == on_the_wire(after)
    assert talk.edited == {"via.host": "203.0.113.1:1024", "contact.host": "203.0.113.1:1024"}


def test_the_answer_arrives_as_the_phone_wrote_it(talk: Any) -> None:
    """RFC 3261 18.1.2 and 10.2.4."""
    talk.out(register(OWN + ";expires=3600"))
    back = talk.into(ok(f"Contact: {SEEN};expires=3600"))
    assert b"Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK-8fb0e171;received=192." in back
    assert b"Contact: " + OWN.encode() + b";expires=3600" in back
    assert b"203.0.113.1" not in back


def test_asking_opens_nothing(talk: Any) -> None:
    """Invariant I-E4, rule granted-not-wished: opened only by the matching success answer."""
    talk.out(register())
    assert talk.open == []


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [
        (f"Contact: {SEEN};expires=600", 600.0),
        (f"Contact: {SEEN}\nExpires: 500", 500.0),
        (f"Contact: {SEEN};expires=600\nExpires: 500", 600.0),
        (f"Contact: {SEEN}", 1800.0),
        (f"Contact: <sip:525@198.51.100.7>;expires=60, {SEEN};expires=90", 90.0),
        (f"m: <sip:525@198.51.100.7>;expires=60\nm: {SEEN};expires=90", 90.0),
        ("Expires: 400", 400.0),
        (f"Contact: {SEEN};expires=999999999", 86_400.0),
    ],
)
def test_the_registrar_grants_the_lifetime(talk: Any, answer: str, lifetime: float) -> None:
    """Rule granted-not-wished, RFC 3261 10.2.4: expires, else Expires; at most a day."""
    talk.out(register(OWN + ";expires=1800"))
    talk.into(ok(answer))
    assert talk.open == ["5060<-203.0.113.9"]
    assert talk.lifetimes == {lifetime}


@pytest.mark.parametrize(
    ("answer", "cseq", "status"),
    [
        (f"Contact: {SEEN};expires=60", 1374, "200 OK"),
        (f"Contact: {SEEN};expires=60", 1373, "100 Trying"),
        (f"Contact: {SEEN};expires=60", 1373, "401 Unauthorized"),
        (f"Contact: {SEEN};expires=60", 1373, "302 Moved"),
        (f"Contact: {SEEN};expires=60", 1373, "503 No"),
        ("Contact: <sip:525@198.51.100.7>;expires=60", 1373, "200 OK"),
        (f"Contact: {SEEN};expires=0", 1373, "200 OK"),
        (f"Contact: {SEEN};expires=-1", 1373, "200 OK"),
        (f"Contact: {SEEN};expires=0x10", 1373, "200 OK"),
        (f"Contact: {SEEN}\nExpires: 99999999999", 1373, "200 OK"),
        ("Subject: no contact", 1373, "200 OK"),
    ],
)
def test_other_answers_open_nothing(talk: Any, answer: str, cseq: int, status: str) -> None:
    talk.out(register())
    talk.into(ok(answer, cseq, status))
    assert talk.open == []


def test_an_answer_without_a_question_opens_nothing(talk: Any) -> None:
    talk.into(ok(f"Contact: {SEEN};expires=60"))
    assert talk.open == []


def test_an_answer_reaches_the_phone_even_if_its_pinhole_cannot_be_had(
    talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes fail open, pinholes fail closed."""
    talk.out(register())

    def full(*arguments: Any, **more: Any) -> None:
        raise Unavailable("the limit is reached")

    monkeypatch.setattr(Trial, "expect", full)
    back = talk.into(ok(f"Contact: {SEEN};expires=60"))
    assert b"Via: SIP/2.0/UDP 192.168.20.100:5060" in back
    assert (talk.open, talk.note) == ([], "the limit is reached")


def test_a_mapping_that_is_gone_is_not_opened(talk: Any) -> None:
    talk.out(register("<sip:525@192.168.20.100:5070>"))
    internal = talk.context.internal._replace(port=5070)
    mappings = talk.context.nat.table.mappings
    (mapping,) = [mappings.pinned[17, internal]]
    mapping.held_until = 0.0
    mappings.close_if_idle(mapping, Why.CLOSED, 0.0)
    talk.into(ok("Expires: 60"))
    assert (talk.open, talk.note) == ([], "")


def test_an_answer_from_somebody_else_opens_nothing(talk: Any) -> None:
    """Rule registrar-only."""
    talk.out(register())
    talk.into(ok(f"Contact: {SEEN};expires=60"), remote="198.51.100.66:5060")
    assert talk.open == []


def test_a_failed_refresh_leaves_the_registration_that_runs(talk: Any) -> None:
    """Rule granted-not-wished."""
    talk.out(register())
    talk.into(ok(f"Contact: {SEEN};expires=60"))
    talk.out(register(cseq=1374))
    talk.into(ok("Subject: later", 1374, "503 Service Unavailable"))
    assert talk.open == ["5060<-203.0.113.9"]


@pytest.mark.parametrize("leaving", [OWN + ";expires=0", OWN + "\nExpires: 0", "*\nExpires: 0"])
def test_leaving_closes_the_pinhole_when_it_is_granted(talk: Any, leaving: str) -> None:
    """Rule unregistering-closes, RFC 3261 10.2.2. A known helper leaves its hole open after `*`."""
    talk.out(register())
    talk.into(ok(f"Contact: {SEEN};expires=60"))
    talk.out(register(leaving, 1374))
    assert talk.open == ["5060<-203.0.113.9"]
    talk.into(ok("Subject: bye", 1374))
    assert talk.open == []


def test_a_query_changes_nothing_and_its_answer_is_translated(talk: Any) -> None:
    """Rule unregistering-closes."""
    talk.out(register())
    talk.into(ok(f"Contact: {SEEN};expires=60"))
    talk.out(register(cseq=1374).replace(f"Contact: {OWN}\n", ""))
    back = talk.into(ok(f"Contact: {SEEN};expires=30", 1374))
    assert b"<sip:525@192.168.20.100:5060>;expires=30" in back
    assert talk.lifetimes == {60.0}


def test_a_contact_on_another_port_gets_a_mapping_and_then_its_pinhole(talk: Any) -> None:
    """Rule contact-opens."""
    sent = talk.out(register("<sip:525@192.168.20.100:5070>"))
    assert b"Contact: <sip:525@203.0.113.1:5070>" in sent
    assert talk.open == []
    talk.into(ok("Contact: <sip:525@203.0.113.1:5070>;expires=60"))
    assert talk.open == ["5070<-203.0.113.9"]


def test_several_contacts_all_work(talk: Any) -> None:
    contacts = "<sip:a@192.168.20.100:5060>, <sip:a@192.168.20.100:5070>;expires=9"
    sent = talk.out(register(contacts))
    assert b"Contact: <sip:a@203.0.113.1:1024>, <sip:a@203.0.113.1:5070>;expires=9" in sent
    seen = "Contact: <sip:a@203.0.113.1:1024>;expires=8,<sip:a@203.0.113.1:5070>;expires=9"
    talk.into(ok(seen))
    assert talk.open == ["5060<-203.0.113.9", "5070<-203.0.113.9"]
    assert talk.lifetimes == {8.0, 9.0}


def test_more_contacts_than_allowed_are_not_opened_and_the_rest_is_translated(talk: Any) -> None:
    """Rules contact-opens and said-not-hidden: a message must not be able to take all ports."""
    contacts = [f"<sip:a@192.168.20.100:{port}>" for port in range(6000, 6009)]
    talk.out(register(", ".join([*contacts[:8], OWN])))
    mappings = len(talk.context.nat.table.mappings.by_external)
    others = [each.replace(":60", ":70") for each in contacts]
    sent = talk.out(register(", ".join([*others, OWN]), 1374)).decode()
    assert all(each in sent for each in others)
    assert "Via: SIP/2.0/UDP 203.0.113.1" in sent
    assert len(talk.context.nat.table.mappings.by_external) == mappings
    assert talk.answer.not_opened == (
        "a contact on a port of its own is not opened: the message names more than 8",
    )


def test_several_addresses_of_record_of_one_host_do_not_evict_each_other(talk: Any) -> None:
    for name, cseq in (("525", 1), ("526", 2)):
        talk.out(register(cseq=cseq).replace("525", name))
        talk.into(ok(f"Contact: {SEEN};expires=60".replace("525", name), cseq))
    assert len(talk.context.expectations) == 2


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:525@192.168.20.101:5060>",
        "<sip:525@198.51.100.7:5060>",
        "<sip:525@192.168.20.100:22>",
        "<sip:525@phone.example.com>",
        "<tel:+525>",
    ],
)
def test_contacts_of_others_and_of_system_ports_are_left_alone(talk: Any, contact: str) -> None:
    """Rule own-contacts-only, invariant I-E2."""
    assert contact.encode() in talk.out(register(contact))
    talk.into(ok(f"Contact: {contact};expires=60"))
    assert talk.open == []


def test_a_phone_that_knows_its_public_address_is_left_alone_and_reachable(talk: Any) -> None:
    """Rule public-stays."""
    before = register(SEEN).replace("192.168.20.100:5060;branch", "203.0.113.1:1024;branch")
    talk.out(before)
    assert talk.edited == {}
    talk.into(ok(f"Contact: {SEEN};expires=60"))
    assert talk.edited == {}, "it comes back as the phone wrote it (RFC 3261 18.1.2)"
    assert talk.open == ["5060<-203.0.113.9"]
    talk.into(CALLED)
    assert talk.edited == {}, "Request-URI and To name it as it knows itself"
    talk.out(register())
    talk.into(ok(f"Contact: {SEEN};expires=60"))
    assert talk.edited["contact.host"] == "192.168.20.100:5060", "it knows itself by that again"


def test_a_stale_public_address_is_left_alone_and_noted(talk: Any) -> None:
    """Rule public-stays."""
    assert b"203.0.113.1:4711" in talk.out(register("<sip:525@203.0.113.1:4711>"))
    assert "stale" in talk.note
    assert talk.context.internal_of(talk.context.external._replace(port=4711)) is None


@pytest.mark.parametrize(
    ("timeout", "granted", "kept", "note"),
    [
        ("auto", 60, 3600.0, ""),
        ("auto", 7200, 7232.0, ""),
        (45.0, 7200, 45.0, "shorter than the registration"),
        (9000.0, 7200, 9000.0, ""),
    ],
)
def test_the_signalling_mapping_lives_as_long_as_the_registration(
    conversation: Any, timeout: str | float, granted: int, kept: float, note: str
) -> None:
    """Rule signalling-lives-on: hiding the NAT means that the server sends no keep-alive."""
    talk = conversation(Sip(), "203.0.113.1:1024", timeout=timeout)
    talk.out(register())
    talk.into(ok(f"Contact: {SEEN};expires={granted}"))
    assert talk.kept == kept
    assert note in talk.note
