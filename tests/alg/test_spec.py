"""Whose module a SPEC names, known without any module."""

from __future__ import annotations

import pytest

from alg.registry import MODULES
from alg.spec import is_foreign


@pytest.mark.parametrize(
    ("spec", "foreign"),
    [
        ("my_alg.py:MyAlg", True),
        ("/srv/lesson/my_alg.py:MyAlg", True),
        ("my_alg.py", True),
        ("sip-poor:no-sdp", False),
        ("my_alg:MyAlg", False),
        ("", False),
    ],
)
def test_a_module_in_a_file_is_somebodys_own(spec: str, foreign: bool) -> None:
    assert is_foreign(spec) is foreign


def test_none_of_ours_is() -> None:
    assert not any(is_foreign(name) for name in MODULES)
