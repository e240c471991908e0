"""What the settings lay down for some hosts, whatever their packets ask for.

    1:1           this inside host has this external address to itself    (RFC 2663 4.1.1)
    forward       whatever comes to this external endpoint goes to that host
    untranslated  these remotes see inside addresses                      (RFC 6888 REQ-6)
    owned         the addresses that the outside reaches this NAT by

Here the rules are looked up. What becomes of mappings and flows when a rule comes, goes, or takes
an address away (renumbering) is in `changes.py`.
"""

from __future__ import annotations

from nat.behavior import Behavior
from nat.endpoint import Endpoint


class Rules:
    """The rules of one NAT, by what is asked of them."""

    def __init__(self, behavior: Behavior) -> None:
        self.follow(behavior)

    def follow(self, behavior: Behavior) -> None:
        """The settings have changed: make the tables anew, for one lookup each."""
        self.owned = behavior.owned_addresses()
        self.has_untranslated = bool(behavior.untranslated)
        self._externals = {rule.internal: rule.external for rule in behavior.statics}
        self._internals = {rule.external: rule.internal for rule in behavior.statics}

    def static_external(self, internal: Endpoint) -> Endpoint | None:
        """What a 1:1 rule shows of an inside endpoint."""
        address = self._externals.get(internal.address)
        return None if address is None else Endpoint(address, internal.port)

    def static_internal(self, external: Endpoint) -> Endpoint | None:
        """The inside endpoint that a 1:1 rule puts behind an external endpoint."""
        address = self._internals.get(external.address)
        return None if address is None else Endpoint(address, external.port)
