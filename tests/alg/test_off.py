"""`off` is identity (I-A8)."""

from __future__ import annotations

import pytest

from alg.base import Edits
from alg.off import Off
from nat.endpoint import Endpoint
from tests.support.conversation import small_nat

ENDPOINT = Endpoint.parse("192.0.2.1:5060")


@pytest.mark.parametrize("message", [b"", b"INVITE sip:192.0.2.1 SIP/2.0\r\n\r\n", b"\xff" * 99])
def test_nothing_is_ever_edited(message: bytes) -> None:
    """I-A8: `off` is identity."""
    answer = Off().inspect(message, small_nat())
    assert isinstance(answer, Edits)
    assert answer.edits == ()
    with pytest.raises(KeyError):
        Off().explain("via")
