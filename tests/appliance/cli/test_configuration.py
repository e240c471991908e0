"""`glassnat config`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def sample(glassnat: Run, tmp_path: Path) -> Path:
    path = tmp_path / "lab.toml"
    path.write_text(glassnat("config", "init").out)
    return path


def test_what_init_prints_validates(glassnat: Run, sample: Path) -> None:
    answer = glassnat("config", "validate", str(sample))
    assert answer == (0, "", f"{sample} is fine\n")


def test_a_short_timer_is_said_but_allowed(glassnat: Run, sample: Path) -> None:
    text = sample.read_text().replace('udp = "5m"', 'udp = "30s"')
    sample.write_text(text)
    answer = glassnat("config", "validate", str(sample))
    assert answer.code == 0
    assert "note: nat.timeouts.udp is below" in answer.err
    document = json.loads(glassnat("config", "validate", str(sample), "--json").out)
    assert document["warnings"][0]["key"] == "nat.timeouts.udp"


def test_problems_are_exit_2_and_on_stderr(glassnat: Run, sample: Path) -> None:
    sample.write_text("x = 1\ny = 2")
    answer = glassnat("config", "validate", str(sample))
    assert answer.code == 2
    assert answer.out == ""
    assert f"{sample}: 4 problems" in answer.err
    document = glassnat("config", "validate", str(sample), "--json")
    assert document.code == 2
    assert [problem["key"] for problem in json.loads(document.out)["problems"]] == [
        "x",
        "y",
        "inside.networks",
        "outside.external",
    ]


def test_show_tells_every_value_and_where_it_is_from(glassnat: Run, sample: Path) -> None:
    settings = ("--set", "nat.timeouts.udp=30s", "--alg", "sip", "--profile", "symmetric")
    document = json.loads(glassnat("config", "show", str(sample), *settings, "--json").out)
    assert document["nat.timeouts.udp"] == {"value": 30.0, "origin": "--set"}
    assert document["alg.sip.module"] == {"value": "sip", "origin": "--set"}
    assert 'udp = "30s"' in glassnat("config", "show", *settings).out


def test_schema_is_one_document(glassnat: Run) -> None:
    assert json.loads(glassnat("config", "schema").out)["properties"]["alg"]
