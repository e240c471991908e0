"""Each event is written once; a new run starts a new page."""

from __future__ import annotations

from tests.appliance.journal.test_noise import dropped
from tests.tui.stories import SETTINGS, ended, flow, invite, message, one_way_audio, started
from tests.tui.test_model import told
from tui.draw.hiding import HIDDEN
from tui.draw.lines import plain
from tui.look import Look
from tui.model import Frame, Model
from tui.views.events import EventsView


def written(model: Model, width: int = 98) -> list[str]:
    return plain(EventsView(Look(model)).page(width, 20).body)


def test_each_event_is_written_once() -> None:
    view = EventsView(Look(told(started())))
    view.page(98, 20)
    view.page(98, 20)
    view.look.model.fold(ended())
    assert [row.strip() for row in plain(view.page(98, 20).body)] == [
        "0.000  one-way-audio started (simulation)",
        "14.000  one-way audio: bob hears alice (498 of 498), alice hears bob (0 of 496)",
    ]


def test_another_run_starts_a_new_page() -> None:
    view = EventsView(Look(told(started(), ended())))
    view.page(98, 20)
    view.look.model = told(started(), ended(), ended())
    rows = plain(view.page(98, 20).body)
    assert sum("started" in row for row in rows) == 1


def test_nothing_is_told_while_one_predicts() -> None:
    assert plain(EventsView(Look(told(ended()), hidden=True)).page(98, 20).body) == [HIDDEN]


def test_an_event_that_somebody_was_led_to_is_shown_whatever_the_filter_says() -> None:
    view = EventsView(Look(told(*one_way_audio(), ended())))
    view.filter = "nothing like it"
    assert plain(view.page(98, 20).body) == []
    view.look.event = 3
    page = view.page(98, 20)
    assert plain(page.body)[0].startswith("▸   1.000  INVITE")
    assert page.span == (0, len(page.body) - 1)


def test_hostile_text_is_not_read() -> None:
    text = "".join(written(told(message("x", "\x1b[2J[bold]INVITE[/bold]", "out"))))
    assert "␛[2J[bold]INVITE[/bold]" in text


def test_long_sentences_are_wrapped_and_not_cut() -> None:
    assert written(told(ended()), 58) == [
        "   14.000  one-way audio: bob hears alice (498 of 498),",
        "           alice hears bob (0 of 496)",
    ]


def test_another_width_wraps_them_anew() -> None:
    """Once it has come to rest: somebody who drags a window's edge passes many widths."""
    view = EventsView(Look(told(ended())))
    lengths = [len(view.page(width, 20).body) for width in (58, 58, 98, 98)]
    assert lengths == [2, 2, 2, 1]


def test_a_change_of_a_message_hangs_below_its_message() -> None:
    rows = written(told(invite()), 58)
    assert {len(row) - len(row.lstrip()) for row in rows[1:]} == {11, 13}


def test_the_arrows_go_from_event_to_event_and_below_the_last_one_are_the_newest() -> None:
    view = EventsView(Look(told(*one_way_audio())))
    assert view.page(98, 20).tail
    view.move(-1)
    page = view.page(98, 20)
    assert (page.tail, page.span) == (False, (len(page.body) - 1, len(page.body) - 1))
    assert plain(page.body)[-1].startswith("▸")
    view.move(1)
    assert view.page(98, 20).tail


def test_enter_opens_the_message_or_the_translation_that_an_event_is_about() -> None:
    look = Look(told(*one_way_audio()), view="events")
    look.model.take(Frame(12.0, (), [flow()], (), SETTINGS))
    view = EventsView(look)
    body = plain(view.page(98, 40).body)
    for text, view_there in (
        ("180 Ringing", "diff"),
        ("flow 1:", "nat"),
        ("alice to bob", "events"),
    ):
        look.view = "events"
        view.click(next(row for row, said in enumerate(body) if text in said))
        view.open()
        assert look.view == view_there, text
    assert look.message is not None
    assert (look.message.number, look.translation) == (3, "flow 1")
    assert look.said.startswith("This event is about no message")


def test_noise_is_folded_and_counted_until_somebody_wants_to_see_it() -> None:
    view = EventsView(Look(told(started(), dropped("not-ipv4", "0.0.0.0", 3))))
    page = view.page(98, 20)
    assert (len(page.body), page.title.plain) == (1, "Events · 2 · folded: 3 IPv6 N")
    view.unfold()
    assert "dropped 3 packets" in plain(view.page(98, 20).body)[1]
