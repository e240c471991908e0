"""SIP transactions: say it again until there is an answer (RFC 3261 17).

A client transaction repeats its request, the server side repeats its last response when a request
comes again. Both end after 64 T1. Everything above this file may think that messages arrive or
that it hears about it when they do not.

Over TCP a request is said once, because TCP itself repeats what is lost; and a connection that
breaks ends what was asked on it (17.1.4).
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from appliance.parties.machine import Machine, Timer
from appliance.parties.signalling import Transport
from appliance.parties.sipua import Problem, SipMessage, UnreadableError, read_via
from nat.endpoint import Endpoint

T1 = 0.5  # seconds; an estimate of the round trip (RFC 3261 17.1.1.1)
T2 = 4.0  # seconds; the longest interval between repetitions
GIVE_UP = 64 * T1  # timers B, D, F, H and J

NOT_OUR_VIA = Problem("the top Via is not the one that was sent", "via", "RFC 3261 18.1.2")
NOT_OUR_CALL_ID = Problem("the Call-ID is not the one that was sent", "call-id", "RFC 3261 8.2.6.2")
NOT_OUR_BRANCH = Problem("nothing was asked in that branch", "via", "RFC 3261 17.1.3")

OnResponse = Callable[[SipMessage, float], None]
OnFailure = Callable[[str, float], None]  # why it cannot be answered; "": nobody does in time
OnRepeated = Callable[[SipMessage, float], Problem | None]  # answers why it is not welcome


@dataclass(slots=True)
class Client:
    """A request on its way. `resend` and `give_up` are running timers; what is reliable needs no
    `resend`."""

    request: SipMessage
    destination: Endpoint
    on_response: OnResponse
    on_failure: OnFailure
    interval: float
    resend: Timer | None
    give_up: Timer
    ack: bytes = b""  # to a final answer other than 2xx; sent again whenever that comes again


class Transactions:
    """All transactions of one user agent, whose messages `transport` carries.

    A `strict` one takes only answers that repeat what it wrote: its sent-by in Via (RFC 3261
    18.1.2) and its Call-ID (8.2.6.2). Otherwise the branch alone says what is answered (17.1.3).
    """

    def __init__(
        self,
        machine: Machine,
        transport: Transport,
        on_repeated_answer: OnRepeated,
        strict: bool = True,
    ) -> None:
        self._machine = machine
        self._transport = transport
        self._on_repeated_answer = on_repeated_answer
        self._strict = strict
        self._clients: dict[tuple[str, str], Client] = {}
        self._answers: dict[tuple[str, str, str], tuple[Endpoint, bytes]] = {}

    # --- asking -----------------------------------------------------------------------

    def request(
        self,
        request: SipMessage,
        destination: Endpoint,
        now: float,
        on_response: OnResponse,
        on_failure: OnFailure,
    ) -> None:
        """Send a request and repeat it until an answer comes, 32 seconds at most."""
        key = (read_via(request.get("via")).branch, request.method)
        timers = self._machine.timers
        resend = None
        if not self._transport.is_reliable:
            resend = timers.at(now + T1, lambda at: self._resend(key, at))
        self._clients[key] = Client(
            request,
            destination,
            on_response,
            on_failure,
            T1,
            resend,
            timers.at(now + GIVE_UP, lambda at: self._give_up(key, at)),
        )
        self._transport.send(destination, request.write())

    def mention(self, request: SipMessage, destination: Endpoint, now: float) -> None:
        """A request like any other, whose answer makes no difference."""
        self.request(request, destination, now, lambda *answer: None, lambda *failure: None)

    def _resend(self, key: tuple[str, str], now: float) -> None:
        client = self._clients[key]
        client.interval *= 2
        if client.request.method != "INVITE":  # timer E stops growing, timer A does not
            client.interval = min(client.interval, T2)
        client.resend = self._machine.timers.at(
            now + client.interval, lambda at: self._resend(key, at)
        )
        self._transport.send(client.destination, client.request.write())

    def _give_up(self, key: tuple[str, str], now: float) -> None:
        client = self._end(key)
        if not client.ack:
            client.on_failure("", now)

    def broken(self, names: Set[Endpoint], why: str, now: float) -> None:
        """The connection to a peer with these names is no more."""
        for key, client in list(self._clients.items()):
            if client.destination in names:
                self._end(key)
                client.on_failure(why, now)

    def _end(self, key: tuple[str, str]) -> Client:
        client = self._clients.pop(key)
        _stop(client.resend)
        client.give_up.cancel()
        return client

    def response(self, response: SipMessage, now: float) -> Problem | None:
        """Hand a response to its request. Answers why not.

        RFC 3261 18.1.2: a response whose top Via is not one's own is discarded in silence. This
        is where a phone stops understanding an ALG that does not restore what it changed.
        """
        try:
            via = read_via(response.get("via"))
        except UnreadableError as error:
            return error.problem
        key = (via.branch, response.method)
        client = self._clients.get(key)
        if self._strict and via.endpoint != self._wrote(client):
            return NOT_OUR_VIA
        if client is None:
            return self._stray(response, now)
        if self._strict and response.get("call-id") != client.request.get("call-id"):
            return NOT_OUR_CALL_ID
        if client.ack:
            self._transport.send(client.destination, client.ack)
            return None
        self._answered(key, client, response, now)
        client.on_response(response, now)
        return None

    def _wrote(self, client: Client | None) -> Endpoint | None:
        """What stood in the Via of a request: a phone that learns what it is outside (STUN) may
        write something else by now."""
        if client is None:
            return self._transport.sent_by
        return read_via(client.request.get("via")).endpoint

    def _stray(self, response: SipMessage, now: float) -> Problem | None:
        """A 2xx to an INVITE ends its transaction and still comes again until somebody
        acknowledges it: that is the caller's business (RFC 3261 13.2.2.4)."""
        if response.method == "INVITE" and response.status // 100 == 2:
            return self._on_repeated_answer(response, now)
        return NOT_OUR_BRANCH

    def _answered(
        self, key: tuple[str, str], client: Client, response: SipMessage, now: float
    ) -> None:
        invite = client.request.method == "INVITE"
        if response.status >= 200 and not (invite and response.status >= 300):
            self._end(key)
        elif invite:
            _stop(client.resend)
            client.give_up.cancel()
            if response.status >= 300:
                self._acknowledge(key, client, response, now)

    def _acknowledge(
        self, key: tuple[str, str], client: Client, response: SipMessage, now: float
    ) -> None:
        """RFC 3261 17.1.1.3: the transaction itself acknowledges a refusal, and waits for
        repetitions of it (timer D); over a reliable transport there are none."""
        client.ack = acknowledge(client.request, response).write()
        client.give_up = self._machine.timers.at(now + GIVE_UP, lambda at: self._give_up(key, at))
        self._transport.send(client.destination, client.ack)
        if self._transport.is_reliable:
            self._end(key)

    # --- answering --------------------------------------------------------------------

    def repeated(self, request: SipMessage) -> bool:
        """Was this request here before? Then its last answer goes out again, if it has one."""
        key = server_key(request)
        if key not in self._answers:
            return False
        destination, response = self._answers[key]
        if response:
            self._transport.send(destination, response)
        return True

    def accept(self, request: SipMessage, now: float) -> None:
        """Remember that this request is being worked on, so that repetitions are known as such."""
        key = server_key(request)
        self._answers[key] = (self._transport.own, b"")
        self._machine.timers.at(now + 2 * GIVE_UP, lambda at: self._forget(key))

    def answer(self, request: SipMessage, response: SipMessage, destination: Endpoint) -> None:
        """Send a response; it is what a repetition of the request will get from now on."""
        written = response.write()
        self._answers[server_key(request)] = (destination, written)
        self._transport.send(destination, written)

    def _forget(self, key: tuple[str, str, str]) -> None:
        self._answers.pop(key, None)


def _stop(timer: Timer | None) -> None:
    if timer is not None:
        timer.cancel()


def server_key(request: SipMessage) -> tuple[str, str, str]:
    """What makes two requests the same (RFC 3261 17.2.3)."""
    via = read_via(request.get("via"))
    return via.branch, via.sent_by, request.method


def acknowledge(invite: SipMessage, response: SipMessage) -> SipMessage:
    """The ACK to a refusal, in the INVITE's own branch (RFC 3261 17.1.1.3)."""
    return SipMessage(
        f"ACK {invite.request_uri} SIP/2.0",
        [
            ("Via", invite.get("via")),
            ("From", invite.get("from")),
            ("To", response.get("to")),
            ("Call-ID", invite.get("call-id")),
            ("CSeq", f"{invite.cseq} ACK"),
            ("Max-Forwards", "70"),
        ],
    )


def cancel(invite: SipMessage) -> SipMessage:
    """RFC 3261 9.1: a CANCEL is the INVITE over again, down to the branch."""
    kept = ("Via", "From", "To", "Call-ID", "Max-Forwards")
    headers = [(name, value) for name, value in invite.headers if name in kept]
    headers.append(("CSeq", f"{invite.cseq} CANCEL"))
    return SipMessage(f"CANCEL {invite.request_uri} SIP/2.0", headers)
