"""`glassnat scenario` and `glassnat profile`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("shelf", "name"), [("scenario", "one-way-audio"), ("profile", "symmetric")]
)
def test_lists_have_a_name_and_a_title(glassnat: Run, shelf: str, name: str) -> None:
    entries = json.loads(glassnat(shelf, "list", "--json").out)
    assert all(entry["name"] and entry["title"] for entry in entries)
    assert name in [entry["name"] for entry in entries]
    assert name in glassnat(shelf, "list").out


def test_a_story_is_no_shelf(glassnat: Run) -> None:
    """Whoever names a story where folders of stories are wanted is told so."""
    answer = glassnat("scenario", "list", "docs/examples/doorbell")
    assert answer.err == (
        "no folder in docs/examples/doorbell has a story; "
        "of one story: glassnat scenario show docs/examples/doorbell\n"
    )


def test_a_scenario_tells_its_guide_and_how_to_run_it(glassnat: Run) -> None:
    answer = glassnat("scenario", "show", "one-way-audio")
    assert "Run it: glassnat sim one-way-audio" in answer.out
    document = json.loads(glassnat("scenario", "show", "one-way-audio", "--json").out)
    assert document["guide"]
    assert document["settings"]


def test_a_profile_tells_its_settings(glassnat: Run) -> None:
    assert "random" in glassnat("profile", "show", "symmetric").out
    document = json.loads(glassnat("profile", "show", "symmetric", "--json").out)
    assert document["nat"]["ports"] == "random"


def test_all_mistakes_in_a_profile_of_somebody_s_own_are_told(
    glassnat: Run, tmp_path: Path
) -> None:
    path = tmp_path / "router.toml"
    path.write_text('[nat]\nmaping = "x"\nhairpin = 7\n')
    answer = glassnat("profile", "show", str(path))
    assert (answer.code, answer.out) == (2, "")
    assert "router.toml: 2 problems" in answer.err
    assert "nat.maping" in answer.err
    assert "nat.hairpin" in answer.err
    path.write_text("[nat]\nhairpin = false\n")
    assert glassnat("profile", "show", str(path)).out == "[nat]\nhairpin = false\n"


@pytest.mark.parametrize(
    ("shelf", "wrong", "right"),
    [("scenario", "one-way-adio", "one-way-audio"), ("profile", "symetric", "symmetric")],
)
def test_a_wrong_name_is_answered_with_the_nearest(
    glassnat: Run, shelf: str, wrong: str, right: str
) -> None:
    answer = glassnat(shelf, "show", wrong)
    assert answer.code == 2
    assert right in answer.err
