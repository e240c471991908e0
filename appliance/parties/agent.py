"""What a phone and the phone behind a PBX have in common: they make calls, take calls and talk.

It believes what it reads. It sends its requests to the Contact it was given and its audio to the
address in the SDP, and writes its own address into both. On the open Internet that is all that
SIP asks for; behind a NAT it is the whole problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from random import Random

from appliance.parties.audio import Audio
from appliance.parties.call import Call, Phase
from appliance.parties.machine import Machine
from appliance.parties.party import Action, Datagram, Ground, News, What
from appliance.parties.signalling import Datagrams, Streams, Transport
from appliance.parties.sipua import (
    MAGIC_COOKIE,
    NO_AUDIO_OFFERED,
    NO_CONTACT,
    NO_SUCH_CALL,
    NOBODY_HERE,
    TARGET,
    USER_AGENT,
    Problem,
    SipMessage,
    UnreadableError,
    endpoint_of,
    media_endpoint,
    parameter_of,
    parse,
    read_via,
    reply_to,
    respond,
    sdp,
    status_of,
    uri_of,
    user_of,
)
from appliance.parties.transactions import GIVE_UP, T1, T2, Transactions, cancel
from nat.endpoint import Endpoint, address_text


@dataclass(frozen=True, slots=True)
class Habits:
    """What may differ from one user agent to the next.

    `rtp_port` is the first port that it takes for audio, `answer_after` how long it rings before
    somebody picks up (seconds; None: nobody does). `comedia` lets it send audio to where audio
    comes from and not to what the SDP says. `transport` carries its signalling, "udp" or "tcp";
    over TCP each message is sent in segments of `segment` bytes (0: as large as they may be).
    """

    sip_port: int = 5060
    rtp_port: int = 4000
    answer_after: float | None = 2.0
    comedia: bool = False
    transport: str = "udp"
    segment: int = 0


class UserAgent(Machine):
    """A SIP user agent on one address."""

    def __init__(self, name: str, address: int, rng: Random, habits: Habits) -> None:
        super().__init__()
        self.name = name
        self.address = address
        self.own = Endpoint(address, habits.sip_port)
        self._rng = rng
        self._habits = habits
        self._transport = self._new_transport()
        self._transactions = Transactions(self, self._transport, self._answered_again)
        self._calls: dict[str, Call] = {}
        self._ports: set[int] = set()
        self._tcp_ports: set[int] = set()
        first, comedia = habits.rtp_port, habits.comedia
        self._audio = Audio(self, name, address, rng, first, comedia, self._ports)
        (self._tcp_ports if self._transport.is_reliable else self._ports).add(habits.sip_port)
        self._methods: dict[str, Callable[[SipMessage, Endpoint, float], None]] = {
            "INVITE": self._invited,
            "ACK": self._acknowledged,
            "BYE": self._bye,
            "CANCEL": self._cancelled,
            "OPTIONS": self._options,
        }

    # --- what a driver calls ----------------------------------------------------------

    @property
    def ports(self) -> Set[int]:
        return self._ports

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
        return self.actions() if self._audio.hear(datagram) else ()

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        if order == "call":
            self.call(whom, now)
        elif order == "hang-up":
            self.hang_up(now)
        else:
            raise ValueError(f"{self.name} does not know how to {order!r}")
        return self.actions()

    # --- what a kind of user agent decides for itself ------------------------------------

    def call(self, whom: str, now: float) -> None:
        """Start a call to the user `whom`."""
        raise NotImplementedError

    def accepts(self, uri: str) -> bool:
        """Is a request to this URI for somebody here?"""
        raise NotImplementedError

    def hop(self, uri: str, source: Endpoint) -> Endpoint | None:
        """Where requests to `uri` go: to what it says. `source` is where its owner really was."""
        return endpoint_of(uri)

    # --- messages in --------------------------------------------------------------------

    def _new_transport(self) -> Transport:
        if self._habits.transport == "udp":
            return Datagrams(self, self.own)
        return Streams(
            self,
            self.own,
            self._rng,
            self._habits.segment,
            self._receive_sip,
            self._discard,
            lambda names, why, now: self._transactions.broken(names, why, now),
        )

    def _receive_sip(self, payload: bytes, source: Endpoint, now: float) -> None:
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

    # --- making a call ------------------------------------------------------------------

    def _dial(self, me: str, peer: str, uri: str, hop: Endpoint, to: str, now: float) -> None:
        """Send an INVITE for `me` to `uri`, whose owner people call `peer`."""
        stream = self._audio.open()
        local = f'"{me.title()}" <sip:{me}@{self.domain}>;tag={self.token()}'
        call_id = self.call_id()
        invite = self.new_request("INVITE", uri, local, to, call_id, 1)
        invite.headers += [("Contact", self.contact(me)), ("Content-Type", "application/sdp")]
        invite.body = sdp(me, stream.local, self._rng.getrandbits(30))
        call = Call(call_id, me, peer, local, to, uri, hop, invite, self.own, stream, Phase.CALLING)
        self._calls[call_id] = call
        self.report(What.CALL_TRIED, me, peer)
        self._transactions.request(
            invite, hop, now, partial(self._progress, call), partial(self._unanswered, call)
        )

    @property
    def domain(self) -> str:
        """The host part of one's own address of record."""
        return address_text(self.address)

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

    def token(self) -> str:
        return f"{self._rng.getrandbits(32):08x}"

    def call_id(self) -> str:
        """As many phones write it: something random, and the host that made it up."""
        return f"{self.token()}-{self.token()}@{address_text(self.address)}"

    def contact(self, user: str) -> str:
        """Where requests for `user` are to be sent."""
        return f"<sip:{user}@{self.own}{self._transport.uri_parameters}>"

    def _progress(self, call: Call, response: SipMessage, now: float) -> None:
        """An answer to our INVITE."""
        if call.phase is Phase.ENDED:
            return
        if response.status < 200:
            call.phase = Phase.RINGING
        elif response.status < 300:
            self._picked_up(call, response, now)
        else:
            self._end(call)
            self.report(What.CALL_REJECTED, call.me, call.peer, status_of(response))

    def _picked_up(self, call: Call, response: SipMessage, now: float) -> None:
        call.remote = response.get("to")
        call.target = uri_of(response.get("contact")) or call.target
        call.hop = self.hop_for(call.me, call.peer, response, call.target, call.hop) or call.hop
        self._audio.aim(call.me, call.stream, response)
        call.ack = self._in_dialog(call, "ACK", call.invite.cseq).write()
        self._transport.send(call.hop, call.ack)
        self.report(What.CALL_ANSWERED, call.me, call.peer)
        self._audio.start_talking(call, now)

    def _answered_again(self, response: SipMessage, now: float) -> Problem | None:
        call = self._calls.get(response.get("call-id"))
        if call is None or not call.ack:
            return Problem("it answers no call of ours", "call-id", "RFC 3261 13.2.2.4")
        self._transport.send(call.hop, call.ack)
        return None

    def hop_for(
        self, me: str, peer: str, message: SipMessage, target: str, source: Endpoint
    ) -> Endpoint | None:
        """Where requests for the one whose Contact is `target` go."""
        hop = self.hop(target, source)
        if hop is not None:
            ground = Ground(message.wire, "contact" if hop == endpoint_of(target) else "", TARGET)
            self.learn(me, f"sends requests for {peer} to", hop, ground)
        return hop

    def _unanswered(self, call: Call, why: str, now: float) -> None:
        self._end(call)
        detail = why or f"no answer to INVITE from {call.hop} in {GIVE_UP:.0f} s"
        self.report(What.CALL_UNREACHABLE, call.me, call.peer, detail)

    # --- taking a call ------------------------------------------------------------------

    def _invited(self, request: SipMessage, source: Endpoint, now: float) -> None:
        if parameter_of(request.get("to"), "tag"):
            self._invited_again(request, source)
            return
        if not self.accepts(request.request_uri):
            self._refuse(request, 404, source, NOBODY_HERE)
            return
        me, peer = user_of(request.request_uri), user_of(request.get("from"))
        target = uri_of(request.get("contact"))
        hop = self.hop_for(me, peer, request, target, source)
        if hop is None:
            self._refuse(request, 400, source, NO_CONTACT)
            return
        if media_endpoint(request.body) is None:
            self._refuse(request, 488, source, NO_AUDIO_OFFERED)
            return
        stream = self._audio.open()
        self._audio.aim(me, stream, request)
        local = f"{request.get('to')};tag={self.token()}"
        remote = request.get("from")
        call_id = request.get("call-id")
        call = Call(
            call_id, me, peer, local, remote, target, hop, request, source, stream, Phase.RINGING
        )
        self._calls[call_id] = call
        self.report(What.CALL_REACHED, me, peer)
        self._answer(request, 100, source)
        self._call_response(call, 180)
        answer_after = self._habits.answer_after
        if answer_after is not None:
            call.answering = self.timers.at(now + answer_after, partial(self._pick_up, call))

    def _call_response(self, call: Call, status: int, body: bytes = b"") -> None:
        """A response to the INVITE of `call` that belongs to the dialog: with our tag in To."""
        response = respond(call.invite, status, call.source, call.tag)
        response.headers += [("Contact", self.contact(call.me))]
        if body:
            response.headers.append(("Content-Type", "application/sdp"))
            response.body = body
        self._transactions.answer(call.invite, response, self.reply_to(call.invite, call.source))

    def _pick_up(self, call: Call, now: float) -> None:
        answer = sdp(call.me, call.stream.local, self._rng.getrandbits(30))
        self._call_response(call, 200, answer)
        self._audio.start_talking(call, now)
        self._await_ack(call, T1, now + GIVE_UP, now)

    def _await_ack(self, call: Call, interval: float, until: float, now: float) -> None:
        """RFC 3261 13.3.1.4: the 2xx is repeated until the ACK comes, over TCP too, because there
        may be proxies on the way; without one, after 64 T1 the call is ended."""
        call.answering = self.timers.at(
            now + interval, lambda at: self._unacknowledged(call, interval, until, at)
        )

    def _unacknowledged(self, call: Call, interval: float, until: float, now: float) -> None:
        if now >= until:
            self.report(What.CALL_DROPPED, call.me, call.peer, "nobody acknowledged the answer")
            self._send_bye(call, now)
            return
        self._transactions.repeated(call.invite)
        self._await_ack(call, min(2 * interval, T2), until, now)

    def _acknowledged(self, request: SipMessage, source: Endpoint, now: float) -> None:
        call = self._dialog(request)
        if call is not None and call.answering is not None and call.phase is Phase.TALKING:
            call.answering.cancel()

    def _invited_again(self, request: SipMessage, source: Endpoint) -> None:
        """A re-INVITE: the other side moves its audio."""
        call = self._dialog(request)
        if call is None or call.phase is not Phase.TALKING:
            self._refuse(request, 481, source, NO_SUCH_CALL)
            return
        self._audio.aim(call.me, call.stream, request)
        answer = sdp(call.me, call.stream.local, self._rng.getrandbits(30))
        headers = [("Contact", self.contact(call.me)), ("Content-Type", "application/sdp")]
        self._answer(request, 200, source, headers, answer)

    # --- ending a call ------------------------------------------------------------------

    def hang_up(self, now: float) -> None:
        """End whatever call there is."""
        for call in [call for call in self._calls.values() if call.phase is not Phase.ENDED]:
            if call.phase is Phase.TALKING:
                self.report(What.CALL_ENDED, call.me, call.peer, f"{call.me} hung up")
                self._send_bye(call, now)
            elif read_via(call.invite.get("via")).endpoint == self.own:
                self._cancel(call, now)

    def _cancel(self, call: Call, now: float) -> None:
        self._end(call)
        self.report(What.CALL_ENDED, call.me, call.peer, f"{call.me} hung up before the answer")
        self._transactions.mention(cancel(call.invite), call.hop, now)

    def _send_bye(self, call: Call, now: float) -> None:
        """Stop talking; go on listening until the other side has understood."""
        call.stop_timer()
        call.phase = Phase.ENDED
        call.cseq += 1
        bye = self._in_dialog(call, "BYE", call.cseq)
        self._transactions.request(
            bye, call.hop, now, lambda *answer: self._end(call), lambda *failure: self._end(call)
        )

    def _bye(self, request: SipMessage, source: Endpoint, now: float) -> None:
        call = self._dialog(request)
        if call is None:
            self._refuse(request, 481, source, NO_SUCH_CALL)
            return
        if call.phase is not Phase.ENDED:
            self.report(What.CALL_ENDED, call.me, call.peer, f"{call.peer} hung up")
            self._end(call)
        self._answer(request, 200, source)

    def _cancelled(self, request: SipMessage, source: Endpoint, now: float) -> None:
        call = self._calls.get(request.get("call-id"))
        if call is None or call.phase is not Phase.RINGING:
            self._refuse(request, 481, source, NO_SUCH_CALL)
            return
        self._answer(request, 200, source)
        self._call_response(call, 487)
        self._end(call)
        self.report(What.CALL_ENDED, call.me, call.peer, f"{call.peer} gave up")

    def _dialog(self, request: SipMessage) -> Call | None:
        call = self._calls.get(request.get("call-id"))
        return call if call is not None and call.is_meant_by(request) else None

    def _in_dialog(self, call: Call, method: str, cseq: int) -> SipMessage:
        return self.new_request(method, call.target, call.local, call.remote, call.call_id, cseq)

    def _end(self, call: Call) -> None:
        call.stop_timer()
        call.phase = Phase.ENDED
        self._audio.close(call.stream)
