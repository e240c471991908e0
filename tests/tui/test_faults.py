"""The list of faults: the story's own first, what has no effect folded, typing finds."""

from __future__ import annotations

from tui.draw.lines import plain
from tui.faults import FaultList, FaultRow

FAULTS = [
    FaultRow("callid-oneway", "Writes the Call-ID one way.", "Registration fails."),
    FaultRow("no-sdp", "Leaves the body alone.", "One-way audio."),
    FaultRow("no-hairpin", "Sends nothing back inside.", "Calls within the house."),
]
OUTCOMES = {
    "sip": "both-ways",
    "sip-poor:no-sdp": "one-way-audio",
    "sip-poor:no-hairpin": "both-ways",
}


def faults(**other: object) -> FaultList:
    return FaultList("sip-poor", "sip", FAULTS, own=["no-sdp"], **other)  # type: ignore[arg-type]


def names(some: FaultList) -> list[str]:
    return [fault.name for fault in some.shown()]


def test_the_story_s_own_faults_come_first() -> None:
    assert names(faults()) == ["no-sdp", "callid-oneway", "no-hairpin"]
    assert faults().answer() == "sip-poor:no-sdp"


def test_what_ends_as_with_the_correct_module_is_folded_once_that_is_known() -> None:
    some = faults(outcomes=OUTCOMES)
    assert names(some) == ["no-sdp", "callid-oneway"]
    assert plain(some.rows(80))[-1] == "  … 1 others have no effect here: u shows them"
    some.unfolded = True
    assert "no-hairpin" in names(some)
    assert "no-hairpin" in names(faults(outcomes=OUTCOMES, ticked={"no-hairpin"}))


def test_each_row_says_what_the_story_comes_to_or_that_nobody_knows_yet() -> None:
    rows = plain(faults(outcomes=OUTCOMES, ticked={"callid-oneway"}).rows(80))
    assert rows[0] == "▸[ ] no-sdp                ONE-WAY        Leaves the body alone."
    assert rows[1] == " [x] callid-oneway         ·              Writes the Call-ID one way."


def test_typing_finds_by_name_and_by_what_it_does_or_breaks() -> None:
    for typed, found in (("hair", ["no-hairpin"]), ("one way", ["callid-oneway"]), ("zzz", [])):
        some = faults(outcomes=OUTCOMES, typed=typed)
        assert names(some) == found
    assert plain(some.rows(80)) == ["  … 3 others are not like that"]
    assert (some.chosen, some.answer(), some.place) == (None, "", 0)


def test_the_cursor_stays_on_its_fault_while_others_are_folded() -> None:
    known: dict[str, str] = {}
    some = faults(outcomes=known)
    some.move(1)
    assert (some.place, some.answer()) == (1, "sip-poor:callid-oneway")
    known.update(OUTCOMES)
    assert some.answer() == "sip-poor:callid-oneway"
    some.move(9)
    assert some.place == 1


def test_several_are_ticked_and_answered_together() -> None:
    some = faults()
    assert plain(some.rows(80))[0] == "▸[ ] no-sdp                Leaves the body alone."
    some.tick()
    some.move(2)
    some.tick()
    assert some.answer() == "sip-poor:no-sdp,no-hairpin"
    some.tick()
    assert some.answer() == "sip-poor:no-sdp"
