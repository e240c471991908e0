"""A registrar and PBX on the open Internet, with the phones of its own users behind it.

It fixes nothing. A phone is called at the Contact that it registered, and audio goes to where the
SDP says, as RFC 3261 has it. The three switches are what operators of such servers turn on for
phones behind NAT (the names are Asterisk's), and each is a different way out for the same lesson:

    force_rport  answers and calls go to where the phone's packets came from, not to Via or Contact
    comedia      audio goes to where audio comes from, not to the SDP's address
    qualify      asks the phone OPTIONS every so often: keeps the NAT's mapping open from outside
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Annotated

from appliance.parties.machine import Timer
from appliance.parties.party import What
from appliance.parties.sipua import SipMessage, parameter_of, uri_of, user_of
from appliance.parties.telephone import Telephone, TelephoneTraits
from appliance.parties.traits import about
from nat.endpoint import Endpoint

DEFAULT_EXPIRES = 3600  # seconds; RFC 3261 10.2.1.1


class PbxTraits(TelephoneTraits, tag="pbx", kw_only=True):
    """Of a PBX."""

    users: Annotated[list[str], about("The people behind it.")]
    rtp_port: Annotated[int, about("The first port that it takes for audio (RFC 3550 11).")] = 10000
    force_rport: Annotated[
        bool,
        about(
            "Answer and call where the phone's packets came from, not where Via and Contact say "
            "(RFC 3581; Asterisk's force_rport)."
        ),
    ] = False
    qualify: Annotated[
        float,
        about("Seconds between two OPTIONS to each phone (Asterisk's qualify); 0: it asks none."),
    ] = 0.0
    max_expires: Annotated[
        int, about("The longest registration that it grants, in seconds (RFC 3261 10.3).")
    ] = 3600

    def people(self, name: str) -> Sequence[str]:
        return self.users

    def check(self) -> None:
        super().check()
        if not self.users:
            raise ValueError("it has no users")


@dataclass(slots=True)
class Binding:
    """Where a user said that they are, and where that was said from."""

    contact: str
    source: Endpoint
    expires_at: float
    granted: int
    qualify: Timer | None = None


class Pbx(Telephone):
    """A registrar with the phones of its own users."""

    def __init__(self, name: str, traits: PbxTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._users = frozenset(traits.users)
        self._switches = traits
        self._bindings: dict[str, Binding] = {}
        self._methods["REGISTER"] = self._registered

    # --- believing, or not ----------------------------------------------------------------

    def hop(self, uri: str, source: Endpoint) -> Endpoint | None:
        return source if self._switches.force_rport else super().hop(uri, source)

    def reply_to(self, request: SipMessage, source: Endpoint) -> Endpoint:
        return source if self._switches.force_rport else super().reply_to(request, source)

    def accepts(self, uri: str) -> bool:
        return user_of(uri) in self._users

    # --- the registrar --------------------------------------------------------------------

    def _registered(self, request: SipMessage, source: Endpoint, now: float) -> None:
        """RFC 3261 10.3, for one Contact a user."""
        user, contact = user_of(request.get("to")), request.get("contact")
        if contact:
            granted = min(_expiry(request, contact), self._switches.max_expires)
            self._unbind(user)
            if granted and contact != "*":
                self._bind(user, Binding(uri_of(contact), source, now + granted, granted), now)
                self.hop_for(self.name, user, request, uri_of(contact), source)
        binding = self._bindings.get(user)
        headers = []
        if binding is not None:
            left = round(binding.expires_at - now)
            headers.append(("Contact", f"<{binding.contact}>;expires={left}"))
        self._answer(request, 200, source, headers)

    def _bind(self, user: str, binding: Binding, now: float) -> None:
        self._bindings[user] = binding
        if self._switches.qualify:
            binding.qualify = self.timers.at(
                now + self._switches.qualify, partial(self._qualify, user)
            )

    def _unbind(self, user: str) -> None:
        binding = self._bindings.pop(user, None)
        if binding is not None and binding.qualify is not None:
            binding.qualify.cancel()

    def _qualify(self, user: str, now: float) -> None:
        binding = self._bindings[user]
        if binding.expires_at <= now:
            return
        binding.qualify = self.timers.at(now + self._switches.qualify, partial(self._qualify, user))
        hop = self.hop(binding.contact, binding.source)
        if hop is None:
            return
        local = f"<sip:{self.name}@{self.domain}>;tag={self.token()}"
        remote = f"<{binding.contact}>"
        request = self.new_request("OPTIONS", binding.contact, local, remote, self.call_id(), 1)
        self._transactions.mention(request, hop, now)  # the question keeps the mapping open

    # --- calling a registered phone ---------------------------------------------------------

    def call(self, whom: str, now: float) -> None:
        """One of its users calls a phone that has registered, at the Contact it gave."""
        caller = min(self._users)
        binding = self._bindings.get(whom)
        if binding is None or binding.expires_at <= now:
            self.report(What.CALL_TRIED, caller, whom)
            self.report(What.CALL_UNREACHABLE, caller, whom, f"{whom} is not registered")
            return
        hop = self.hop(binding.contact, binding.source)
        if hop is None:
            self.report(What.CALL_TRIED, caller, whom)
            detail = f"{whom} registered a Contact that is no address"
            self.report(What.CALL_UNREACHABLE, caller, whom, detail)
            return
        self._dial(caller, whom, binding.contact, hop, f"<{binding.contact}>", now)


def _expiry(request: SipMessage, contact: str) -> int:
    """The lifetime asked for: beside the Contact, else in Expires, else an hour (RFC 3261
    10.2.1.1)."""
    for text in (parameter_of(contact, "expires"), request.get("expires")):
        if text.isascii() and text.isdecimal() and len(text) < 8:
            return int(text)
    return DEFAULT_EXPIRES
