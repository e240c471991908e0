"""The version stands in one place, and the distribution agrees."""

from __future__ import annotations

import re
import tomllib

from appliance.version import VERSION
from tests.source import ROOT


def test_the_distribution_takes_its_version_from_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "appliance.version.VERSION"
    }
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?(\.dev\d+)?", VERSION)
