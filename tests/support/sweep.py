"""Cases of which `make fast` tries a sample and `make test` all.

A sweep says the same thing of everything there is (each fault, each kind of NAT). After a change a
few of them tell nearly as much; before a push all are tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet


def sampled(cases: Iterable[Any], every: int) -> list[Any]:
    """For `parametrize`, the values of one argument, or a `pytest.param` for each case: each
    `every`-th, from the first on, is in the sample; the others are marked `sweep`."""
    return [case if number % every == 0 else _swept(case) for number, case in enumerate(cases)]


def _swept(case: Any) -> ParameterSet:
    values, marks, name = case if isinstance(case, ParameterSet) else ((case,), (), None)
    return pytest.param(*values, marks=[*marks, pytest.mark.sweep], id=name)
