"""The pages of the manual that are written from stories say what the stories come to now."""

from __future__ import annotations

import re

import pytest

from appliance.sim.stories import scenario_names
from docs import pitfalls
from tests.source import read
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
