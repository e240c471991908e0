"""The list of calls as a view: fifty of them, and the one that somebody looks for."""

from __future__ import annotations

from appliance.journal.events import CallState, MessagePassed
from tests.tui.stories import ended, invite, started, state
from tests.tui.test_calls import WHY, document, row, silent
from tests.tui.test_model import told
from tui.draw.lines import plain
from tui.look import Look
from tui.model import Frame, Model
from tui.views.call import CallView
from tui.views.calls import CallsView


def offer(number: int) -> MessagePassed:
    event = invite(t=float(number), number=100 + number)
    event.call_id = f"call-{number}"
    return event


def fifty() -> Model:
    model = told(started("appliance"))
    for number in range(50):
        model.fold(
            CallState(
                id=1000 + number,
                t=float(number),
                call=f"call-{number}",
                kind="call",
                state="answered" if number % 2 else "ringing",
                caller=f"phone{number}",
                callee="pbx",
            )
        )
        model.fold(offer(number))
    model.take(Frame(60.0))
    return model


def view(model: Model | None = None) -> CallsView:
    return CallsView(Look(fifty() if model is None else model, "calls", is_live=True))


def test_each_call_has_a_row_with_its_state_and_for_how_long() -> None:
    page = view().page(78, 20)
    assert page.title.plain == "Calls 50 · 50 going on · / finds"
    assert plain(page.body)[49].split() == [
        *("▸phone49", ">", "pbx", "answered", "11s", "1", "call-49"),
    ]
    assert page.span == (49, 49)


def test_a_filter_leaves_what_fits() -> None:
    shown = view()
    for wanted, rows in (("phone7 ", 1), ("ringing", 25), ("pbx !ringing phone4", 5)):
        shown.filter = wanted
        assert len(shown.page(78, 20).body) == rows, wanted
    assert shown.page(78, 20).title.plain.endswith("5 with pbx !ringing phone4")


def test_enter_opens_a_call_that_fits_where_the_chosen_one_does_not() -> None:
    shown = view()
    shown.filter = "phone7 "
    (row_of_it,) = plain(shown.page(78, 20).body)
    assert row_of_it.startswith("▸phone7 > pbx answered   53s    1  ")
    shown.open()
    assert (shown.look.call, shown.look.view) == ("call-7", "call")
    shown.look.follow()
    shown.filter = "nobody"
    shown.open()
    assert shown.look.call == "call-49"


def test_the_chosen_call_is_what_ladder_and_message_are_about() -> None:
    shown = view()
    ladder = CallView(shown.look)
    shown.move(-1)
    shown.move(-1)
    assert shown.look.call == "call-47"
    assert len(ladder.page(78, 20).body) == 1
    assert ladder.page(78, 20).title.plain == "Call phone47 > pbx · call: answered"
    assert shown.look.message is not None
    assert shown.look.message.event.call_id == "call-47"
    shown.open()
    assert shown.look.view == "call"
    shown.click(3)
    assert shown.look.call == "call-3"
    shown.look.follow()
    assert shown.look.call == "call-49"


def test_silence_is_told_as_inferred_with_its_counts_and_its_reason() -> None:
    shown = view(told(started("appliance"), state("answered", 3.5, 4), invite(), silent()))
    shown.look.model.take(Frame(12.0, calls=[row(inferred=WHY)], call=document()))
    page = shown.page(78, 20)
    assert plain(page.body)[0].endswith("440 out, 0 back in 8 s: one-way, inferred")
    assert plain(page.head)[0].split()[-1] == "Call-ID"
    assert page.title.plain == "Calls 1 · 1 going on · 1 silent, inferred"
    said = " ".join(plain(page.foot))
    assert "alice has heard nothing for 8 s" in said
    assert "(inferred)" in said
    ladder = plain(CallView(shown.look).page(78, 20).body)
    assert ladder[1].split("│")[1].startswith("══ audio 440 ═")
    assert ladder[2].split("│")[1].startswith("◄┄┄ audio: nothing ┄")


def test_while_one_predicts_no_state_is_shown() -> None:
    shown = view()
    shown.look.hidden = True
    page = shown.page(78, 20)
    assert not any("answered" in each for each in plain([page.title, *page.body, *page.foot]))


def test_the_only_call_of_a_simulation_is_told_with_how_it_ended() -> None:
    """Of several the parties' one word may speak of another."""
    end = ended()
    one = told(started(), state("ended", 13.0, 8), invite(), end)
    (row_of_it,) = plain(CallsView(Look(one)).page(78, 20).body)
    assert "ONE-WAY AUDIO" in row_of_it
    assert row_of_it.endswith(" a84b4c76e667"), "the same host is behind every @"
    several = fifty()
    several.fold(end)
    assert not any("ONE-WAY" in each for each in plain(CallsView(Look(several)).page(78, 20).body))
