"""The ALG that does nothing, on purpose.

That is often best: a phone or a server that knows about NAT (symmetric responses of RFC 3581,
ICE, a server that answers to the source address) needs no help, and help it did not expect breaks
it. RFC 4787 REQ-10 wants ALGs for UDP off by default.
"""

from __future__ import annotations

from collections.abc import Mapping

from alg.base import AlgContext, Edits, Reason, Refuse
from alg.stream import RIGHT, Manners
from nat.policy import Decide


class Off:
    name = "off"
    application = ""
    decisions: Mapping[str, Decide] = {}
    manners: Manners = RIGHT

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        return Edits(note="the ALG was off")

    def explain(self, rule: str) -> Reason:
        raise KeyError(rule)
