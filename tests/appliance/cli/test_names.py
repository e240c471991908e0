"""`glassnat names`: what it refuses before it listens. (At work: tests/host/test_names.py.)"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--forward", "127.0.0.1"], "--forward: it would ask itself"),
        (["--host", "pbx"], '"pbx" is not NAME=ADDRESS'),
        (["--forward", "dns.example"], "is not an address such as"),
    ],
)
def test_what_is_wrong_is_a_sentence(glassnat: Run, words: list[str], said: str) -> None:
    answer = glassnat("names", "--listen", "127.0.0.1", *words)
    assert answer.code == 2
    assert said in answer.err


def test_a_port_that_is_taken_is_named(glassnat: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        _, port = taken.getsockname()
        answer = glassnat("names", "--listen", "127.0.0.1", "--port", str(port))
    assert answer.code == 3
    assert f"cannot listen at 127.0.0.1:{port}: " in answer.err
