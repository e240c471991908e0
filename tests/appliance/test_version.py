"""The version stands in one place, and the distribution agrees."""

from __future__ import annotations

import tomllib
from pathlib import Path

from appliance.version import VERSION


def test_the_version_is_that_of_the_distribution() -> None:
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8")
    assert tomllib.loads(text)["project"].get("version", VERSION) == VERSION
