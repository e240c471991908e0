"""`off` is identity (I-A8)."""

from __future__ import annotations

import pytest

from alg.base import Edits
from alg.context import MemoryContext
from alg.off import Off
from nat.endpoint import Direction, Endpoint

ENDPOINT = Endpoint.parse("192.0.2.1:5060")


@pytest.mark.parametrize("message", [b"", b"INVITE sip:192.0.2.1 SIP/2.0\r\n\r\n", b"\xff" * 99])
def test_nothing_is_ever_edited(message: bytes) -> None:
    context = MemoryContext(Direction.OUT, ENDPOINT, ENDPOINT, ENDPOINT)
    answer = Off().inspect(message, context)
    assert isinstance(answer, Edits)
    assert answer.edits == ()
    with pytest.raises(KeyError):
        Off().explain("via")
