"""Every test here gets a NAT of its own, and must claim every packet that comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.world import World


@pytest.fixture
def nat() -> Iterator[Callable[..., World]]:
    """Makes worlds: `nat({"nat.mapping": ...})` or `nat(profile=...)`."""
    made: list[World] = []

    def make(*arguments: Any, **named: Any) -> World:
        world = World(*arguments, **named)
        made.append(world)
        return world

    yield make
    for world in made:
        assert world.is_quiet(), "packets came out that the test did not ask for"


@pytest.fixture
def world(nat: Callable[..., World]) -> World:
    """A NAT with all settings at their defaults."""
    return nat()
