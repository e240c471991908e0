"""What a fault changes, beside the correct ALG: the lines that differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.base import Refuse
from alg.sip.correct import Sip
from alg.sip_poor.poor import SipPoor

DROPPED = "dropped"


class Pair:
    """The same messages through the correct ALG and through one with faults. Lengths are checked
    here, so that no test has to count."""

    def __init__(self, conversation: Any, *faults: str, external: str = "203.0.113.1:1024") -> None:
        self.right = conversation(Sip(), external)
        self.poor = conversation(SipPoor(faults), external)
        self.right_bytes = self.poor_bytes = b""
        self.lies_about_length = "content-length-stale" in faults

    def out(self, text: str | bytes) -> str:
        return self.sends("out", text)

    def into(self, text: str | bytes) -> str:
        return self.sends("into", text)

    def sends(self, way: str, text: str | bytes) -> str:
        """A message goes "out" or "into": the poor one's lines that are not the right one's, joined
        by " | "."""
        self.right_bytes = getattr(self.right, way)(text)
        self.poor_bytes = getattr(self.poor, way)(text)
        if isinstance(self.poor.answer, Refuse):
            return DROPPED
        if not self.lies_about_length:
            head, _, body = self.poor_bytes.partition(b"\r\n\r\n")
            assert b"Content-Length" not in head or b"Length: %d" % len(body) in head
        right, poor = _lines(self.right_bytes), _lines(self.poor_bytes)
        if len(right) == len(poor):
            return " | ".join(mine for mine, its in zip(poor, right, strict=True) if mine != its)
        return " | ".join(line for line in poor if line not in right)

    @property
    def pinholes(self) -> tuple[list[str], list[str]]:
        return self.right.open, self.poor.open


def _lines(message: bytes) -> list[str]:
    lines = message.decode("latin-1").split("\r\n")
    return [line for line in lines if not line.startswith("Content-Length")]


@pytest.fixture
def beside(conversation: Any) -> Callable[..., Pair]:
    def make(*faults: str, **more: Any) -> Pair:
        return Pair(conversation, *faults, **more)

    return make
