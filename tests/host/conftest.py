"""Fixtures of the tests that need root: namespaces with names of this run alone, deleted by name
when the test is over, whatever happened to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.lab import Lab, namespaces


@pytest.fixture
def namespace() -> Iterator[Callable[[str], str]]:
    """Makes a namespace for a role, answers its name: `namespace("phones")`."""
    with namespaces() as make:
        yield make


@pytest.fixture
def lab(namespace: Callable[[str], str], tmp_path: Path) -> Lab:
    """Phones, world and server, with nothing between the first two yet."""
    return Lab(namespace, tmp_path)
