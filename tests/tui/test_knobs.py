"""What may be turned, and what is said when it may not."""

from __future__ import annotations

import pytest

from alg.registry import APPLICATIONS
from tests.tui.stories import FakeFeed
from tests.tui.test_foresight import Told, feed_with
from tests.tui.test_simulated import simulation
from tests.tui.test_timing import FakeStage
from tui.knobs import Knobs, alg_choices
from tui.simulated import SimulationFeed
from tui.timing import Timing


def test_each_application_has_its_modules_and_their_faults_in_the_menu() -> None:
    choices = {each.application: each for each in alg_choices()}
    assert list(choices) == list(APPLICATIONS)
    assert (choices["sip"].poor, choices["ftp"].poor) == ("sip-poor", "ftp-poor")
    assert {"no-sdp", "callid-oneway"} <= {row.name for row in choices["sip"].faults}
    assert "open-to-all" in {row.name for row in choices["ftp"].faults}


async def test_over_a_simulation_the_menu_knows_the_story_s_own_faults_and_what_comes_of_each() -> (
    None
):
    feed = feed_with(Told)
    stage = FakeStage(feed)
    await stage.advance(0.0)
    Knobs(stage, alg_choices()).alg()
    ((menu, chosen),) = stage.asked
    feed.foresight.wait()
    assert list(feed.foresight.outcomes)[:3] == ["off", "sip", "sip-poor:no-sdp"]
    assert menu._choices[0].own == ["no-sdp"]
    await chosen(None)
    stage.look.hidden = True
    Knobs(stage, alg_choices()).alg()
    assert stage.asked[-1][0]._outcomes is None, "who predicts is not told in a menu"


async def test_what_a_dialogue_answers_is_turned_and_nothing_without_an_answer() -> None:
    feed = FakeFeed()
    stage = FakeStage(feed)
    knobs = Knobs(stage, ())
    knobs.alg()
    (_, chosen) = stage.asked.pop()
    await chosen(None)
    assert feed.asked == []
    await chosen(("sip", "off"))
    assert feed.asked == [("alg.sip.module", "off")]


async def test_a_shorter_timeout_ends_exactly_the_flows_that_were_named_before() -> None:
    feed = SimulationFeed(simulation)
    feed.simulation.run_until(30.0)  # nobody has signalled for a while, and somebody talks
    stage = FakeStage(feed)

    async def alive() -> list[str]:
        await stage.advance(0.0)
        rows = stage.look.model.translations.rows()
        return [f"{row.internal} > {row.remote}" for row in rows if row.gone_at is None]

    before = await alive()
    Knobs(stage, ()).timeout()
    ((form, chosen),) = stage.asked
    wanted = {"nat.timeouts.udp": 3.0, "nat.timeouts.udp_unanswered": 3.0}
    assert form._ended({"nat.timeouts.udp": 299.0}) == []
    named = [each.partition(",")[0] for each in form._ended(wanted)]
    await chosen(wanted)
    after = await alive()
    assert after
    assert named == [each for each in before if each not in after] != []


def test_timeouts_are_not_asked_for_before_it_is_known_what_they_are() -> None:
    """The first key may come before the first news."""
    stage = FakeStage(FakeFeed())
    Knobs(stage, ()).timeout()
    assert (stage.asked, stage.look.said) == (
        [],
        "The timeouts are not known yet: t again in a moment.",
    )


async def test_a_refusal_is_shown_as_it_was_said() -> None:
    feed = FakeFeed()
    feed.refuse = "this screen is attached read-only"
    stage = FakeStage(feed)
    stage.look.model.settings = {"nat.timeouts.udp": 300.0}
    Knobs(stage, ()).timeout()
    (_, chosen) = stage.asked.pop()
    await chosen({"nat.timeouts.udp": 30.0})
    assert stage.look.said == "this screen is attached read-only"


@pytest.mark.slow
async def test_what_helps_is_turned_and_the_story_runs_again() -> None:
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    knobs = Knobs(stage, ())
    await knobs.remedy()
    assert stage.look.said == "There is nothing that was tried and helps."
    feed.finish()
    stage.look.remedies = await feed.remedies()
    await knobs.remedy()
    assert feed.knobs == {"parties.pbx.comedia": True}
    assert (stage.paused, feed.simulation.now) == (False, 0.0)


async def test_flush_says_how_many() -> None:
    stage = FakeStage(FakeFeed())
    await Knobs(stage, ()).flush()
    assert stage.look.said == "2 flows forgotten."


async def test_a_trait_is_turned_for_the_next_run_and_that_is_said() -> None:
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    await stage.advance(0.0)
    stage.look.story = feed.simulation.scenario
    Knobs(stage, ()).more()
    ((_, chosen),) = stage.asked
    await chosen(None)
    await chosen(("parties.pbx.comedia", True))
    assert feed.knobs == {"parties.pbx.comedia": True}
    assert stage.look.said == "pbx.comedia is true from the next run on: r"
    stage.look.said = ""
    await chosen(("nat.mapping", "nonsense"))
    assert '"nonsense" is not known' in stage.look.said


async def test_another_product_acts_from_the_next_run_on_and_one_that_is_not_there_is_refused() -> (
    None
):
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    await stage.advance(0.0)
    Knobs(stage, ()).more()
    ((_, chosen),) = stage.asked
    await chosen(("profile", "nobody"))
    assert "is not a profile" in stage.look.said
    stage.look.said = ""
    await chosen(("profile", "symmetric"))
    assert stage.look.said == "profile is symmetric from the next run on: r"
    assert stage.look.model.settings["nat.mapping"] == "endpoint-independent"
    feed.restart()
    await stage.advance(0.0)
    assert stage.look.model.settings["nat.mapping"] == "address-and-port-dependent"


async def test_a_module_that_cannot_be_had_any_more_leaves_the_run_as_it_was() -> None:
    feed = SimulationFeed(simulation)
    stage = FakeStage(feed)
    before = feed.simulation
    feed.knobs["alg.sip.module"] = "nowhere.py:Mine"
    await Timing(stage).run_again()
    assert "no file" in stage.look.said
    assert feed.simulation is before


@pytest.mark.parametrize(("live", "said"), [(False, "recording"), (True, "attached read-only")])
def test_where_nothing_can_be_turned_no_menu_is_opened_and_it_is_said_why(
    live: bool, said: str
) -> None:
    stage = FakeStage(FakeFeed(live=live))
    stage.look.is_fixed = True
    knobs = Knobs(stage, ())
    for ask in (knobs.alg, knobs.more, knobs.timeout):
        stage.look.said = ""
        ask()
        assert said in stage.look.said
    assert stage.asked == []
