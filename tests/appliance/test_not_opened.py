"""At a limit only what could not be opened is lost, and that is said (rule said-not-hidden)."""

from __future__ import annotations

import pytest

from appliance.journal.events import Change, MessagePassed, NotOpened
from tests.support.audit import audit
from tests.support.calls import AUDIO, IN, OUT, THEIRS, Line, announced, audio
from tests.support.packets import EXTERNAL, A

FIVE = "".join(audio(port) for port in range(7000, 7010, 2))


def not_opened(line: Line) -> int:
    count: int = line.show("counters")["alg"]["sip"]["not_opened"]
    return count


def test_the_call_after_the_last_leaves_with_headers_that_reach_the_phone() -> None:
    """Five calls where the expectations of a host are enough for four: the fifth is up, answers and
    hangs up as any other, and has no audio before the phone speaks."""
    line = Line({"nat.limits.expectations_per_host": 8})
    for number in range(4):
        line.calls_out(f"call{number}", port=7000 + 2 * number)
    assert line.told(NotOpened) == []
    sent = line.send_message(OUT, "INVITE", "call4", 1, media=audio(7100))
    head, _, body = sent.partition("\r\n\r\n")
    assert A not in head
    assert f"Via: SIP/2.0/UDP {EXTERNAL}:5060" in head
    assert f"Contact: <sip:x@{EXTERNAL}:5060>" in head
    assert f"c=IN IP4 {A}\r\n" in body, "what is not open is not announced"
    assert announced(sent) == 7100
    (event,) = line.told(NotOpened)
    assert "audio at 192.168.20.10:7100 is not opened" in event.reason
    (passed,) = [each for each in line.told(MessagePassed) if each.id == event.cause]
    assert (passed.call_id, passed.verdict) == ("call4", "rewritten")
    assert not_opened(line) == 1
    audit(line)
    line.hangs_up("call0")
    again = line.send_message(OUT, "INVITE", "call4", 2, media=audio(7100))
    assert A not in again
    assert not_opened(line) == 1


def test_of_five_streams_four_are_open() -> None:
    line = Line()
    sent = line.send_message(OUT, "INVITE", "call", 1, media=FIVE)
    assert A not in sent
    assert [text.split()[1] for text in sent.splitlines() if text.startswith("m=")] == [
        *("7000", "7002", "7004", "7006"),
        "0",
    ]
    assert line.open_ports() == list(range(7000, 7008))
    assert not_opened(line) == 1
    audit(line)


def test_five_streams_that_share_their_ports_with_rtcp_are_five_ports() -> None:
    """RFC 5761 5.1.1."""
    line = Line()
    media = "".join(audio(port, "a=rtcp-mux") for port in range(7000, 7010, 2))
    line.send_message(OUT, "INVITE", "call", 1, media=media)
    assert line.open_ports() == list(range(7000, 7010, 2))
    assert not_opened(line) == 0


@pytest.mark.parametrize("port", [7001, 9500])
def test_rtcp_of_a_phone_whose_offer_to_share_is_refused_comes_in(port: int) -> None:
    line = Line()
    external = announced(
        line.send_message(OUT, "INVITE", "call", 1, media=audio(AUDIO.port, "a=rtcp-mux"))
    )
    line.send_message(IN, "INVITE", "call", 1, 200, media=audio(THEIRS.port))
    assert line.hears(external + 1, THEIRS._replace(port=port))


def but_lengths(passed: MessagePassed) -> list[Change]:
    """The changes of a message without Content-Length, which is judged by the body that leaves:
    where nothing is changed there is none to miss."""
    return [row for row in passed.changes if row.field != "content-length"]


@pytest.mark.parametrize("limit", [3, 4, 8])
@pytest.mark.parametrize("media", [FIVE, audio(7000) + audio(7002)])
def test_a_prediction_at_a_limit_is_what_happens(media: str, limit: int) -> None:
    """The dry run beside `off` says what `sip` would have edited, stream by stream."""
    edits = []
    for module in ("sip", "off"):
        line = Line({"nat.limits.expectations_per_parent": limit, "alg.sip.module": module})
        line.send_message(OUT, "INVITE", "call", 1, media=media)
        *_, passed = line.told(MessagePassed)
        edits.append([(row.field, row.span, row.expected) for row in but_lengths(passed)])
    assert edits[0] == edits[1]


@pytest.mark.parametrize("key", ["expectations_per_host", "expectations"])
@pytest.mark.parametrize("spoken", [True, False])
def test_the_dry_run_comes_to_the_same_limit_with_the_same_call(key: str, spoken: bool) -> None:
    """Five calls of two ports each, where eight expectations are allowed; with the phone's own
    media under way already, or not."""
    missed = []
    for module in ("sip", "off"):
        line = Line({f"nat.limits.{key}": 8, "alg.sip.module": module})
        for number in range(5):
            if spoken:
                line.speaks(7000 + 2 * number)
            line.calls_out(f"call{number}", port=7000 + 2 * number)
        line.hangs_up("call1")
        line.calls_out("call5", port=7200)
        missed.append([
            (passed.call_id, [(row.field, row.expected) for row in but_lengths(passed)])
            for passed in line.told(MessagePassed)
            if passed.summary == "INVITE"
        ])  # fmt: skip
    assert missed[0] == missed[1]
    fields = {call: [field for field, _ in changes] for call, changes in missed[0]}
    assert "sdp.c.address" in fields["call3"]
    assert "sdp.c.address" not in fields["call4"]
    assert "sdp.c.address" in fields["call5"]


def test_what_only_watches_is_not_counted() -> None:
    line = Line({"alg.sip.module": "off"})
    line.send_message(OUT, "INVITE", "call", 1, media=FIVE)
    assert not_opened(line) == 0
    assert line.told(NotOpened) == []
