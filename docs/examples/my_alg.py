"""The ALG of twenty lines that comes to mind first: search and replace.

Wherever the inside host's address stands in a message that leaves, the outside address is put. Try
it, and look at what the correct module says beside it:

    glassnat alg diff docs/examples/invite.txt --alg docs/examples/my_alg.py:MyAlg
    glassnat sim one-way-audio --alg docs/examples/my_alg.py:MyAlg
"""

from __future__ import annotations

import re

from alg.base import AlgContext, Edit, Edits, Reason
from nat.endpoint import Direction, address_text


class MyAlg:
    name = "my-alg"

    def inspect(self, message: bytes, context: AlgContext) -> Edits:
        """Answer what is to be changed. The context says who talks to whom through the NAT."""
        if context.direction is Direction.IN:
            return Edits(note="only messages outwards are looked at")
        inside = address_text(context.internal.address).encode()
        outside = address_text(context.external.address).encode()
        return Edits(
            tuple(
                Edit(found.start(), found.end(), outside, "address", "everywhere")
                for found in re.finditer(re.escape(inside), message)
            )
        )

    def explain(self, rule: str) -> Reason:
        """The sentence behind the rule that an edit names."""
        return {"everywhere": Reason("Nobody outside can reach a private address.", "RFC 1918 3")}[
            rule
        ]
