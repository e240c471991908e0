"""Stories by name and by path, and what is on the shelf."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.settings.files import for_scenario
from appliance.sim.scenario import ScenarioError
from appliance.sim.stories import list_scenarios, load_scenario, mistakes_on
from appliance.sim.titles import scenario_names
from tests.appliance.sim.test_reading import GOOD
from tests.support.sweep import sampled


def test_the_name_of_no_scenario_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'one-way-audio'"):
        load_scenario("oneway-audio")


def test_a_name_like_nothing_is_answered_with_all_of_them() -> None:
    with pytest.raises(ScenarioError, match=r"there are .*one-way-audio"):
        load_scenario("xyzzy")


def test_a_folder_here_is_named_as_a_path(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shelf)
    with pytest.raises(ScenarioError, match=r"for the folder of that name write '\./mine'"):
        load_scenario("mine")


@pytest.mark.parametrize("name", sampled(scenario_names(), 8))
def test_every_scenario_is_complete(name: str) -> None:
    """A title and a lesson, a guide, settings that hold, expectations in outcome words."""
    loaded = load_scenario(name)
    assert loaded.title
    assert loaded.lesson
    assert loaded.symptom
    assert loaded.sources
    assert loaded.guide.startswith("# ")
    assert loaded.guide.split("\n\n")[1].startswith("**Look at first:** ")
    assert loaded.expect
    for_scenario(loaded.name, loaded.settings)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Somebody's own: a good story, and a broken one."""
    for name, text in (("mine", GOOD), ("broken", GOOD.replace("duration", "durtion"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scenario.toml").write_text(text)
    (tmp_path / "mine" / "guide.md").write_text("# Mine\n")
    (tmp_path / "no-story").mkdir()
    return tmp_path


@pytest.mark.parametrize("way", ["mine", "mine/", "mine/scenario.toml"])
def test_a_story_may_be_anywhere(shelf: Path, way: str) -> None:
    """A folder or the file in it; the name is the folder's."""
    assert load_scenario(f"{shelf}/{way}").name == "mine"


def test_a_file_alone_is_a_story_without_a_guide(tmp_path: Path) -> None:
    alone = tmp_path / "alone.toml"
    alone.write_text(GOOD)
    loaded = load_scenario(str(alone))
    assert (loaded.name, loaded.guide) == ("alone", "")


def test_one_bad_folder_never_harms_the_others(shelf: Path) -> None:
    assert [each.name for each in list_scenarios(shelf)] == ["mine"]
    (mistakes,) = mistakes_on(shelf)
    assert "scenario list" not in mistakes, "the name is right"
    assert mistakes.startswith(f"{shelf}/broken/scenario.toml: 2 problems")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), (b"\xff", "not UTF-8 text"), (b"#" * (1 << 21), "too large")],
)
def test_a_file_that_cannot_be_read_is_a_sentence(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "story.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ScenarioError, match=complaint):
        load_scenario(str(file))
