"""Conversations through the correct ALG, and what it takes to have others."""

from __future__ import annotations

from typing import Any

import pytest

from alg.sip.correct import Sip
from tests.support.conversation import Conversation, wire


@pytest.fixture
def talk() -> Conversation:
    """Through the correct ALG, where the phone's port 5060 is seen as 1024."""
    return Conversation(Sip())


@pytest.fixture
def plain() -> Conversation:
    """The same with the port preserved."""
    return Conversation(Sip(), "203.0.113.1:5060")


@pytest.fixture
def conversation() -> type[Conversation]:
    """To make one with another module or other settings."""
    return Conversation


@pytest.fixture
def on_the_wire() -> Any:
    """The function that turns a test's text into a message."""
    return wire
