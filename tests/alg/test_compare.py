"""What a module did, beside what it should have done: ok, missed, wrong, broken, info."""

from __future__ import annotations

import pytest

from alg.base import Alg, AlgContext, Edit, Edits, Finding, Reason, Refuse
from alg.compare import MOST_CHANGES, SILENT, changes, damage, note
from alg.off import Off
from alg.sip.application import SIP
from alg.sip.correct import Sip
from alg.sip.judging import stays
from tests.support.counted import assert_linear, work
from tests.support.sweep import sampled

MESSAGE = (
    b"MESSAGE sip:bob@192.0.2.4 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1\r\n"
    b"Call-ID: 1\r\n"
    b"CSeq: 1 MESSAGE\r\n"
    b"Content-Length: 5\r\n"
    b"\r\n"
    b"hello"
)


def edit(before: bytes, after: bytes, rule: str = "via", field: str = "via.host") -> Edit:
    start = MESSAGE.index(before)
    return Edit(start, start + len(before), after, field, rule)


RIGHT = edit(b"192.168.20.100:5060", b"203.0.113.1:1024")
LENGTH = edit(b"5\r\n\r\n", b"6\r\n\r\n", "content-length", "content-length")
BODY = edit(b"hello", b"hello!", "other", "body")


class Careless:
    """A module of somebody's own."""

    name = "careless"

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        return Edits()

    def explain(self, rule: str) -> Reason:
        if rule == "other":
            return Reason("Because.", "RFC 0")
        raise RuntimeError(rule)


def verdicts(active: list[Edit], correct: list[Edit]) -> list[str]:
    return [row.verdict for row in changes(MESSAGE, Careless(), active, Sip(), correct, SIP)]


@pytest.mark.parametrize(
    ("active", "correct", "expected"),
    [
        ([], [], []),
        ([RIGHT], [RIGHT], ["ok"]),
        ([], [RIGHT], ["missed"]),
        ([edit(b"192.168.20.100:5060", b"203.0.113.1:9")], [RIGHT], ["wrong"]),
        ([edit(b"192.168.20.100", b"203.0.113.1")], [RIGHT], ["wrong"]),
        ([BODY, LENGTH], [], ["ok", "wrong"]),
        ([edit(b";branch", b";x;branch")], [], ["wrong"]),
        ([edit(b"bob", b"eve", "info-name")], [], ["info"]),
        ([BODY], [], ["broken", "wrong"]),
        ([LENGTH], [], ["broken"]),
        ([LENGTH], [BODY, LENGTH], ["broken", "missed"]),
        ([], [BODY, LENGTH], ["missed"]),
        ([], [edit(b"hello", b"HELLO", "info-greeting")], ["info"]),
        ([BODY], [BODY, LENGTH], ["broken", "ok"]),
        ([edit(b"SIP/2.0/UDP", b"SIP/2.0;UDP")], [], ["broken"]),
        ([edit(b"CSeq: 1 ", b"CSeq: one ")], [RIGHT], ["missed", "broken"]),
    ],
)
def test_each_place_gets_a_verdict(
    active: list[Edit], correct: list[Edit], expected: list[str]
) -> None:
    assert verdicts(active, correct) == expected


def test_the_same_result_by_other_edits_is_ok() -> None:
    """What counts is what stands there afterwards."""
    halves = [edit(b"192.168.20.100", b"203.0.113.1"), edit(b":5060;", b":1024;")]
    assert verdicts(halves, [edit(b"192.168.20.100:5060;", b"203.0.113.1:1024;")]) == ["ok"]


def test_when_only_all_together_are_too_much_all_are_to_blame() -> None:
    """Two parameters of 4,200 bytes each make a line longer than any parser should read."""
    place = MESSAGE.index(b";branch")
    two = [
        Edit(place, place, b";x=" + b"x" * 4200, "via", "other"),
        Edit(place + 14, place + 14, b";y=" + b"y" * 4200, "via", "other"),
    ]
    assert verdicts(two[:1], []) == verdicts(two[1:], []) == ["wrong"]
    assert verdicts(two, []) == ["broken", "broken"]


def test_a_reason_argues_for_what_is_right() -> None:
    """Not for what the module had in mind: it is wrong."""
    other = edit(b"192.168.20.100:5060", b"203.0.113.1:9", "other")
    name = edit(b"Call-ID: 1", b"Call-ID: 2", "other", "call-id")
    sent_by, call_id = changes(MESSAGE, Careless(), [other, name], Sip(), [RIGHT], SIP)
    assert (sent_by.verdict, sent_by.rule) == ("wrong", "other")
    assert (sent_by.reason, sent_by.rfc) == Sip().explain("via")
    assert (call_id.verdict, call_id.rule) == ("wrong", "other")
    assert (call_id.reason, call_id.rfc) == stays()["call-id"]


def test_two_modules_that_leave_a_message_alone_say_why() -> None:
    off, ice = Edits(note="it is off"), Edits(note="ICE")
    assert note(off, ice) == "it is off; ICE"
    assert note(ice, ice) == note(Edits(), ice) == "ICE"
    assert note(off, None) == note(off, Edits((RIGHT,), note="ICE")) == "it is off"


def test_a_row_says_what_why_and_what_it_should_be() -> None:
    (row,) = changes(MESSAGE, Off(), [], Sip(), [RIGHT], SIP)
    assert (row.field, row.before, row.after, row.expected) == (
        "via.host",
        "192.168.20.100:5060",
        "192.168.20.100:5060",
        "203.0.113.1:1024",
    )
    assert MESSAGE[slice(*row.span)].decode() == row.before
    assert row.reason == Sip().explain("via").sentence
    assert row.rfc.startswith("RFC ")


def test_without_the_correct_module_nothing_is_expected() -> None:
    (row,) = changes(MESSAGE, Careless(), [BODY], Sip(), None, SIP)
    assert (row.verdict, row.expected, row.reason) == ("ok", None, "Because.")


def test_the_correct_module_needs_no_shadow() -> None:
    (row,) = changes(MESSAGE, Sip(), [RIGHT], Sip(), None, SIP)
    assert (row.verdict, row.expected) == ("ok", "203.0.113.1:1024")


def test_a_module_that_cannot_explain_itself_is_no_accident() -> None:
    (row,) = changes(MESSAGE, Careless(), [edit(b"bob", b"eve", "unknown")], Sip(), None, SIP)
    assert (row.reason, row.rfc) == SILENT


def test_bytes_become_characters_one_to_one() -> None:
    data = b"\xff\x00" + MESSAGE
    (row,) = changes(data, Careless(), [Edit(0, 2, b"\x80", "f", "other")], Sip(), None, SIP)
    assert (row.before, row.after) == ("\xff\x00", "\x80")


def test_modules_fit_the_protocol() -> None:
    modules: list[Alg] = [Off(), Sip(), Careless()]
    assert {module.name for module in modules} == {"off", "sip", "careless"}


# --- how long it takes ---------------------------------------------------------------------------

WORDS = b"address "


def filled(size: int) -> bytes:
    return MESSAGE.replace(
        b"5\r\n\r\nhello", b"%d\r\n\r\n%b" % (size, WORDS * (size // len(WORDS)))
    )


def each_word(message: bytes, replacement: bytes, step: int = len(WORDS)) -> list[Edit]:
    """An edit for a word of the body at every so many bytes."""
    body = message.index(WORDS)
    return [
        Edit(at, at + len(WORDS) - 1, replacement, "body", "other")
        for at in range(body, len(message) - len(WORDS) + 1, step)
    ]


def whole_body(message: bytes) -> list[Edit]:
    return [Edit(message.index(WORDS), len(message), b"all", "body", "other")]


@pytest.mark.slow
@pytest.mark.parametrize("size_of_body", [7_000, 56_000])
def test_too_many_changes_are_one_row_that_says_so(size_of_body: int) -> None:
    """Every byte that was changed is still in exactly one row, with a reason (promise 2)."""
    message = filled(size_of_body)
    made = each_word(message, b"ADDRESS")
    (row,) = changes(message, Careless(), made, Sip(), [], SIP)
    assert row.span == (made[0].start, made[-1].end)
    assert row.reason == f"{len(made)} changes are too many to compare."
    assert row.before == message[slice(*row.span)].decode()
    assert row.after == row.before.replace("address", "ADDRESS")
    assert (row.verdict, row.expected) == ("wrong", row.before)
    (same,) = changes(message, Careless(), made, Sip(), made, SIP)
    assert same.verdict == "ok"
    (alone,) = changes(message, Careless(), made, Sip(), None, SIP)
    assert (alone.verdict, alone.expected, alone.reason) == ("ok", None, row.reason)


def test_as_many_as_can_be_compared_are_compared() -> None:
    message = filled(len(WORDS) * MOST_CHANGES)
    made = each_word(message, b"ADDRESS")
    assert len(made) == MOST_CHANGES
    assert len(changes(message, Careless(), made, Sip(), [], SIP)) == MOST_CHANGES


def test_when_very_many_differ_all_are_to_blame_for_a_message_that_cannot_be_read() -> None:
    """To try each of them by itself would be the work of as many messages."""
    message = filled(8_000)
    made = [edit(b"SIP/2.0/UDP", b"SIP/2.0;UDP"), *each_word(message, b"ADDRESS", 200)]
    rows = changes(message, Careless(), made, Sip(), [], SIP)
    assert {row.verdict for row in rows} == {"broken"}


@pytest.mark.parametrize(
    "kind", sampled(["one by one", "broken", "all under one", "one over all", "alone"], 5)
)
def test_a_message_of_twice_the_size_is_about_twice_the_work(kind: str) -> None:
    """Whatever stands in it, and however many changes there are."""
    works = []
    for size in (3_520, 7_040, 14_080, 28_160, 56_320):
        message = filled(size)
        words, body = each_word(message, b"ADDRESS"), whole_body(message)
        few = each_word(message, b"ADDRESS", 440)
        thirty = each_word(message, b"ADDRESS")[:: size // 240][:30]
        active, correct = {
            "one by one": (few, each_word(message, b"others", 440)),
            "broken": ([edit(b"SIP/2.0/UDP", b"SIP/2.0;UDP"), *thirty], []),
            "all under one": (words, body),
            "one over all": (body, words),
            "alone": (words, None),
        }[kind]
        works.append(
            work(lambda m=message, a=active, c=correct: changes(m, Careless(), a, Sip(), c, SIP))
        )
    assert_linear(works)


def test_what_was_wrong_before_is_found_among_many_at_once() -> None:
    def findings(message: bytes) -> list[Finding]:
        return [Finding(f"line {number}", "It is wrong.", "") for number in range(len(message))]

    sizes = (1_000, 2_000, 4_000, 8_000)
    assert damage(b"x" * 3, b"x" * 4, b"", findings) == [Finding("line 3", "It is wrong.", "")]
    assert_linear([work(lambda n=n: damage(b"x" * n, b"x" * n, b"x" * n, findings)) for n in sizes])


def test_a_module_that_translates_less_has_a_length_of_its_own() -> None:
    """RFC 8866 5.2: nobody sends to o=, so who leaves it misses nothing, and counts its bytes."""
    body = b"v=0\r\no=- 1 1 IN IP4 192.168.20.100\r\nc=IN IP4 192.168.20.100\r\n"
    message = MESSAGE.replace(b"5\r\n\r\nhello", b"%d\r\n\r\n%b" % (len(body), body))
    message = message.replace(b"Content-L", b"Content-Type: application/sdp\r\nContent-L")
    o, c = message.index(b"192.168.20.100\r\nc="), message.rindex(b"192.168.20.100")
    number = message.index(b"%d\r\n\r\n" % len(body))
    origin = Edit(o, o + 14, b"203.0.113.1", "sdp.o.address", "info-sdp-origin")
    media = Edit(c, c + 14, b"203.0.113.1", "sdp.c.address", "sdp-connection")

    def length(of_body: int) -> Edit:
        return Edit(number, number + 2, b"%d" % of_body, "content-length", "content-length")

    correct = [origin, media, length(len(body) - 6)]
    for made, expected in (
        ([media, length(len(body) - 3)], ["ok", "info", "ok"]),
        ([media, length(len(body) - 6)], ["broken", "info", "ok"]),
        ([media], ["broken", "info", "ok"]),
        ([], ["info", "missed"]),
    ):
        rows = changes(message, Careless(), made, Sip(), correct, SIP)
        assert [row.verdict for row in rows] == expected
        assert all(row.expected == str(len(body) - 3) for row in rows if "length" in row.field)
