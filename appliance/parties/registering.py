"""A user's registration as the phone sees it: asked for, granted, kept fresh (RFC 3261 10.2)."""

from __future__ import annotations

from collections.abc import Callable

from appliance.parties.agent import UserAgent
from appliance.parties.machine import Timer
from appliance.parties.party import What
from appliance.parties.sipua import SipMessage, endpoint_of, parameter_of, status_of
from appliance.parties.transactions import GIVE_UP
from nat.endpoint import Endpoint

RETRY = 30.0  # seconds until a phone without service tries to register again
TOO_BRIEF = 423  # RFC 3261 21.4.17


class Registration:
    """Of the user `user` of `agent`, at `registrar`, which serves `domain`; the user's own address
    ends in `home`.

    It asks for `expires` seconds, and again `every` so many; 0: when half of what was granted is
    over. `on_service` is called when it was accepted.
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
        self._call_id = agent.call_id()
        self._tag = agent.token()
        self._cseq = 0
        self._asked = 0  # seconds, in the newest REGISTER
        self._refresh: Timer | None = None

    def register(self, now: float) -> None:
        """Tell the registrar where the user is."""
        self._agent.report(What.REGISTRATION_TRIED, self._user)
        self._ask(self._expires, now)

    def sign_off(self, now: float) -> None:
        """Take it back (RFC 3261 10.2.2)."""
        self.is_accepted = False
        self._ask(0, now)

    def _ask(self, expires: int, now: float) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
        self._asked = expires
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
        request.headers.append(("Contact", f"{contact};expires={expires}"))
        self._agent.ask(request, self._registrar, now, self._answered, self._unanswered)

    def _answered(self, response: SipMessage, now: float) -> None:
        if response.status < 200:
            return
        if response.status == TOO_BRIEF and (least := number(response.get("min-expires"), 0)):
            self._expires = least
            self._ask(least, now)
        elif response.status >= 300:
            self._without_service(What.REGISTRATION_REFUSED, status_of(response), now)
        elif self._asked:
            self._accepted(response, now)

    def _accepted(self, response: SipMessage, now: float) -> None:
        self.is_accepted = True
        self._agent.report(What.REGISTRATION_ACCEPTED, self._user)
        again = self._every or self._granted(response) / 2
        self._refresh = self._agent.timers.at(now + again, self.register)
        self._on_service(now)

    def _granted(self, response: SipMessage) -> int:
        """RFC 3261 10.2.4: the lifetime stands beside one's own Contact, else in Expires."""
        for contact in response.all("contact"):
            if endpoint_of(contact) == self._agent.own:
                return max(1, number(parameter_of(contact, "expires"), self._expires))
        return max(1, number(response.get("expires"), self._expires))

    def _unanswered(self, why: str, now: float) -> None:
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
