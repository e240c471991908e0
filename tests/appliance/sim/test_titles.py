"""What stories say of themselves, read without the rest of them."""

from __future__ import annotations

from appliance.sim.stories import list_scenarios
from appliance.sim.titles import Titled, titles


def test_what_is_offered_is_what_the_stories_say() -> None:
    """Only what stands above the first table is read: nothing of it may stand below."""
    whole = list_scenarios()
    assert titles() == [Titled(each.name, each.title, each.lesson, each.symptom) for each in whole]
