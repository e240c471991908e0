"""What a lab tells its appliance."""

from __future__ import annotations

from typing import Any

from appliance.namespaces.lab.witness import LONGEST, Witness
from appliance.parties.party import Ground, Report, Send, What
from appliance.sim.outcome import Outcome
from nat.endpoint import Endpoint

BYE = b"BYE sip:b@b.c SIP/2.0\r\nVia: x\r\nFrom: a\r\nTo: b\r\nCSeq: 2 BYE\r\nCall-ID: x\r\n\r\n"
HERE, THERE = Endpoint(1, 5060), Endpoint(2, 5060)


class Heard:
    def __init__(self) -> None:
        self.told: list[tuple[Any, str]] = []
        self.witness = Witness(lambda event, message: self.told.append((event, message)))


def test_what_a_party_says_of_a_message_is_told_with_its_bytes() -> None:
    heard = Heard()
    report = Report(What.MESSAGE_ACCEPTED, "bob", detail="sends 180", ground=Ground(BYE))
    heard.witness.hear("pbx", report)
    heard.witness.hear("pbx", report._replace(ground=Ground(BYE + b"x" * LONGEST)))
    heard.witness.hear("pbx", Report(What.CALL_ENDED, "bob"))
    (event, message), (_, too_long) = heard.told
    assert (event["type"], event["summary"], event["call_id"]) == (
        "message-accepted",
        "BYE",
        "x",
    )
    assert (message.encode(), too_long) == (BYE, "")


def test_each_message_that_cannot_be_sent_is_told_and_audio_once_a_second() -> None:
    heard = Heard()
    for payload in (BYE, BYE, *[b"\x80" + bytes(171)] * 50):
        heard.witness.lose("pbx", Send(HERE, THERE, payload), "Network is unreachable", 1.0)
    heard.witness.flush(2.0)
    assert [(event["summary"], event["count"]) for event, _ in heard.told] == [
        ("BYE", 1), ("BYE", 1), ("", 1), ("", 49),
    ]  # fmt: skip
    assert [message for _, message in heard.told] == [BYE.decode()] * 2 + [""] * 2


def test_how_it_ended_is_told_too() -> None:
    heard = Heard()
    heard.witness.end(Outcome("both-ways", "both ways", {"calls_tried": 1}))
    ((event, _),) = heard.told
    assert (event["type"], event["outcome"]) == ("call-outcome", "both-ways")
