"""A registrar and PBX on the open Internet, with the phones of its own users behind it.

It fixes nothing. A phone is called at the Contact that it registered, and audio goes to where the
SDP says, as RFC 3261 has it. What operators of such servers turn on for phones behind NAT has
Asterisk's names, and each is a different way out for the same lesson:

    force_rport  answers and calls go to where the phone's packets came from, not to Via or Contact
    comedia      audio goes to where audio comes from, not to the SDP's address
    nat          Asterisk's word for both: no | force_rport | comedia | yes
    qualify      asks the phone OPTIONS every so often: keeps the NAT's mapping open from outside
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Annotated, Literal

from appliance.parties.call import Call, Phase
from appliance.parties.changing import Wish
from appliance.parties.description import SENDRECV
from appliance.parties.party import What
from appliance.parties.registrar import Registrar, RegistrarTraits
from appliance.parties.sipua import SipMessage, user_of
from appliance.parties.traits import about
from appliance.parties.transferring import TransferringTelephone
from nat.endpoint import Endpoint, parse_address


class PbxTraits(RegistrarTraits, tag="pbx", kw_only=True):
    """Of a PBX."""

    users: Annotated[list[str], about("The people behind it.")]
    rtp_port: Annotated[int, about("The first port that it takes for audio (RFC 3550 11).")] = 10000
    nat: Annotated[
        Literal["no", "force_rport", "comedia", "yes"],
        about(
            "What it does for phones behind a NAT, as in Asterisk's sip.conf: yes is force_rport "
            "and comedia. Each of the two can be turned by itself as well; what either word turns "
            "on is on."
        ),
    ] = "no"
    force_rport: Annotated[
        bool,
        about(
            "Answer and call where the phone's packets came from, not where Via and Contact say "
            "(RFC 3581; Asterisk's force_rport)."
        ),
    ] = False

    phones_at: Annotated[
        str,
        about(
            "The address of its users' own phones, when they are not at the server: their audio "
            "comes from there and goes there. None: the server relays it all."
        ),
    ] = ""
    direct_media: Annotated[
        float,
        about(
            "Seconds after the answer until a re-INVITE lets audio flow directly to the phones at "
            "`phones_at`, and not by way of the server (Asterisk's directmedia); 0: from the "
            "first packet on."
        ),
    ] = 0.0

    @property
    def addresses(self) -> Sequence[str]:
        return (self.address, self.phones_at) if self.phones_at else (self.address,)

    @property
    def answers_to_source(self) -> bool:
        """Do answers and calls go to where the phone's packets came from?"""
        return self.force_rport or self.nat in ("force_rport", "yes")

    @property
    def talks_to_source(self) -> bool:
        return self.comedia or self.nat in ("comedia", "yes")

    def people(self, name: str) -> Sequence[str]:
        return self.users

    def check(self) -> None:
        super().check()
        if not self.users:
            raise ValueError("it has no users")
        if self.phones_at:
            parse_address(self.phones_at)


class Pbx(TransferringTelephone):
    """A registrar with the phones of its own users."""

    def __init__(self, name: str, traits: PbxTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._users = frozenset(traits.users)
        self._direct_media = traits.direct_media if traits.phones_at else 0.0
        self._phones_at = parse_address(traits.phones_at) if traits.phones_at else self.address
        self._answers_to_source = traits.answers_to_source
        self._registrar = Registrar(self, traits, self.hop)
        self._methods["REGISTER"] = self._asked_to_register

    # --- believing, or not ----------------------------------------------------------------

    def hop(self, uri: str, source: Endpoint) -> Endpoint | None:
        return source if self._answers_to_source else super().hop(uri, source)

    def reply_to(self, request: SipMessage, source: Endpoint) -> Endpoint:
        return source if self._answers_to_source else super().reply_to(request, source)

    def accepts(self, uri: str) -> bool:
        return user_of(uri) in self._users

    # --- where audio flows ------------------------------------------------------------------

    @property
    def media_address(self) -> int:
        return self.address if self._direct_media else self._phones_at

    def began_to_talk(self, call: Call, now: float) -> None:
        if self._direct_media:
            self.timers.at(now + self._direct_media, partial(self._let_flow_directly, call))

    def _let_flow_directly(self, call: Call, now: float) -> None:
        if call.phase is Phase.TALKING:
            there = self._audio.listen_too(call.stream, self._phones_at)
            self._change(call, Wish(SENDRECV, What.MOVED, moved_to=there), now)

    # --- its users and their phones ---------------------------------------------------------

    def _asked_to_register(self, request: SipMessage, source: Endpoint, now: float) -> None:
        status, headers = self._registrar.register(request, source, now)
        self._answer(request, status, source, headers)

    def call(self, whom: str, now: float) -> None:
        """One of its users calls a phone that has registered, at the Contact it gave."""
        caller = min(self._users)
        binding = self._registrar.find(whom)
        hop = None if binding is None else self.hop(binding.contact, binding.source)
        if binding is None or hop is None:
            why = f"{whom} is not registered"
            if binding is not None:
                why = f"{whom} registered a Contact that is no address"
            self.report(What.CALL_TRIED, caller, whom)
            self.report(What.CALL_UNREACHABLE, caller, whom, why)
            return
        self._dial(caller, whom, binding.contact, hop, f"<{binding.contact}>", now)
