"""What a sign is shown of a flow, and what it says: for the tests of each application's signs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from alg.hint import Glimpse, Hint, Sign
from appliance.settings.table import Settings
from nat.endpoint import Endpoint
from tests.support.packets import A, R

Said = Hint | None | str
NO_SIGN = "no sign"


def said(
    signs: Sequence[Sign],
    head: bytes,
    port: int,
    *,
    transport: str = "tcp",
    outward: bool = True,
    **settings: Any,
) -> Said:
    """What the signs have to say of bytes between a phone and this port of a server: a hint, None
    when they want to see more, `NO_SIGN` when the bytes begin as none of them does. `settings` are
    written with `__` in the place of dots."""
    changed = Settings()
    for key, value in settings.items():
        changed.assign(key.replace("__", "."), value, "test")
    seen = Glimpse(
        head,
        transport,
        Endpoint.parse(f"{A}:4000"),
        Endpoint.parse(f"{R}:{port}"),
        outward,
        changed.written,
    )
    begun = [sign for sign in signs if re.match(sign.begins, head) and sign.port in (0, port)]
    for sign in begun:
        assert sign.port or head[0] in sign.first, "`first` does not name its first byte"
    told = [hint for sign in begun if (hint := sign.tells(seen)) is not None]
    return told[0] if told else None if begun else NO_SIGN
