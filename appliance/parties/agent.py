"""A SIP user agent: messages in, messages out (RFC 3261).

It believes what it reads. It sends its requests to the Contact it was given, and writes its own
address into Via and Contact. On the open Internet that is all that SIP asks for; behind a NAT it is
the whole problem. What is asked in messages is the business of those who build on it: calls
(`telephone.py`), registrations (`phone.py`, `pbx.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from random import Random
from typing import Annotated, Literal

from appliance.parties.keepalive import PING, PONG, is_keep_alive
from appliance.parties.machine import Machine
from appliance.parties.party import Action, Datagram, Ground, News, What
from appliance.parties.rtp import MEDIA, is_audio
from appliance.parties.signalling import Datagrams, Streams, Transport
from appliance.parties.sipua import (
    MAGIC_COOKIE,
    USER_AGENT,
    Problem,
    SipMessage,
    UnreadableError,
    endpoint_of,
    parse,
    reply_to,
    respond,
    route_set,
    rule_of_target,
)
from appliance.parties.strictness import problem_in
from appliance.parties.traits import Traits, about
from appliance.parties.transactions import OnFailure, OnResponse, Transactions
from nat.endpoint import Endpoint, address_text

AUDIO_ASTRAY = Problem("it came to the port for signalling", MEDIA, "RFC 3550 11")


class UserAgentTraits(Traits, kw_only=True):
    """Of everybody who speaks SIP."""

    sip_port: Annotated[
        int, about("The port that it listens on and sends from (RFC 3261 19.1.2: 5060).")
    ] = 5060
    send_from: Annotated[
        int,
        about(
            "The port that it sends from, where it does not listen (Cisco's 7941 does that; RFC "
            "3261 18.1.1 lets it); 0: the one that it listens on."
        ),
    ] = 0
    transport: Annotated[
        Literal["udp", "tcp"], about("What carries its signalling (RFC 3261 18).")
    ] = "udp"
    content_length: Annotated[
        bool, about("Write Content-Length. Over UDP some do not (RFC 3261 20.14).")
    ] = True
    segment: Annotated[
        int,
        about(
            "Bytes of a message in one TCP segment, as a strange or hostile sender would cut it "
            "(RFC 3261 18.3 counts on no segment to end a message); 0: as many as fit."
        ),
    ] = 0

    strict: Annotated[
        bool,
        about(
            "Throw away answers that do not repeat its own address in Via and its own Call-ID (RFC "
            "3261 18.1.2, RFC 3261 8.2.6.2). If not, the branch alone says what is answered, as "
            "with PJSIP."
        ),
    ] = True

    call_id_host: Annotated[
        str,
        about(
            "What stands behind the @ of its Call-IDs: any word will do (RFC 3261 25.1), such as "
            "an address that it had once. None: its own address."
        ),
    ] = ""
    strict_parsing: Annotated[
        bool,
        about(
            "Answer 400 to a request whose Via is not as the grammar has it (RFC 3261 21.4.1, "
            "25.1). If not, it reads on as well as it can."
        ),
    ] = False

    def check(self) -> None:
        super().check()
        if self.segment < 0:
            raise ValueError(f"segment: none has {self.segment} bytes")
        if self.transport == "tcp" and not self.content_length:
            raise ValueError("content_length: a message in a stream needs it (RFC 3261 18.3)")


class UserAgent(Machine):
    """A SIP user agent on one address."""

    def __init__(self, name: str, traits: UserAgentTraits, rng: Random) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self._call_id_host = traits.call_id_host or traits.address
        self._parses_strictly = traits.strict_parsing
        self.own = Endpoint(self.address, traits.sip_port)
        self._rng = rng
        self._transport = self._new_transport(traits)
        self._transactions = Transactions(self, self._transport, self.answered_again, traits.strict)
        self._ports: set[int] = set()
        self._tcp_ports: set[int] = set()
        (self._tcp_ports if self._transport.is_reliable else self._ports).add(traits.sip_port)
        self._methods: dict[str, Callable[[SipMessage, Endpoint, float], None]] = {
            "OPTIONS": self._options,
        }

    # --- what a driver calls ----------------------------------------------------------

    @property
    def ports(self) -> Set[int]:
        return self._ports

    @property
    def known_as(self) -> Endpoint:
        """Where it tells others that it is: what stands in its Via and Contact."""
        return self._transport.sent_by

    @known_as.setter
    def known_as(self, endpoint: Endpoint) -> None:
        self._transport.sent_by = endpoint

    @property
    def tcp_ports(self) -> Set[int]:
        return self._tcp_ports

    def start(self, now: float) -> Sequence[Action]:
        return self.actions()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        self._transport.hear(news, now)
        return self.actions()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        if datagram.destination.port == self.own.port:
            self._receive_sip(datagram.payload, datagram.source, now)
            return self.actions()
        return self.actions() if self.hear_audio(datagram, now) else ()

    # --- what a kind of user agent decides for itself ------------------------------------

    def hop(self, uri: str, source: Endpoint) -> Endpoint | None:
        """Where requests to `uri` go: to what it says. `source` is where its owner really was."""
        return endpoint_of(uri)

    def learn_from(self, answer: SipMessage) -> bool:
        """Does an answer say that it is elsewhere than it has written? Most do not look."""
        return False

    def find_out_own(self, go_on: Callable[[float], None], now: float) -> None:
        """Before it says where it is: what is it outside? Most do not ask."""
        go_on(now)

    def answered_again(self, response: SipMessage, now: float) -> Problem | None:
        """A final answer to a request that is done with. Answers why it is not welcome."""
        return Problem("it answers nothing that was asked", "call-id", "RFC 3261 17.1.3")

    def hear_audio(self, datagram: Datagram, now: float) -> bool:
        """A datagram came to a port that is not for signalling. True when something came of it."""
        return False

    def hear_keep_alive(self, payload: bytes, source: Endpoint, now: float) -> None:
        """What is no message came from `source`: two line ends are answered (RFC 5626 4.4.1)."""
        if payload == PING:
            self.say(source, PONG)

    # --- messages in --------------------------------------------------------------------

    def _new_transport(self, traits: UserAgentTraits) -> Transport:
        if traits.transport == "udp":
            return Datagrams(self, self.own, traits.content_length, traits.send_from)
        return Streams(
            self,
            self.own,
            self._rng,
            traits.segment,
            self._receive_sip,
            self._discard,
            lambda names, why, now: self._transactions.broken(names, why, now),
        )

    def _receive_sip(self, payload: bytes, source: Endpoint, now: float) -> None:
        before = self.thought
        self._receive_message(payload, source, now)
        self.accept(payload, before)

    def _receive_message(self, payload: bytes, source: Endpoint, now: float) -> None:
        if is_keep_alive(payload):
            self.hear_keep_alive(payload, source, now)
            return
        if is_audio(payload):
            self._object(What.MESSAGE_DISCARDED, AUDIO_ASTRAY, payload)
            return
        try:
            message = parse(payload)
            problem = None
            if message.status:
                problem = self._transactions.response(message, now)
            else:
                self._request(message, source, now)
        except UnreadableError as error:
            problem = error.problem
        if problem is not None:
            self._object(What.MESSAGE_DISCARDED, problem, payload)

    def _discard(self, reason: str) -> None:
        """What came in a stream and is no message."""
        self._object(What.MESSAGE_DISCARDED, Problem(reason), b"")

    def _object(self, what: What, problem: Problem, message: bytes) -> None:
        ground = Ground(message, problem.field, problem.rfc)
        self.object_to(what, self.name, problem.reason, ground)

    def _request(self, request: SipMessage, source: Endpoint, now: float) -> None:
        self._transport.heard_request(request, source)
        if request.method != "ACK":
            if self._transactions.repeated(request):
                return
            self._transactions.accept(request, now)
            problem = problem_in(request) if self._parses_strictly else None
            if problem is not None:
                self._refuse(request, 400, source, problem)
                return
        handler = self._methods.get(request.method)
        if handler is None:
            self._refuse(request, 405, source, Problem("it does not know what is asked"))
        else:
            handler(request, source, now)

    def _refuse(self, request: SipMessage, status: int, source: Endpoint, problem: Problem) -> None:
        """Answer that it cannot be done, and say why."""
        reason = f"{status}: {problem.reason}"
        self._object(What.MESSAGE_REFUSED, problem._replace(reason=reason), request.wire)
        self._answer(request, status, source)

    def _answer(
        self,
        request: SipMessage,
        status: int,
        source: Endpoint,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        response = respond(request, status, source, self.token())
        response.headers += headers
        response.body = body
        self._transactions.answer(request, response, self.reply_to(request, source))

    def reply_to(self, request: SipMessage, source: Endpoint) -> Endpoint:
        """Where answers to this request go; in a stream, back where it came from."""
        if self._transport.is_reliable:
            return source
        target = reply_to(request, source)
        if target != source:
            ground = Ground(request.wire, "via", "RFC 3261 18.2.2")
            detail = f"sends the answers to that {request.method} to"
            self.learn(self.name, detail, target, ground)
        return target

    def _options(self, request: SipMessage, source: Endpoint, now: float) -> None:
        self._answer(request, 200, source, [("Allow", ", ".join(self._methods))])

    # --- messages out -------------------------------------------------------------------

    @property
    def domain(self) -> str:
        """The domain that one's requests are for."""
        return address_text(self.address)

    @property
    def home(self) -> str:
        """The host part of one's own address of record."""
        return self.domain

    def new_request(
        self, method: str, uri: str, local: str, remote: str, call_id: str, cseq: int
    ) -> SipMessage:
        """The headers that every request has (RFC 3261 8.1.1), with a branch of its own."""
        return SipMessage(
            f"{method} {uri} SIP/2.0",
            [
                ("Via", self._transport.via(f"{MAGIC_COOKIE}-{self.token()}")),
                ("From", local),
                ("To", remote),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} {method}"),
                ("Max-Forwards", "70"),
                ("User-Agent", USER_AGENT),
            ],
        )

    def ask(
        self,
        request: SipMessage,
        destination: Endpoint,
        now: float,
        on_response: OnResponse,
        on_failure: OnFailure,
    ) -> None:
        """Send a request until it is answered."""
        self._transactions.request(request, destination, now, on_response, on_failure)

    def mention(self, request: SipMessage, destination: Endpoint, now: float) -> None:
        """A request whose answer makes no difference."""
        self._transactions.mention(request, destination, now)

    def say(self, destination: Endpoint, payload: bytes) -> None:
        """Send what is no message."""
        self._transport.send(destination, payload)

    def token(self) -> str:
        return f"{self._rng.getrandbits(32):08x}"

    def call_id(self) -> str:
        """As many phones write it: something random, and the host that made it up."""
        return f"{self.token()}-{self.token()}@{self._call_id_host}"

    def contact(self, user: str) -> str:
        """Where requests for `user` are to be sent."""
        return f"<sip:{user}@{self.known_as}{self._transport.uri_parameters}>"

    def hop_for(
        self, me: str, peer: str, message: SipMessage, target: str, source: Endpoint
    ) -> Endpoint | None:
        """Where requests for the one whose Contact is `target` go: to the first proxy that wants to
        see them (RFC 3261 12.2.1.1), otherwise to that Contact. Whoever goes by where packets come
        from instead follows no rule of RFC 3261."""
        route = route_set(message)
        hop = endpoint_of(route[0]) if route else self.hop(target, source)
        if hop is not None:
            field = "contact" if hop == endpoint_of(target) else ""
            place = "record-route" if route else field
            ground = Ground(message.wire, place, rule_of_target(message) if place else "")
            self.learn(me, f"sends requests for {peer} to", hop, ground)
        return hop
