"""A naive SIP phone: nobody told it that there is a NAT.

It writes its own, private, address into Via, Contact and SDP, and it takes what comes back at its
word: an answer whose top Via or Call-ID is not its own is dropped in silence, a call to a URI that
is not its own Contact is not for it. Many desk phones are like this when they are unpacked.

Some send keep-alives all the same (`keepalive.py`): that helps, and needs no understanding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Annotated, ClassVar, Literal

import msgspec

from appliance.parties.digest import Credentials
from appliance.parties.ftpclient import FILE_SAYS, FtpClient
from appliance.parties.keepalive import BYTES, PATIENCE, PONG, KeepAlive
from appliance.parties.machine import Timer
from appliance.parties.mirror import Look
from appliance.parties.nattests import NatTests
from appliance.parties.party import Action, Datagram, Ground, News, Order, What
from appliance.parties.pressing import PressingTelephone
from appliance.parties.questions import Questions
from appliance.parties.registering import RETRY, Registration
from appliance.parties.resolver import NAME_SAYS, NamedTraits, Resolver
from appliance.parties.rtp import Stream
from appliance.parties.sipua import Problem, SipMessage, endpoint_of, read_via, user_of
from appliance.parties.stunclient import IS_OUTSIDE, StunClient
from appliance.parties.traits import about, about_seconds
from nat.endpoint import Endpoint, address_text

NOT_OF_THE_REGISTRAR = Problem("it does not come from the registrar", "", "RFC 5626 4.4.1")
NO_MIRROR = "0.0.0.0:0"
_REGISTRAR = re.compile(r"^registrar *= *(\d{1,3}(?:\.\d{1,3}){3}:\d{1,5})", re.MULTILINE)


class PhoneTraits(NamedTraits, tag="phone", kw_only=True):
    """Of a phone."""

    registrar: Annotated[str, about("The endpoint of its registrar and proxy (RFC 3261 10.2).")]
    expires: Annotated[
        int,
        about_seconds(
            "The lifetime of a registration that it asks for, in seconds (RFC 3261 10.2)."
        ),
    ] = 3600
    register_every: Annotated[
        float,
        about(
            "Seconds between two registrations; 0: half of what was granted (RFC 3261 10.2.4 "
            "leaves it to the phone)."
        ),
    ] = 0.0
    other_registrars: Annotated[
        list[str],
        about(
            "The endpoints of further registrars that may call it, as of a PBX with several trunks."
        ),
    ] = msgspec.field(default_factory=list)
    domain: Annotated[
        str,
        about(
            "What stands behind the @ of its own address and of those it dials, as a name; empty: "
            "the registrar's address (RFC 3261 8.1.1.3)."
        ),
    ] = ""
    own_domain: Annotated[
        bool,
        about("Nobody told it of a domain: in From it stands behind the @ itself, by its address."),
    ] = False
    keep_alive: Annotated[
        Literal["none", "crlf", "double-crlf", "zeros", "options"],
        about(
            "What it sends so that the NAT keeps its mapping: nothing; a line end; two, to be "
            "answered by one (RFC 5626 3.5.1); four zero bytes; OPTIONS (RFC 3261 11)."
        ),
    ] = "none"
    keep_alive_every: Annotated[
        float, about("Seconds between two keep-alives (RFC 5626 4.4.2: 24 to 29 over UDP).")
    ] = 25.0

    rport: Annotated[
        bool,
        about(
            "Ask servers to answer where its packets come from and to say where that is (RFC 3581 "
            "3); what its registrar says it writes into Via and Contact then, as PJSIP does."
        ),
    ] = False
    mirror: Annotated[
        str,
        about(
            "The endpoint of a mirror that it asks what has become of an INVITE on its way; empty: "
            "it knows of none."
        ),
    ] = ""
    password: Annotated[
        str,
        about("With it the phone answers a registrar's challenge (RFC 3261 22.2); empty: none."),
    ] = ""
    keeps_nonce: Annotated[
        bool,
        about(
            "Answer a second challenge with the nonce of the first, as a Snom 300 of 2007 was seen "
            "to do (RFC 7616 3.3 wants the newest)."
        ),
    ] = False
    reuses_nonce: Annotated[
        bool,
        about(
            "Prove with the last nonce at once when it registers again, without being asked (RFC "
            "7616 3.6), until the registrar calls that stale."
        ),
    ] = False

    def check(self) -> None:
        super().check()
        self.must_parse(Endpoint.parse, "registrar")
        self.must_parse(Endpoint.parse, "other_registrars")
        if self.mirror:
            self.must_parse(Endpoint.parse, "mirror")
        if self.expires < 1:
            raise ValueError("expires: a registration of 0 s is the end of one (RFC 3261 10.2.2)")
        if self.register_every < 0:
            raise ValueError(f"register_every: {self.register_every} s are no time in between")
        if self.keep_alive_every <= 0:
            raise ValueError(f"keep_alive_every: {self.keep_alive_every} s are no time in between")
        if self.keep_alive == "double-crlf" and self.transport == "tcp":
            raise ValueError("keep_alive = double-crlf: nobody here answers it over TCP; take crlf")


class Phone(PressingTelephone):
    """The phone of the user `name`."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        **PressingTelephone.ORDERS,
        "look": Order("ask the mirror", lambda phone, _, now: phone.look(now)),
        "register": Order(
            "tell the registrar where it is", lambda phone, _, now: phone.register(now)
        ),
        "sign-off": Order(
            "tell the registrar that it is there no more", lambda phone, _, now: phone.sign_off(now)
        ),
    }

    def __init__(self, name: str, traits: PhoneTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._registrar = Endpoint.parse(traits.registrar)
        self._to_dial: str | None = None
        self._stun = self._new_stun(traits)
        self._nat_tests: NatTests | None = None
        if self._stun is not None and traits.stun_tests != "no":
            self._nat_tests = NatTests(self, self._stun, traits.stun_tests, self._ports, rng)
        if traits.rport:
            self._transport.via_parameters += ";rport"
        self._stun_every = traits.stun_every
        self._looking: Timer | None = None
        self._domain = traits.domain or traits.registrar_name
        self._own_domain = traits.own_domain
        others = map(Endpoint.parse, traits.other_registrars)
        self._registrations = [
            self._new_registration(each, traits) for each in (self._registrar, *others)
        ]
        self._keep_alive = self._new_keep_alive(traits)
        self._traits_of_phone = traits
        self._fetching = self._new_client(traits)
        self._is_configured = self._fetching is None
        self._questions = self._new_questions(traits)
        self._resolver: Resolver | None = None
        if self._questions is not None:
            self._resolver = Resolver(self, name, traits, self._questions)
        self._mirror = Look(self, name, self.own, Endpoint.parse(traits.mirror or NO_MIRROR))
        helpers = (self._stun, self._questions, self._mirror)
        self._helpers = [helper for helper in helpers if helper is not None]

    @property
    def domain(self) -> str:
        registrar = self._registrar
        bare = address_text(registrar.address) if registrar.port == 5060 else str(registrar)
        return self._domain or bare

    @property
    def home(self) -> str:
        return address_text(self.address) if self._own_domain else self.domain

    # --- registering --------------------------------------------------------------------

    def _new_registration(self, registrar: Endpoint, traits: PhoneTraits) -> Registration:
        return Registration(
            self,
            self.name,
            registrar,
            self.domain,
            self.home,
            traits.expires,
            traits.register_every,
            self._has_service,
            self._new_credentials(traits),
        )

    def _new_credentials(self, traits: PhoneTraits) -> Credentials | None:
        if not traits.password:
            return None
        return Credentials(
            self.name, traits.password, traits.keeps_nonce, traits.reuses_nonce, self._rng
        )

    # --- its configuration ------------------------------------------------------------------

    def _new_client(self, traits: PhoneTraits) -> FtpClient | None:
        if not traits.configuration:
            return None
        return FtpClient(
            self,
            self.address,
            traits,
            self._tcp_ports,
            self._rng,
            self._configure,
            self._not_configured,
        )

    def hear(self, news: News, now: float) -> Sequence[Action]:
        if self._fetching is not None and self._fetching.hear(news, now):
            return self.actions()
        return super().hear(news, now)

    def _configure(self, text: str, giver: Endpoint, now: float) -> None:
        """It believes the file, whoever it came from."""
        found = _REGISTRAR.search(text)
        if found is None:
            self._not_configured("a configuration that names no registrar", now)
            return
        self._registrar = Endpoint.parse(found[1])
        does = f"{FILE_SAYS} {giver} says:"
        self.learn(self.name, does, self._registrar, Ground(b"", "", ""))
        self._registrations[0] = self._new_registration(self._registrar, self._traits_of_phone)
        self._is_configured = True
        self.register(now)

    def _new_questions(self, traits: PhoneTraits) -> Questions | None:
        if not traits.registrar_name:
            return None
        server = Endpoint.parse(traits.name_server)
        return Questions(self, self.address, server, self._ports, self._rng)

    def _found(self, address: int, ground: Ground, now: float) -> None:
        """Its name server says where the registrar is."""
        found = self._registrar._replace(address=address)
        self.learn(self.name, NAME_SAYS, found, ground)
        if found != self._registrar:
            self._registrar = found
            self._registrations[0] = self._new_registration(found, self._traits_of_phone)
        self._register_all(now)

    def _not_configured(self, why: str, now: float) -> None:
        self.report(What.REGISTRATION_UNANSWERED, self.name, detail=why)
        self.timers.at(now + RETRY, self.register)

    # --- registering, once it knows where ---------------------------------------------------

    def register(self, now: float) -> None:
        if self._fetching is not None and not self._is_configured:
            self._fetching.fetch(now)
        elif self._resolver is not None:
            self._resolver.ask(self._found, self._not_configured, now)
        else:
            self._register_all(now)

    def _register_all(self, now: float) -> None:
        if self._stun_every and self._looking is None:
            self._looking = self.timers.every(self._stun_every, self._look_again, now)
        if self._nat_tests is not None:
            self._nat_tests.start(self.address, now)
        for each in self._registrations:
            each.register(now)

    def sign_off(self, now: float) -> None:
        """Nobody is to be called here any more."""
        if self._keep_alive is not None:
            self._keep_alive.stop()
        for each in self._registrations:
            each.sign_off(now)

    # --- what it is outside ---------------------------------------------------------------

    def _new_stun(self, traits: PhoneTraits) -> StunClient | None:
        if not traits.stun:
            return None
        server = Endpoint.parse(traits.stun)
        return StunClient(self, self.name, server, traits.stun_old, self._rng)

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        for helper in self._helpers:
            if helper.hear(datagram, now):
                self.accept(datagram.payload)
                return self.actions()
        return super().receive(datagram, now)

    def look(self, now: float) -> None:
        """Write what a call would say, and ask what arrives of it."""
        uri, me = f"sip:mirror@{self.domain}", f"<sip:{self.name}@{self.home}>"
        local = f"{me};tag={self.token()}"
        invite = self.new_request("INVITE", uri, local, f"<{uri}>", self.call_id(), 1)
        invite.headers.append(("Contact", self.contact(self.name)))
        self._mirror.look(invite, now)

    def find_out(self, stream: Stream, go_on: Callable[[float], None], now: float) -> None:
        if self._stun is None:
            go_on(now)
            return

        def found(endpoint: Endpoint | None, at: float) -> None:
            stream.public = endpoint
            go_on(at)

        self._stun.ask(stream.local, found, now)

    def find_out_own(self, go_on: Callable[[float], None], now: float) -> None:
        """What its signalling is outside, before it says so."""
        if self._stun is None:
            go_on(now)
            return

        def found(endpoint: Endpoint | None, at: float) -> None:
            self.known_as = endpoint or self.own
            go_on(at)

        self._stun.ask(self.own, found, now)

    def learn_from(self, answer: SipMessage) -> bool:
        """RFC 3581 4: `received` and `rport` in the Via that comes back."""
        said = read_via(answer.get("via")).parameters
        try:
            endpoint = Endpoint.parse(f"{said.get('received', '')}:{said.get('rport', '')}")
        except ValueError:
            return False
        if endpoint == self.known_as:
            return False
        self.known_as = endpoint
        does = f"learns from the answer what its port {self.own.port} {IS_OUTSIDE}"
        self.learn(self.name, does, endpoint, Ground(answer.wire, "via", "RFC 3581 4"))
        return True

    def _look_again(self, now: float) -> None:
        """Is it still what it told the registrar?"""
        before = self.known_as

        def compare(at: float) -> None:
            if self.known_as != before:
                self.register(at)

        self.find_out_own(compare, now)

    def _has_service(self, now: float) -> None:
        if self._keep_alive is not None:
            self._keep_alive.start(now)
        if self._to_dial is not None:
            self.call(self._to_dial, now)

    # --- keeping the way open ------------------------------------------------------------

    def _new_keep_alive(self, traits: PhoneTraits) -> KeepAlive | None:
        if traits.keep_alive == "none":
            return None
        payload = BYTES.get(traits.keep_alive)
        return KeepAlive(
            self.timers,
            traits.keep_alive_every,
            self._ask_options if payload is None else lambda _: self.say(self._registrar, payload),
            PATIENCE if traits.keep_alive == "double-crlf" else None,
            self._no_pong,
        )

    def _ask_options(self, now: float) -> None:
        uri, me = f"sip:{self.domain}", f"<sip:{self.name}@{self.home}>"
        local = f"{me};tag={self.token()}"
        request = self.new_request("OPTIONS", uri, local, f"<{uri}>", self.call_id(), 1)
        self.mention(request, self._registrar, now)

    def hear_keep_alive(self, payload: bytes, source: Endpoint, now: float) -> None:
        super().hear_keep_alive(payload, source, now)
        if self._keep_alive is None:
            return
        if source == self._registrar:
            self._keep_alive.heard()
        elif payload == PONG:
            self._object(What.MESSAGE_DISCARDED, NOT_OF_THE_REGISTRAR, payload)

    def _no_pong(self, now: float) -> None:
        detail = f"no pong to its keep-alive in {PATIENCE:.0f} s"
        for each in self._registrations:
            each.is_lost(detail, now)

    # --- calling ------------------------------------------------------------------------

    def call(self, whom: str, now: float) -> None:
        """Dial; a phone without service does so as soon as it has service."""
        self._to_dial = whom
        if not self._registrations[0].is_accepted:
            return
        if self._resolver is None:
            self._dial_now(now)
        else:
            self._resolver.ask(self._found_again, self._not_found, now)

    def _found_again(self, address: int, ground: Ground, now: float) -> None:
        """Where its registrar is, before a call. If that is elsewhere it registers there first."""
        if address == self._registrar.address:
            self._dial_now(now)
        else:
            self._found(address, ground, now)

    def _not_found(self, why: str, now: float) -> None:
        whom, self._to_dial = self._to_dial, None
        if whom is not None:
            self.report(What.CALL_TRIED, self.name, whom)
            self.report(What.CALL_UNREACHABLE, self.name, whom, why)

    def _dial_now(self, now: float) -> None:
        whom, self._to_dial = self._to_dial, None
        if whom is None:  # hung up meanwhile
            return
        uri = f"sip:{whom}@{self.domain}"
        self._dial(self.name, whom, uri, self._registrar, f"<{uri}>", now)

    def hang_up(self, now: float) -> None:
        self._to_dial = None
        super().hang_up(now)

    def accepts(self, uri: str) -> bool:
        """RFC 3261 8.2.2.1: only the URI that it gave as its Contact."""
        return user_of(uri) == self.name and endpoint_of(uri) == self.known_as
