"""Before and after as a view: its switches, and where it looks."""

from __future__ import annotations

from appliance.journal.events import PartyLearnt
from tests.tui.stories import PHONE, SETTINGS, flow, invite, one_way_audio, started
from tests.tui.test_model import told
from tui.draw.lines import plain
from tui.look import Look
from tui.model import Frame
from tui.views.diff import DiffView


def view() -> DiffView:
    return DiffView(Look(told(started(), invite("off"))))


def test_the_switches_turn_what_is_shown_on_and_off() -> None:
    shown = view()
    for key, text in (("unchanged", "Max-Forwards: 70"), ("expected", "a correct ALG writes")):
        for wanted in (False, True, False):
            assert any(text in row for row in plain(shown.page(118, 20).body)) is wanted, key
            getattr(shown, key)()
        getattr(shown, key)()


def test_the_two_forms_have_two_headings() -> None:
    shown = view()
    before = plain(shown.page(118, 20).head)[0]
    shown.split()
    after = plain(shown.page(118, 20).head)[0]
    assert (before.startswith("  BEFORE"), after.startswith("- BEFORE")) == (True, True)


def test_a_page_is_drawn_once_and_kept() -> None:
    shown = view()
    assert shown.page(118, 20) is shown.page(118, 20)
    assert shown.page(118, 20) is not shown.page(80, 20)


def test_the_field_cursor_begins_where_it_matters_and_goes_from_field_to_field() -> None:
    shown = view()

    def field() -> str:
        (row,) = [row for row in plain(shown.page(118, 40).body) if row.startswith("▸")]
        return row.split()[3]

    seen = [field()]
    for step in (1, 1, -1, -9):
        shown.field(step)
        seen.append(field())
    assert seen == ["sdp.c", "sdp.m", "sdp.m", "sdp.c", "via.sent-by"]
    shown.click(next(at for at, row in enumerate(plain(shown.page(118, 40).body)) if "o=" in row))
    assert field() == "sdp.o"


def test_where_there_is_little_room_the_whole_message_is_shown_with_few_reasons() -> None:
    shown = view()
    assert sum("└─" in row for row in plain(shown.page(118, 40).body)) == 5
    low = shown.page(118, 14)
    assert sum("└─" in row for row in plain(low.body)) == 1
    assert sum("└─" in row for row in plain(shown.page(118, 16).body)) == 3
    assert plain(low.body)[0].startswith("= INVITE")


def test_while_one_predicts_the_message_stands_whole_and_without_a_verdict() -> None:
    shown = view()
    shown.look.hidden = True
    page = shown.page(118, 40)
    assert "missed" not in page.title.plain
    assert any("Max-Forwards" in row for row in plain(page.body))
    assert not any(row.startswith("!") or "└─" in row for row in plain(page.body))


def test_a_field_opens_the_mapping_that_it_is_about() -> None:
    shown = view()
    shown.look.model.take(Frame(12.0, (), [flow()], (), SETTINGS))
    shown.page(118, 40)
    shown.field(-9)
    shown.open()
    assert (shown.look.view, shown.look.translation) == ("nat", "flow 1")
    shown.look.view = "diff"
    shown.field(9)
    shown.open()
    assert (shown.look.view, shown.look.said[:10]) == ("diff", "No mapping")


def test_a_field_leads_to_what_a_party_made_of_it_or_to_the_answer() -> None:
    events = one_way_audio()
    learnt = PartyLearnt(id=40, cause=5, party="bob", does="d", target=PHONE, field="sdp")
    shown = DiffView(Look(told(*events, learnt), chosen=1))
    shown.page(118, 40)
    shown.party()
    assert (shown.look.view, shown.look.event) == ("events", len(events))
    shown.field(-9)
    shown.party()
    assert (shown.look.view, shown.look.chosen) == ("call", 2)


def test_a_field_leads_to_its_fault_and_to_nothing_while_one_predicts() -> None:
    shown = view()
    shown.page(118, 40)
    shown.fault()
    assert shown.look.said == "No fault of off has spoiled sdp.c."
    assert shown.look.message is not None
    shown.look.message.event.bitten = ["no-sdp"]
    shown.look.hidden = True
    shown.fault()
    assert (shown.look.fault, shown.look.said[-11:]) == ("", "h shows it.")
    shown.look.hidden = False
    shown.fault()
    assert shown.look.fault == "no-sdp"


def test_without_a_message_it_says_so() -> None:
    assert plain(DiffView(Look()).page(80, 20).body) == ["No message has passed an ALG yet."]
