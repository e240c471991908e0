"""The registrar of a server: who is where, for how long, and whom it asks so that a NAT in between
remembers (RFC 3261 10.3).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Literal

from appliance.parties.agent import UserAgent
from appliance.parties.digest import Guard, Verdict
from appliance.parties.hostnames import HostNamesTraits
from appliance.parties.keepalive import FOUR_ZEROS
from appliance.parties.machine import Timer
from appliance.parties.party import Ground, What
from appliance.parties.registering import TOO_BRIEF, UNAUTHORIZED, number
from appliance.parties.sipua import (
    SipMessage,
    endpoint_of,
    parameter_of,
    read_via,
    uri_of,
    user_of,
)
from appliance.parties.traits import about, about_seconds
from nat.endpoint import Endpoint
from nat.reach import is_inside_only

DEFAULT_EXPIRES = 3600  # seconds; RFC 3261 10.2.1.1
A_MINUTE = 60.0  # seconds
SEES_NO_NAT = "sees no NAT before"

FORBIDDEN, NOT_FIRST_HOP, BUSY = 403, 439, 503  # RFC 3261 21.4.4, RFC 5626 11.6, RFC 3261 21.5.4
LAPSED = Ground(b"", "expires", "RFC 3261 10.3")


class RegistrarTraits(HostNamesTraits, kw_only=True):
    """Of a server that phones register at."""

    min_expires: Annotated[
        int,
        about_seconds(
            "The shortest registration that it takes, in seconds; what is shorter is answered by "
            "423 (RFC 3261 10.2.8)."
        ),
    ] = 0
    max_expires: Annotated[
        int, about_seconds("The longest registration that it grants, in seconds (RFC 3261 10.3).")
    ] = 3600
    qualify: Annotated[
        float,
        about("Seconds between two OPTIONS to each phone (Asterisk's qualify); 0: it asks none."),
    ] = 0.0
    ping: Annotated[
        float,
        about(
            "Seconds between two pings of four zero bytes to each phone, which no phone answers "
            "(Kamailio's nathelper); 0: none."
        ),
    ] = 0.0
    password: Annotated[
        str,
        about(
            "What its phones must prove that they know; empty: it asks for nothing (RFC 3261 22)."
        ),
    ] = ""
    algorithm: Annotated[
        Literal["MD5", "SHA-256"], about("The hash that proofs are made with (RFC 8760).")
    ] = "MD5"
    qop: Annotated[
        bool,
        about(
            "Want proofs that count (qop=auth, RFC 7616 3.4); without it they are those of RFC "
            "2069, as Asterisk asked for them."
        ),
    ] = True
    nonce_lifetime: Annotated[
        float, about("Seconds after which a nonce is stale (RFC 7616 3.3).")
    ] = 300.0
    only_behind_nat: Annotated[
        bool,
        about(
            "Ask and ping only the phones that it can see are behind a NAT: Via or Contact is not "
            "where their packets come from (Kamailio's nat_uac_test and ping_nated_only)."
        ),
    ] = False

    most_registers: Annotated[
        int,
        about(
            "REGISTERs of one user in a minute that it takes; what is more is answered by 503 "
            "(Kamailio's pike; RFC 3261 21.5.4). 0: any number."
        ),
    ] = 0
    first_hop: Annotated[
        bool,
        about(
            "Refuse, by 439, phones that do not speak to it themselves: a REGISTER with more than "
            "one Via came by way of a proxy (RFC 5626 6)."
        ),
    ] = False
    refuses_private: Annotated[
        bool,
        about(
            "Refuse, by 403, users whose domain in To is a private address (RFC 1918 3): nobody "
            "else could ever call them there."
        ),
    ] = False
    remembers: Annotated[
        float,
        about(
            "Seconds for which it still calls a Contact that was taken back, as servers do whose "
            "location tables are copied late (Kamailio's usrloc that writes back, by its "
            "timer_interval)."
        ),
    ] = 0.0

    def check(self) -> None:
        super().check()
        if self.min_expires > self.max_expires:
            raise ValueError(
                f"min_expires: {self.min_expires} s is more than max_expires, {self.max_expires} s"
            )


@dataclass(slots=True)
class Binding:
    """Where a user said that they are, and where that was said from; `timers` are the server's
    questions to them."""

    contact: str
    source: Endpoint
    expires_at: float
    timers: list[Timer] = field(default_factory=list)


class Registrar:
    """Who is where. `hop` says where a server sends what is for a Contact, heard from a source."""

    def __init__(
        self,
        agent: UserAgent,
        traits: RegistrarTraits,
        hop: Callable[[str, Endpoint], Endpoint | None],
    ) -> None:
        self._agent = agent
        self._traits = traits
        self._hop = hop
        self._bindings: dict[str, Binding] = {}
        self._times: dict[str, deque[float]] = {}
        self._guard = self._new_guard(traits)

    def find(self, user: str) -> Binding | None:
        """Where a user is; None when nobody said so, or too long ago."""
        return self._bindings.get(user)

    def register(
        self, request: SipMessage, source: Endpoint, now: float
    ) -> tuple[int, list[tuple[str, str]]]:
        """RFC 3261 10.3, for one Contact a user. Answers status and headers."""
        user, contact = user_of(request.get("to")), request.get("contact")
        if self._traits.first_hop and len(request.all("via")) > 1:
            return NOT_FIRST_HOP, []
        if self._traits.refuses_private and _is_at_home(request):
            return FORBIDDEN, []
        if self._is_too_often(user, now):
            return BUSY, []
        if self._guard is not None:
            proof = self._guard.check(request.get("authorization"), "REGISTER", user, now)
            if not proof.accepted:
                return self._challenge(self._guard, request, user, proof, now)
        if contact:
            asked = _expiry(request, contact)
            if 0 < asked < self._traits.min_expires:
                return TOO_BRIEF, [("Min-Expires", str(self._traits.min_expires))]
            if asked and contact != "*":
                granted = min(asked, self._traits.max_expires)
                self._unbind(user)
                self._bind(user, Binding(uri_of(contact), source, now + granted), request, now)
            else:
                self._sign_off(user, request, now)
                return 200, []
        binding = self._bindings.get(user)
        if binding is None:
            return 200, []
        left = round(binding.expires_at - now)
        return 200, [("Contact", f"<{binding.contact}>;expires={left}")]

    def _new_guard(self, traits: RegistrarTraits) -> Guard | None:
        if not traits.password:
            return None
        agent = self._agent
        return Guard(
            agent.name,
            traits.password,
            traits.algorithm,
            traits.qop,
            traits.nonce_lifetime,
            agent.token,
        )

    def _challenge(
        self, guard: Guard, request: SipMessage, user: str, proof: Verdict, now: float
    ) -> tuple[int, list[tuple[str, str]]]:
        """Ask for a proof, and say what was wrong with the one that there was."""
        if proof.problem:
            ground = Ground(request.wire, "authorization", "RFC 7616 3.3")
            reason = f"{UNAUTHORIZED}: {proof.problem}"
            self._agent.object_to(What.MESSAGE_REFUSED, self._agent.name, reason, ground)
        return UNAUTHORIZED, [("WWW-Authenticate", guard.challenge(user, proof.stale, now))]

    def _bind(self, user: str, binding: Binding, request: SipMessage, now: float) -> None:
        self._bindings[user] = binding
        end = partial(self._lapse, user, binding)
        binding.timers.append(self._agent.timers.at(binding.expires_at, end))
        if self._sees_reason_to_ask(user, binding, request):
            for seconds, question in (
                (self._traits.qualify, self._ask),
                (self._traits.ping, self._ping),
            ):
                if seconds:
                    again = partial(self._again, binding, partial(question, user, binding))
                    binding.timers.append(self._agent.timers.every(seconds, again, now))
        self._agent.hop_for(self._agent.name, user, request, binding.contact, binding.source)

    def _is_too_often(self, user: str, now: float) -> bool:
        most = self._traits.most_registers
        if not most:
            return False
        times = self._times.setdefault(user, deque(maxlen=most))
        if len(times) == most and now - times[0] < A_MINUTE:
            return True
        times.append(now)
        return False

    def _sign_off(self, user: str, request: SipMessage, now: float) -> None:
        binding = self._bindings.get(user)
        if binding is None:
            return
        if not self._traits.remembers:
            self._unbind(user)
            does = f"knows no more where {user} is, who has signed off, and who was at"
            ground = Ground(request.wire, "expires", "RFC 3261 10.2.2")
            self._agent.learn(self._agent.name, does, binding.source, ground)
            return
        _stop(binding)
        end = partial(self._lapse, user, binding)
        binding.timers.append(self._agent.timers.at(now + self._traits.remembers, end))
        hop = self._agent.hop(binding.contact, binding.source)
        if hop is not None:
            late = f"acts for {self._traits.remembers:.0f} s as if {user} had not signed off"
            does = f"{late}, and sends requests for {user} to"
            self._agent.learn(self._agent.name, does, hop, Ground(b"", "", "RFC 3261 10.2.2"))

    def _unbind(self, user: str) -> None:
        binding = self._bindings.pop(user, None)
        if binding is not None:
            _stop(binding)

    def _lapse(self, user: str, binding: Binding, now: float) -> None:
        self._unbind(user)
        does = f"knows no more where {user} is, whose registration has ended, and who was at"
        self._agent.learn(self._agent.name, does, binding.source, LAPSED)

    # --- keeping the way to a phone open ----------------------------------------------------

    def _sees_reason_to_ask(self, user: str, binding: Binding, request: SipMessage) -> bool:
        if not (self._traits.only_behind_nat and (self._traits.qualify or self._traits.ping)):
            return True
        field = _shows_nat(binding, request)
        if field:
            does = f"sees that {user} is behind a NAT, and will keep the way open to"
        else:
            does = f"{SEES_NO_NAT} {user}, and sends no keep-alives to"
            field = "contact"
        ground = Ground(request.wire, field, "RFC 3581 4" if field == "via" else "")
        self._agent.learn(self._agent.name, does, binding.source, ground)
        return bool(_shows_nat(binding, request))

    def _again(
        self, binding: Binding, question: Callable[[Endpoint, float], None], now: float
    ) -> None:
        hop = self._hop(binding.contact, binding.source)
        if hop is not None:
            question(hop, now)

    def _ask(self, user: str, binding: Binding, hop: Endpoint, now: float) -> None:
        """The question goes in, and its answer comes out."""
        agent = self._agent
        local = f"<sip:{agent.name}@{agent.domain}>;tag={agent.token()}"
        remote = f"<{binding.contact}>"
        request = agent.new_request("OPTIONS", binding.contact, local, remote, agent.call_id(), 1)
        agent.mention(request, hop, now)

    def _ping(self, user: str, binding: Binding, hop: Endpoint, now: float) -> None:
        """It goes in, and nothing comes out."""
        self._agent.say(hop, FOUR_ZEROS)


def _stop(binding: Binding) -> None:
    for timer in binding.timers:
        timer.cancel()


def _shows_nat(binding: Binding, request: SipMessage) -> str:
    """The field that says something else than where the packet came from; empty when none does."""
    if read_via(request.get("via")).endpoint != binding.source:
        return "via"
    return "" if endpoint_of(binding.contact) == binding.source else "contact"


def _is_at_home(request: SipMessage) -> bool:
    """Is the domain of its user an address that means nothing to others?"""
    host = endpoint_of(request.get("to"))
    return host is not None and is_inside_only(host.address)


def _expiry(request: SipMessage, contact: str) -> int:
    """The lifetime asked for: beside the Contact, else in Expires, else an hour (RFC 3261
    10.2.1.1)."""
    beside = number(parameter_of(contact, "expires"), -1)
    return beside if beside >= 0 else number(request.get("expires"), DEFAULT_EXPIRES)
