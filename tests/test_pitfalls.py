"""The pages of the manual that are written from stories say what the stories come to now."""

from __future__ import annotations

import re
import shlex

import pytest

from alg.registry import APPLICATIONS, poor
from appliance.sim.outcome import WORDS
from appliance.sim.scenario import Turns
from appliance.sim.staging import simulation
from appliance.sim.stories import list_scenarios, load_scenario, scenario_names
from docs import pitfalls
from tests.source import ROOT, read
from tests.support.breaks import CLAIMS
from tests.support.sweep import sampled

LINK = re.compile(r"\]\(([^)#\s]+)\)")


@pytest.mark.parametrize("name", sampled(scenario_names(), 24))
def test_the_page_of_a_story_is_what_its_run_comes_to(name: str) -> None:
    assert read(pitfalls.path_of(name)) == pitfalls.page(name), "run: python docs/generate.py"


def test_each_story_has_a_page_and_each_page_a_story() -> None:
    pages = {path.stem for path in pitfalls.FOLDER.iterdir()}
    assert pages == set(scenario_names()), "run: python docs/generate.py"


def test_links_of_the_pages_lead_somewhere() -> None:
    targets = {link for path in pitfalls.FOLDER.iterdir() for link in LINK.findall(read(path))}
    assert [link for link in targets if not (pitfalls.FOLDER / link).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("application", APPLICATIONS)
def test_each_fault_bites_in_a_story(application: str) -> None:
    """Its expectation there differs from the correct module's; both are tested by playing them, and
    so is that what the fault's row says comes true in it."""
    module = poor(application)
    assert module is not None
    bitten = {(each.fault, each.story) for each in pitfalls.bites()}
    faults = {f"{module.name}:{name}": fault for name, fault in module.faults.items()}
    assert {spec for spec in faults if (spec, CLAIMS[spec].story) not in bitten} == set()
    assert {
        spec for spec, fault in faults.items() if CLAIMS[spec].says not in fault.breaks
    } == set()


REPORTS = ("aaisp", "asterisk-essay", "check-point", "mikrotik", "speedtouch")
ROW = re.compile(rf"^\| `({'|'.join(REPORTS)})` \|.*\| `([a-z-]+)` \| `([^`]*)` \| (.*) \|$", re.M)
REPORTED = read(ROOT / "docs" / "scenarios.md").partition("\n| report |")[2].partition("\n\n")[0]
ROWS = ROW.findall(REPORTED)
CASES = [pytest.param(*row) for row in ROWS]


@pytest.mark.parametrize(("report", "name", "turned", "ends"), sampled(CASES, 8))
def test_what_a_report_describes_is_played(report: str, name: str, turned: str, ends: str) -> None:
    """Each row of the table names a story that is told after the report and ends as it says."""
    story = load_scenario(name)
    assert report in story.sources
    outcome = simulation(story, turns(turned)).run()
    assert WORDS[outcome.outcome] == ends, outcome.sentence


def test_each_report_is_played() -> None:
    """None of the table's rows is passed over because it is written otherwise."""
    _, _, *rows = REPORTED.splitlines()
    assert len(rows) == len(ROWS)
    assert {report for report, *_ in ROWS} == set(REPORTS)
    told = {source for story in list_scenarios() for source in story.sources}
    assert set(REPORTS) <= told


def turns(options: str) -> Turns:
    """`--alg SPEC --set KEY=VALUE` as a run takes it."""
    words = shlex.split(options)
    given = list(zip(words[::2], words[1::2], strict=True))
    sets = dict(value.split("=", 1) for option, value in given if option == "--set")
    single = {option.removeprefix("--"): value for option, value in given if option != "--set"}
    return Turns(**single, set=sets)
