"""A fault that is switched on has bitten only where something is otherwise for it."""

from __future__ import annotations

from alg import registry
from alg.base import Edit, Edits, Refuse
from appliance.gateway.bites import bitten, idle, sentence
from appliance.gateway.trial import Situation
from appliance.journal.events import MessagePassed
from appliance.journal.sentences import Teller
from appliance.settings.table import Settings
from nat.endpoint import Direction, Endpoint
from tests.support.calls import Line

WITHOUT_SDP = (
    b"OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.10;branch=z9hG4bK1\r\n"
    b"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: abc\r\n"
    b"CSeq: 1 OPTIONS\r\nContact: <sip:a@192.168.20.10:5060>\r\nContent-Length: 0\r\n\r\n"
)
SITUATION = Situation(
    Direction.OUT,
    Endpoint.parse("192.168.20.10:5060"),
    Endpoint.parse("203.0.113.1:5060"),
    Endpoint.parse("203.0.113.9:5060"),
)
RIGHT = Edits((Edit(0, 1, b"x", "via.host", "via"),))


def through(module: str) -> Line:
    """A call through this module, answered and hung up."""
    line = Line({"alg.sip.module": module})
    line.calls_out("call")
    line.hangs_up("call")
    return line


def bites(line: Line) -> dict[str, int]:
    counted: dict[str, dict[str, int]] = line.show("counters")["faults"]
    return counted.get("sip", {})


def test_of_a_call_s_messages_only_those_with_a_description_can_be_bitten_by_its_fault() -> None:
    """Both the offer's address and the permission for whom the answer names are missing; ACK, BYE
    and the OPTIONS before are as they should be."""
    line = through("sip-poor:no-sdp")
    told = [event for event in line.told(MessagePassed) if event.bitten]
    assert [(event.summary, event.bitten) for event in told] == [
        ("INVITE", ["no-sdp"]),
        ("200 Answer (INVITE)", ["no-sdp"]),
    ]
    assert bites(line) == {"no-sdp": 2}
    assert Teller().say(told[0])[0].endswith("; at work: no-sdp")


def test_a_fault_in_what_is_opened_bites_although_the_message_is_right() -> None:
    line = through("sip-poor:dialog-forgets")
    assert bites(line)["dialog-forgets"] >= 1


def test_a_decision_is_counted_where_it_is_not_the_nat_s_own() -> None:
    line = through("sip-poor:rtcp-not-adjacent")
    assert bites(line) == {"rtcp-not-adjacent": 1}


def test_a_fault_that_had_nothing_to_spoil_is_counted_too() -> None:
    line = through("sip-poor:ice-default-only")
    assert bites(line) == {"ice-default-only": 0}
    line.set("alg.sip.module", "sip-poor:no-sdp")
    assert bites(line) == {"no-sdp": 0}


def test_the_correct_module_has_no_fault_to_bite() -> None:
    assert bites(through("sip")) == {}


def test_without_the_correct_module_beside_it_a_fault_is_known_by_its_own_edits() -> None:
    own = Edits((Edit(0, 1, b"y", "via.host", "one"),), faults=("one", "another"))
    assert bitten(own, (), None, ()) == ("one",)


def test_a_refusal_is_always_a_bite() -> None:
    assert bitten(Refuse("no-sdp", ("no-sdp",)), (), RIGHT, ()) == ("no-sdp",)


def test_the_same_answer_and_the_same_questions_are_no_bite() -> None:
    answer = Edits(RIGHT.edits, faults=("one",))
    assert bitten(answer, [("keep", 5.0)], RIGHT, [("keep", 5.0)]) == ()
    assert bitten(answer, [("keep", 5.0)], RIGHT, [("keep", 6.0)]) == ("one",)


def unused(spec: str, message: bytes = WITHOUT_SDP) -> list[str]:
    return idle(message, spec, registry.APPLICATIONS["sip"], SITUATION, Settings())


def test_of_one_message_it_is_said_which_faults_have_nothing_to_spoil() -> None:
    assert unused("sip-poor:no-sdp,own-via,no-hairpin") == ["no-sdp", "no-hairpin"]
    assert unused("sip-poor:own-via@nth=2") == ["own-via"]
    assert unused("sip") == unused("off") == unused("mine.py:Mine") == []


def test_what_acts_elsewhere_is_told_from_what_found_nothing() -> None:
    said = sentence(["no-sdp", "no-hairpin"], registry.MODULES["sip-poor"])
    assert (
        said == "nothing here for no-sdp to spoil; no-hairpin acts on packets, not on this message"
    )
