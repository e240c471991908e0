"""A naive SIP phone: nobody told it that there is a NAT.

It writes its own, private, address into Via, Contact and SDP, and it takes what comes back at its
word: an answer whose top Via or Call-ID is not its own is dropped in silence, a call to a URI that
is not its own Contact is not for it. Many desk phones are like this when they are unpacked.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Annotated, ClassVar

from appliance.parties.machine import Timer
from appliance.parties.party import Order, What
from appliance.parties.sipua import SipMessage, endpoint_of, parameter_of, status_of, user_of
from appliance.parties.telephone import Telephone, TelephoneTraits
from appliance.parties.traits import about
from appliance.parties.transactions import GIVE_UP
from nat.endpoint import Endpoint, address_text

RETRY = 30.0  # seconds until a phone without service tries to register again


class PhoneTraits(TelephoneTraits, tag="phone", kw_only=True):
    """Of a phone."""

    registrar: Annotated[str, about("The endpoint of its registrar and proxy.")]
    expires: Annotated[
        int, about("The lifetime of a registration that it asks for, in seconds (RFC 3261 10.2).")
    ] = 3600

    def check(self) -> None:
        super().check()
        Endpoint.parse(self.registrar)


class Phone(Telephone):
    """The phone of the user `name`."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        **Telephone.ORDERS,
        "register": Order(
            "tell the registrar where it is", lambda phone, _, now: phone.register(now)
        ),
    }

    def __init__(self, name: str, traits: PhoneTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._registrar = Endpoint.parse(traits.registrar)
        self._expires = traits.expires
        self._registered = False
        self._to_dial: str | None = None
        self._registration_id = self.call_id()
        self._registration_tag = self.token()
        self._registration_cseq = 0
        self._refresh: Timer | None = None

    @property
    def domain(self) -> str:
        registrar = self._registrar
        return address_text(registrar.address) if registrar.port == 5060 else str(registrar)

    # --- registering --------------------------------------------------------------------

    def register(self, now: float) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
        self._registration_cseq += 1
        me = f"<sip:{self.name}@{self.domain}>"
        request = self.new_request(
            "REGISTER",
            f"sip:{self.domain}",
            f"{me};tag={self._registration_tag}",
            me,
            self._registration_id,
            self._registration_cseq,
        )
        contact = self.contact(self.name)
        request.headers.append(("Contact", f"{contact};expires={self._expires}"))
        self.report(What.REGISTRATION_TRIED, self.name)
        self._transactions.request(
            request, self._registrar, now, self._registrar_says, self._registrar_is_silent
        )

    def _registrar_says(self, response: SipMessage, now: float) -> None:
        if response.status < 200:
            return
        if response.status >= 300:
            self._without_service(What.REGISTRATION_REFUSED, status_of(response), now)
            return
        self._registered = True
        self.report(What.REGISTRATION_ACCEPTED, self.name)
        self._refresh = self.timers.at(now + self._granted(response) / 2, self.register)
        if self._to_dial is not None:
            whom, self._to_dial = self._to_dial, None
            self.call(whom, now)

    def _granted(self, response: SipMessage) -> int:
        """RFC 3261 10.2.4: the lifetime stands beside one's own Contact, else in Expires."""
        for contact in response.all("contact"):
            if endpoint_of(contact) == self.own:
                return _seconds(parameter_of(contact, "expires"), self._expires)
        return _seconds(response.get("expires"), self._expires)

    def _registrar_is_silent(self, why: str, now: float) -> None:
        detail = why or f"no valid answer in {GIVE_UP:.0f} s"
        self._without_service(What.REGISTRATION_UNANSWERED, detail, now)

    def _without_service(self, what: What, detail: str, now: float) -> None:
        self._registered = False
        self.report(what, self.name, detail=detail)
        self._refresh = self.timers.at(now + RETRY, self.register)

    # --- calling ------------------------------------------------------------------------

    def call(self, whom: str, now: float) -> None:
        """Dial; a phone without service does so as soon as it has service."""
        if not self._registered:
            self._to_dial = whom
            return
        uri = f"sip:{whom}@{self.domain}"
        self._dial(self.name, whom, uri, self._registrar, f"<{uri}>", now)

    def hang_up(self, now: float) -> None:
        self._to_dial = None
        super().hang_up(now)

    def accepts(self, uri: str) -> bool:
        """RFC 3261 8.2.2.1: only the URI that it gave as its Contact."""
        return user_of(uri) == self.name and endpoint_of(uri) == self.own


def _seconds(text: str, otherwise: int) -> int:
    """An expiry as a number; at least one second, so that nobody refreshes without end."""
    good = text.isascii() and text.isdecimal() and len(text) < 8
    return max(1, int(text)) if good else otherwise
