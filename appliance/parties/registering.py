"""A user's registration as the phone sees it: asked for, granted, kept fresh (RFC 3261 10.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.parties.agent import UserAgent
from appliance.parties.digest import Credentials
from appliance.parties.machine import Timer
from appliance.parties.party import What
from appliance.parties.sipua import SipMessage, endpoint_of, parameter_of, status_of
from appliance.parties.transactions import GIVE_UP
from nat.endpoint import Endpoint

UNAUTHORIZED = 401
MOST_PROOFS = 2  # of one attempt: what is refused twice is no matter of a stale nonce
RETRY = 30.0  # seconds until a phone without service tries to register again
TOO_BRIEF = 423  # RFC 3261 21.4.17


@dataclass(slots=True)
class Attempt:
    """One try to register for so many seconds (0: to sign off): where the agent said that it is,
    how often it answered a challenge, whether it was elsewhere in between, and whether the one
    before has shown that it is elsewhere."""

    expires: int
    told: Endpoint
    proofs: int = 0
    has_moved: bool = False
    is_second: bool = False


class Registration:
    """Of the user `user` of `agent`, at `registrar`, which serves `domain`; the user's own address
    ends in `home`.

    It asks for `expires` seconds, and again `every` so many; 0: when half of what was granted is
    over. `on_service` is called when it was accepted. Before each request the agent finds out what
    it is outside, if it asks anybody. `credentials` answer challenges.
    """

    def __init__(
        self,
        agent: UserAgent,
        user: str,
        registrar: Endpoint,
        domain: str,
        home: str,
        expires: int,
        every: float,
        on_service: Callable[[float], None],
        credentials: Credentials | None,
    ) -> None:
        self.is_accepted = False
        self._agent = agent
        self._user = user
        self._registrar = registrar
        self._domain = domain
        self._home = home
        self._expires = expires
        self._every = every
        self._on_service = on_service
        self._credentials = credentials
        self._attempt = Attempt(expires, agent.known_as)
        self._call_id = agent.call_id()
        self._tag = agent.token()
        self._cseq = 0
        self._refresh: Timer | None = None

    def register(self, now: float) -> None:
        """Tell the registrar where the user is."""
        self._agent.report(What.REGISTRATION_TRIED, self._user)
        self._begin(self._expires, now)

    def sign_off(self, now: float) -> None:
        """Take it back (RFC 3261 10.2.2)."""
        self.is_accepted = False
        self._begin(0, now)

    def _begin(self, expires: int, now: float) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
        proves = self._credentials is not None and self._credentials.begin()
        attempt = self._attempt = Attempt(expires, self._agent.known_as)
        self._agent.find_out_own(lambda at: self._ask(attempt, proves, at), now)

    def _ask(self, attempt: Attempt, proves: bool, now: float) -> None:
        """Unless something else was begun meanwhile."""
        if attempt is not self._attempt:
            return
        attempt.told = self._agent.known_as
        attempt.proofs += proves
        self._cseq += 1
        me = f"<sip:{self._user}@{self._home}>"
        request = self._agent.new_request(
            "REGISTER",
            f"sip:{self._domain}",
            f"{me};tag={self._tag}",
            me,
            self._call_id,
            self._cseq,
        )
        contact = self._agent.contact(self._user)
        request.headers.append(("Contact", f"{contact};expires={attempt.expires}"))
        if proves and self._credentials is not None:
            proof = self._credentials.answer("REGISTER", request.request_uri)
            request.headers.append(("Authorization", proof))
        self._agent.ask(
            request,
            self._registrar,
            now,
            lambda response, at: self._answered(attempt, response, at),
            lambda why, at: self._unanswered(attempt, why, at),
        )

    def _answered(self, attempt: Attempt, response: SipMessage, now: float) -> None:
        if response.status < 200 or attempt is not self._attempt:
            return
        if response.status == UNAUTHORIZED and self._may_prove(attempt, response):
            self._agent.find_out_own(lambda at: self._prove(attempt, at), now)
        elif response.status == TOO_BRIEF and (least := number(response.get("min-expires"), 0)):
            self._expires = attempt.expires = least
            self._ask(attempt, False, now)
        elif response.status >= 300:
            self._without_service(What.REGISTRATION_REFUSED, status_of(response), now)
        elif attempt.expires:
            self._accepted(attempt, response, now)

    def _may_prove(self, attempt: Attempt, response: SipMessage) -> bool:
        credentials = self._credentials
        if credentials is None or attempt.proofs == MOST_PROOFS:
            return False
        return credentials.hear(response.get("www-authenticate"))

    def _prove(self, attempt: Attempt, now: float) -> None:
        """Answer the challenge. Whoever is told by STUN to be elsewhere by now begins anew first,
        because the Contact that was asked for is none any more; once."""
        moved = self._agent.known_as != attempt.told and not attempt.has_moved
        attempt.has_moved = attempt.has_moved or moved
        self._ask(attempt, not moved, now)

    def _accepted(self, attempt: Attempt, response: SipMessage, now: float) -> None:
        self.is_accepted = True
        self._agent.report(What.REGISTRATION_ACCEPTED, self._user)
        again = self._every or self._granted(response) / 2
        self._refresh = self._agent.timers.at(now + again, self.register)
        if self._agent.learn_from(response) and not attempt.is_second:
            self._begin(self._expires, now)  # what was registered is no way to it
            self._attempt.is_second = True
        self._on_service(now)

    def _granted(self, response: SipMessage) -> int:
        """RFC 3261 10.2.4: the lifetime stands beside one's own Contact, else in Expires."""
        for contact in response.all("contact"):
            if endpoint_of(contact) == self._agent.known_as:
                return max(1, number(parameter_of(contact, "expires"), self._expires))
        return max(1, number(response.get("expires"), self._expires))

    def _unanswered(self, attempt: Attempt, why: str, now: float) -> None:
        if attempt is not self._attempt:
            return
        detail = why or f"no valid answer in {GIVE_UP:.0f} s"
        self._without_service(What.REGISTRATION_UNANSWERED, detail, now)

    def _without_service(self, what: What, detail: str, now: float) -> None:
        self.is_accepted = False
        self._agent.report(what, self._user, detail=detail)
        self._refresh = self._agent.timers.at(now + RETRY, self.register)

    def is_lost(self, detail: str, now: float) -> None:
        """The way to the registrar is gone: begin anew at once (RFC 5626 4.4.1)."""
        self._agent.report(What.REGISTRATION_UNANSWERED, self._user, detail=detail)
        self.is_accepted = False
        self.register(now)


def number(text: str, otherwise: int) -> int:
    """A number of seconds in a header, or something else for what is none."""
    good = text.isascii() and text.isdecimal() and len(text) < 8
    return int(text) if good else otherwise
