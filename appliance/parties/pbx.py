"""A registrar and PBX on the open Internet, with the phones of its own users behind it.

It fixes nothing. A phone is called at the Contact that it registered, and audio goes to where the
SDP says, as RFC 3261 has it. What operators of such servers turn on for phones behind NAT has
Asterisk's names, and each is a different way out for the same lesson:

    force_rport  answers and calls go to where the phone's packets came from, not to Via or Contact
    comedia      audio goes to where audio comes from, not to the SDP's address
    nat          Asterisk's word for both: no | force_rport | comedia | yes
    externip     what it is itself outside, when it stands behind a NAT
    qualify      asks the phone OPTIONS every so often: keeps the NAT's mapping open from outside
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from random import Random
from typing import Annotated, ClassVar, Literal

from appliance.parties.call import Call, Phase
from appliance.parties.changing import Wish
from appliance.parties.description import SENDRECV
from appliance.parties.hostnames import HostNames
from appliance.parties.party import Action, Datagram, Ground, Order, What
from appliance.parties.pressing import PressingTelephone
from appliance.parties.questions import Questions
from appliance.parties.registrar import BUSY, FORBIDDEN, NOT_FIRST_HOP, Registrar, RegistrarTraits
from appliance.parties.rtp import Stream
from appliance.parties.sipua import Problem, SipMessage, endpoint_of, uri_of, user_of
from appliance.parties.traits import about
from nat.endpoint import Endpoint, Network, parse_address

UNDER_LOAD = Problem("it is under load and takes a later copy", "", "RFC 3261 17.1.1.2")
NOT_OUR_TARGET = Problem(
    "the Request-URI is not the Contact that it gave", "request-uri", "RFC 3261 16.5"
)
NO_CHOICE = "no choice was made"
REFUSALS = {
    FORBIDDEN: Problem("the domain in To is a private address", "to", "RFC 1918 3"),
    NOT_FIRST_HOP: Problem("it came by way of a proxy", "via", "RFC 5626 6"),
    BUSY: Problem("it comes too often", "expires", "RFC 3261 21.5.4"),
}


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

    inner_address: Annotated[
        str,
        about(
            "The private address that stands in its Contact, because a proxy at its own address "
            "stays on the way (Record-Route, RFC 3261 16.6). None: Contact has its own address."
        ),
    ] = ""
    loses_invites: Annotated[
        int,
        about(
            "How many copies of each INVITE it loses before it takes one: a server under load "
            "(RFC 3261 17.1.1.2 repeats them)."
        ),
    ] = 0
    externip: Annotated[
        str,
        about(
            "What it is outside the NAT that it stands behind, written into Via, Contact and "
            "descriptions instead of its own address (Asterisk's externip); empty: its own."
        ),
    ] = ""
    localnet: Annotated[
        str,
        about(
            "The network in which it is known by its own address, beside `externip` (Asterisk's "
            "localnet); empty: `externip` is for everybody."
        ),
    ] = ""
    menu: Annotated[
        str,
        about(
            "The keys that its automatic attendant knows: whoever calls hears an announcement and "
            "has to press one of them (Asterisk's Background and WaitExten). Empty: its users "
            "answer themselves."
        ),
    ] = ""
    menu_patience: Annotated[
        float,
        about("Seconds that it waits for a key, and then hangs up (Asterisk's response timeout)."),
    ] = 10.0
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
            raise ValueError("users: it has none")
        if self.menu and self.digits_by == "none":
            raise ValueError("menu: nobody can choose with digits_by = none; take events or info")
        if self.inner_address:
            self.must_parse(parse_address, "inner_address")
        if self.externip:
            self.must_parse(parse_address, "externip")
        if self.localnet:
            self.must_parse(Network.parse, "localnet")
        if self.phones_at:
            self.must_parse(parse_address, "phones_at")


class Pbx(PressingTelephone):
    """A registrar with the phones of its own users."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        **PressingTelephone.ORDERS,
        "go-down": Order("stop listening, as while it is restarted", lambda pbx, *_: pbx.go_down()),
        "come-back": Order("listen again, and know who is where", lambda pbx, *_: pbx.come_back()),
    }

    def __init__(self, name: str, traits: PbxTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._is_down = False
        self._users = frozenset(traits.users)
        self._inner = None
        if traits.inner_address:
            self._inner = Endpoint(parse_address(traits.inner_address), traits.sip_port)
        self._to_lose = traits.loses_invites
        self._losses: Counter[str] = Counter()
        self._direct_media = traits.direct_media if traits.phones_at else 0.0
        self._phones_at = parse_address(traits.phones_at) if traits.phones_at else self.address
        self._outside = parse_address(traits.externip) if traits.externip else 0
        self._localnet = Network.parse(traits.localnet) if traits.localnet else None
        self._speak_to(None)
        self._answers_to_source = traits.answers_to_source
        self._menu = traits.menu
        self._menu_patience = traits.menu_patience
        self._registrar = Registrar(self, traits, self.hop)
        self._methods["REGISTER"] = self._asked_to_register
        self._questions: Questions | None = None
        self._host_names: HostNames | None = None
        if traits.customers_under:
            server = Endpoint.parse(traits.name_server)
            self._questions = Questions(self, self.address, server, self._ports, rng)
            domain = traits.customers_under
            self._host_names = HostNames(self, name, domain, self._questions)

    def go_down(self) -> None:
        """Nobody listens. What it knows of its users stands on its disk."""
        self._is_down = True

    def come_back(self) -> None:
        self._is_down = False

    @property
    def ports(self) -> Set[int]:
        return frozenset() if self._is_down else self._ports

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        if self._questions is not None and self._questions.hear(datagram, now):
            self.accept(datagram.payload)
            return self.actions()
        return super().receive(datagram, now)

    # --- believing, or not ----------------------------------------------------------------

    def hop(self, uri: str, source: Endpoint) -> Endpoint | None:
        return source if self._answers_to_source else super().hop(uri, source)

    def reply_to(self, request: SipMessage, source: Endpoint) -> Endpoint:
        return source if self._answers_to_source else super().reply_to(request, source)

    def accepts(self, uri: str) -> bool:
        return user_of(uri) in self._users

    # --- behind a proxy, and under load ---------------------------------------------------

    def contact(self, user: str) -> str:
        if self._inner is None:
            return super().contact(user)
        return f"<sip:{user}@{self._inner}>"

    def stays_on_the_way(self) -> Sequence[tuple[str, str]]:
        return () if self._inner is None else (("Record-Route", f"<sip:{self.own};lr>"),)

    def _dialog(self, request: SipMessage) -> Call | None:
        """The proxy hands a request on to where its Request-URI says (RFC 3261 16.5)."""
        if self._inner is not None and endpoint_of(request.request_uri) != self._inner:
            self._object(What.MESSAGE_DISCARDED, NOT_OUR_TARGET, request.wire)
            return None
        return super()._dialog(request)

    def _request(self, request: SipMessage, source: Endpoint, now: float) -> None:
        self._speak_to(source)
        if request.method == "INVITE" and self._losses[request.get("call-id")] < self._to_lose:
            self._losses[request.get("call-id")] += 1
            self._object(What.MESSAGE_DISCARDED, UNDER_LOAD, request.wire)
            return
        super()._request(request, source, now)

    def moved(self, call: Call, response: SipMessage, now: float) -> bool:
        """RFC 3261 8.1.3.4: ask at the address in Contact."""
        uri = uri_of(response.get("contact"))
        hop = endpoint_of(uri)
        if hop is None:
            return False
        self._end(call)
        self.report(What.CALL_ENDED, call.me, call.peer, f"{call.peer} is elsewhere")
        self.hop_for(call.me, call.peer, response, uri, hop)
        self._dial(call.me, user_of(uri), uri, hop, f"<{uri}>", now)
        return True

    # --- where audio flows ------------------------------------------------------------------

    @property
    def media_address(self) -> int:
        return self.address if self._direct_media else self._phones_at

    def find_out(self, stream: Stream, go_on: Callable[[float], None], now: float) -> None:
        """It asks nobody: it was told, and takes for granted that ports are forwarded as they
        are."""
        if self.known_as.address != self.address:
            stream.public = stream.local._replace(address=self.known_as.address)
        go_on(now)

    # --- behind a NAT: what it is for whom ------------------------------------------------

    def _speak_to(self, whom: Endpoint | None) -> None:
        """What it writes from now on is for somebody there, who knows it by its address outside or,
        in its own network, by its own."""
        is_near = whom is not None and self._localnet and whom.address in self._localnet
        here = self.address if is_near or not self._outside else self._outside
        self.known_as = self.own._replace(address=here)

    def _dial(
        self,
        me: str,
        peer: str,
        uri: str,
        hop: Endpoint,
        to: str,
        now: float,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._speak_to(hop)
        super()._dial(me, peer, uri, hop, to, now, headers)

    def _call_response(self, call: Call, status: int, body: bytes = b"") -> None:
        self._speak_to(call.hop)
        super()._call_response(call, status, body)

    def _in_dialog(self, call: Call, method: str, cseq: int) -> SipMessage:
        self._speak_to(call.hop)
        return super()._in_dialog(call, method, cseq)

    def began_to_talk(self, call: Call, now: float) -> None:
        if self._menu and call.source != self.own:
            self.timers.at(now + self._menu_patience, partial(self._wait_no_more, call))
        if self._direct_media:
            self.timers.at(now + self._direct_media, partial(self._let_flow_directly, call))

    def heard_digit(self, call: Call, digit: str, ground: Ground, now: float) -> None:
        super().heard_digit(call, digit, ground, now)
        if digit in self._menu and not call.chosen:
            call.chosen = digit
            self.report(What.CHOICE_MADE, call.me, call.peer, digit)

    def _wait_no_more(self, call: Call, now: float) -> None:
        if call.phase is Phase.TALKING and not call.chosen:
            why = f"{NO_CHOICE} in {self._menu_patience:g} s"
            self.report(What.CALL_DROPPED, call.me, call.peer, why)
            self._send_bye(call, now)

    def _let_flow_directly(self, call: Call, now: float) -> None:
        if call.phase is Phase.TALKING:
            there = self._audio.listen_too(call.stream, self._phones_at)
            self._change(call, Wish(SENDRECV, What.MOVED, moved_to=there), now)

    # --- its users and their phones ---------------------------------------------------------

    def _asked_to_register(self, request: SipMessage, source: Endpoint, now: float) -> None:
        if self._host_names is None:
            self._register(request, source, "", now)
        else:
            self.decide_later(request.wire)
            self._host_names.ask(source.address, partial(self._decide, request, source), now)

    def _decide(self, request: SipMessage, source: Endpoint, objection: str, now: float) -> None:
        before = self.thought
        self._register(request, source, objection, now)
        self.accept(request.wire, before)

    def _register(self, request: SipMessage, source: Endpoint, objection: str, now: float) -> None:
        if objection:
            self._refuse(request, FORBIDDEN, source, Problem(objection, "", "RFC 1912 2.1"))
            return
        status, headers = self._registrar.register(request, source, now)
        if status in REFUSALS:
            self._refuse(request, status, source, REFUSALS[status])
        else:
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
