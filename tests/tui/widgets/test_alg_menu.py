"""The ALG menu answers a SPEC, and explains the fault under the cursor."""

from __future__ import annotations

from tests.tui.reading import screen_of
from tui.faults import FaultRow
from tui.themes import Looks
from tui.widgets.alg_menu import AlgMenu, Choices

FAULTS = [
    FaultRow("no-sdp", "Leaves the body alone. " * 8),
    FaultRow("callid-oneway", "Second.", "The phone."),
]
SIP = Choices("sip", "RTP ports", "sip-poor", FAULTS)
BARE = Choices("sip", "RTP ports")


async def test_the_active_faults_are_ticked_and_the_one_under_the_cursor_is_explained() -> None:
    app: Looks[None] = Looks()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AlgMenu([SIP], {"sip": "sip-poor:callid-oneway"}, "sip", True))
        await pilot.pause()
        text = screen_of(app)
        assert "[ ] no-sdp" in text
        assert "[x] callid-oneway" in text
        assert text.count("Leaves the body alone.") >= 6
        await pilot.press("down")
        await pilot.pause()
        assert "┃ Second." in screen_of(app)
        assert "┃ Breaks: The phone." in screen_of(app)


async def test_it_opens_at_the_fault_that_somebody_was_led_to() -> None:
    app: Looks[None] = Looks()
    some = Choices("sip", "RTP ports", "sip-poor", [*FAULTS, FaultRow("x", "D.", "B.", "A box")])
    outcomes = dict.fromkeys(("sip", "sip-poor:x"), "both-ways")
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AlgMenu([some], {"sip": "off"}, "sip", True, outcomes, "x"))
        await pilot.pause()
        text = screen_of(app)
    assert "▸[ ] x" in text
    assert "┃ Seen in: A box" in text


async def test_without_any_fault_there_is_nothing_to_apply() -> None:
    app: Looks[None] = Looks()
    answers: list[tuple[str, str] | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AlgMenu([BARE], {"sip": "off"}, "sip", False), answers.append)
        await pilot.press("space", "p")
        await pilot.pause()
    assert answers == [None]


async def test_each_application_s_active_module_and_faults_are_its_own() -> None:
    app: Looks[None] = Looks()
    ftp = Choices("ftp", "one port", "ftp-poor", [FaultRow("split-miss", "Third.")])
    active = {"sip": "sip-poor:no-sdp", "ftp": "ftp-poor:split-miss"}
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AlgMenu([SIP, ftp], active, "ftp", simulation=True))
        await pilot.pause()
        text = screen_of(app)
        assert "ALG for FTP (now: ftp-poor:split-miss)" in text
        assert "open one port" in text
        assert "[x] split-miss" in text
        assert "no-sdp" not in text
        await pilot.press("n", "down", "n", "n")
        await pilot.pause()
        text = screen_of(app)
        assert "ALG for SIP (now: sip-poor:no-sdp)" in text
        assert "[x] no-sdp" in text
        assert "n: FTP" in text


async def test_what_becomes_known_while_the_menu_is_open_is_shown() -> None:
    app: Looks[None] = Looks()
    outcomes: dict[str, str] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        menu = AlgMenu([SIP], {"sip": "off"}, "sip", True, outcomes)
        await app.push_screen(menu)
        await pilot.pause()
        assert "ONE-WAY" not in screen_of(app)
        outcomes |= {"off": "one-way-audio", "sip": "both-ways"}
        outcomes |= {"sip-poor:no-sdp": "one-way-audio", "sip-poor:callid-oneway": "both-ways"}
        menu._look_again()
        await pilot.pause()
        text = screen_of(app)
        assert "off       ONE-WAY" in text
        assert "… 1 others have no effect here: u shows them" in text
        await pilot.press("u")
        assert "callid-oneway" in screen_of(app)


async def test_while_somebody_types_letters_find_and_choose_nothing() -> None:
    app: Looks[None] = Looks()
    answers: list[tuple[str, str] | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AlgMenu([SIP], {"sip": "off"}, "sip", False), answers.append)
        await pilot.press("slash", "o", "n", "e", "x", "backspace", "w")
        assert "/onew_" in screen_of(app)
        assert "no-sdp" not in screen_of(app)
        assert answers == []
        await pilot.press("enter", "enter")
        await pilot.pause()
    assert answers == [("sip", "sip-poor:callid-oneway")]
