"""Reports of parties as events."""

from __future__ import annotations

import pytest

from appliance.parties.party import Ground, Report, What
from appliance.sim.testimony import as_event, in_words
from nat.endpoint import Endpoint

BYE = b"BYE sip:b@b.c SIP/2.0\r\nVia: x\r\nFrom: a\r\nTo: b\r\nCSeq: 2 BYE\r\nCall-ID: x\r\n\r\n"
GROUND = Ground(BYE, "via", "RFC 3261 18.1.2")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (Report(What.CALL_ENDED, "bob"), None),
        (Report(What.MESSAGE_ACCEPTED, "bob", ground=GROUND), ("MessageAccepted", "bob")),
        (Report(What.MESSAGE_DISCARDED, "bob", ground=GROUND), ("MessageDiscarded", "pbx")),
        (Report(What.MESSAGE_REFUSED, "bob", ground=GROUND), ("MessageDiscarded", "pbx")),
        (
            Report(What.LEARNT, "bob", target=Endpoint(1, 2), ground=GROUND),
            ("PartyLearnt", "bob"),
        ),
    ],
)
def test_what_is_said_of_a_message_is_an_event(
    report: Report, said: tuple[str, str] | None
) -> None:
    event = as_event("pbx", report)
    assert (event and (type(event).__name__, event.party)) == said
    assert event is None or event.summary == "BYE"


def test_a_packet_in_words() -> None:
    assert (in_words(BYE), in_words(b"\x80" + bytes(171)), in_words(b"\1")) == ("BYE", None, "")
    assert in_words(bytes(4)) == "keep-alive"
