"""Fixtures of the tests that need root: namespaces with names of this run alone, deleted by name
when the test is over, whatever happened to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from appliance.wires import netns
from tests.support.lab import Lab

_numbers = count(1)


@pytest.fixture
def namespace() -> Iterator[Callable[[str], str]]:
    """Makes a namespace for a role, answers its name: `namespace("phones")`."""
    made: list[str] = []

    def make(role: str) -> str:
        made.append(f"gn-{os.getpid()}-{next(_numbers)}-{role}")
        netns.add(made[-1])
        return made[-1]

    yield make
    for name in made:
        netns.delete(name)


@pytest.fixture
def lab(namespace: Callable[[str], str], tmp_path: Path) -> Lab:
    """Phones, world and server, with nothing between the first two yet."""
    return Lab(namespace, tmp_path)
