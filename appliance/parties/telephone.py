"""What a phone and the phones behind a PBX have in common: they make calls, take calls and talk.

Audio goes to the address in the session description, and their own address stands in theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Annotated, ClassVar

from appliance.parties.agent import UserAgent
from appliance.parties.audio import Audio, AudioTraits
from appliance.parties.call import Call, Phase
from appliance.parties.description import MIRRORED, media_endpoint, read, why_nowhere
from appliance.parties.party import Datagram, Order, What
from appliance.parties.rtp import Stream
from appliance.parties.sipua import (
    NO_CONTACT,
    NO_SUCH_CALL,
    NO_SUCH_INVITE,
    NOBODY_HERE,
    Problem,
    SipMessage,
    parameter_of,
    read_via,
    respond,
    route_set,
    status_of,
    uri_of,
    user_of,
)
from appliance.parties.traits import about
from appliance.parties.transactions import GIVE_UP, T1, T2, cancel
from nat.endpoint import Endpoint

NOBODY_ACKNOWLEDGED = "nobody acknowledged the answer"


class TelephoneTraits(AudioTraits, kw_only=True):
    """Of everybody who telephones."""

    answer_after: Annotated[
        float | None,
        about("Seconds until somebody picks up; none: nobody does (RFC 3261 13.3.1.1)."),
    ] = 2.0
    lines: Annotated[
        int,
        about(
            "How many calls it has room for; one more is answered 486 (RFC 3261 21.4.21). 0: any "
            "number."
        ),
    ] = 0
    forwards_to: Annotated[
        str,
        about("The URI at which its calls are taken: it answers them by 302 (RFC 3261 21.3.3)."),
    ] = ""
    early_media: Annotated[
        bool,
        about(
            "While it rings, answer 183 with a description, and play a tone to the caller (early "
            "media, RFC 3960 3)."
        ),
    ] = False
    talks_early: Annotated[
        bool,
        about(
            "Send audio as soon as it is known where to, also before somebody has picked up (RFC "
            "3960 3.1 leaves it to the phone)."
        ),
    ] = False
    late_offer: Annotated[
        bool,
        about(
            "Call without a description: the other side describes its audio first, in the 200, and "
            "the answer stands in the ACK (RFC 3261 13.2.1)."
        ),
    ] = False

    def check(self) -> None:
        super().check()
        if self.late_offer and self.ice != "no":
            raise ValueError("ice: candidates stand in the INVITE; not with late_offer")


class Telephone(UserAgent):
    """A SIP user agent that calls and is called."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        "call": Order("call somebody", lambda one, whom, now: one.call(whom, now), "whom"),
        "talk": Order("say something again", lambda one, _, now: one.talk(now)),
        "hang-up": Order("end whatever call there is", lambda one, _, now: one.hang_up(now)),
    }

    def __init__(self, name: str, traits: TelephoneTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._answer_after = traits.answer_after
        self._traits = traits
        self._forwards_to = traits.forwards_to
        self._calls: dict[str, Call] = {}
        self._audio = Audio(self, name, rng, traits, self._ports, self._hears_nothing)
        self._methods |= {
            "INVITE": self._invited,
            "ACK": self._acknowledged,
            "BYE": self._bye,
            "CANCEL": self._cancelled,
        }

    def hear_audio(self, datagram: Datagram, now: float) -> bool:
        return self._audio.hear(datagram, now)

    # --- what a kind of telephone decides for itself ------------------------------------

    def call(self, whom: str, now: float) -> None:
        """Start a call to the user `whom`."""
        raise NotImplementedError

    def accepts(self, uri: str) -> bool:
        """Is a request to this URI for somebody here?"""
        raise NotImplementedError

    @property
    def media_address(self) -> int:
        """Where it listens for the audio of a new call."""
        return self.address

    def stays_on_the_way(self) -> Sequence[tuple[str, str]]:
        """Record-Route, if further requests are to come by way of another host."""
        return ()

    def moved(self, call: Call, response: SipMessage, now: float) -> bool:
        """Whoever was called is somewhere else (3xx). True when it is tried there."""
        return False

    def began_to_talk(self, call: Call, now: float) -> None:
        """A call was answered."""

    def find_out(self, stream: Stream, go_on: Callable[[float], None], now: float) -> None:
        """Before a stream is described: what is it outside? Most telephones do not ask."""
        go_on(now)

    # --- making a call ------------------------------------------------------------------

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
        """Send an INVITE for `me` to `uri`, whose owner people call `peer`."""
        stream = self._audio.open(self.media_address)
        self.find_out(
            stream, lambda at: self._invite(me, peer, uri, hop, to, stream, headers, at), now
        )

    def _invite(
        self,
        me: str,
        peer: str,
        uri: str,
        hop: Endpoint,
        to: str,
        stream: Stream,
        headers: Sequence[tuple[str, str]],
        now: float,
    ) -> None:
        local = f'"{me.title()}" <sip:{me}@{self.home}>;tag={self.token()}'
        call_id = self.call_id()
        invite = self.new_request("INVITE", uri, local, to, call_id, 1)
        invite.headers += [("Contact", self.contact(me)), *headers]
        if not self._traits.late_offer:
            invite.headers.append(("Content-Type", "application/sdp"))
            invite.body = self._audio.describe(me, stream)
        call = Call(call_id, me, peer, local, to, uri, hop, invite, self.own, stream, Phase.CALLING)
        self._calls[call_id] = call
        self.report(What.CALL_TRIED, me, peer, stream=stream)
        self._transactions.request(
            invite, hop, now, partial(self._progress, call), partial(self._unanswered, call)
        )

    def _progress(self, call: Call, response: SipMessage, now: float) -> None:
        """An answer to our INVITE."""
        if call.phase is Phase.ENDED:
            self._too_late(call, response, now)
        elif response.status < 200:
            call.phase = Phase.RINGING
            self._hear_ringing(call, response, now)
        elif response.status < 300:
            self._picked_up(call, response, now)
        elif response.status >= 400 or not self.moved(call, response, now):
            self._end(call)
            self.report(What.CALL_REJECTED, call.me, call.peer, status_of(response))

    def _too_late(self, call: Call, response: SipMessage, now: float) -> None:
        """We have hung up meanwhile. RFC 3261 9.1: CANCEL waits for a provisional answer; whoever
        has picked up before it came hears BYE (15)."""
        if not call.waits_to_cancel:
            return
        call.waits_to_cancel = False
        if response.status < 200:
            self._transactions.mention(cancel(call.invite), call.hop, now)
        elif response.status < 300:
            self._acknowledge(call, response)
            self._send_bye(call, now)

    def _hear_ringing(self, call: Call, response: SipMessage, now: float) -> None:
        """RFC 3960 3: what describes audio lets it be heard before somebody picks up."""
        if not response.body:
            return
        self._audio.aim(call.me, call.stream, response)
        if self._traits.talks_early:
            self._audio.talk(call, now)

    def _acknowledge(self, call: Call, response: SipMessage) -> None:
        """RFC 3261 13.2.2.4: where the dialog goes stands in the answer, and the ACK goes there."""
        call.remote = response.get("to")
        call.target = uri_of(response.get("contact")) or call.target
        call.route = route_set(response)
        call.hop = self.hop_for(call.me, call.peer, response, call.target, call.hop) or call.hop
        if call.phase is not Phase.ENDED:
            self._audio.aim(call.me, call.stream, response)
        ack = self._in_dialog(call, "ACK", call.invite.cseq)
        if not call.invite.body:
            ack.headers.append(("Content-Type", "application/sdp"))
            ack.body = self._audio.describe(call.me, call.stream)
        call.ack = ack.write()
        self._transport.send(call.hop, call.ack)

    def _picked_up(self, call: Call, response: SipMessage, now: float) -> None:
        self._acknowledge(call, response)
        self.report(What.CALL_ANSWERED, call.me, call.peer)
        self._audio.start_talking(call, now)
        self.began_to_talk(call, now)

    def answered_again(self, response: SipMessage, now: float) -> Problem | None:
        call = self._calls.get(response.get("call-id"))
        if call is None or not call.ack:
            return Problem("it answers no call of ours", "call-id", "RFC 3261 13.2.2.4")
        self._transport.send(call.hop, call.ack)
        return None

    def _unanswered(self, call: Call, why: str, now: float) -> None:
        self._end(call)
        detail = why or f"no answer to INVITE from {call.hop} in {GIVE_UP:.0f} s"
        self.report(What.CALL_UNREACHABLE, call.me, call.peer, detail)

    # --- taking a call ------------------------------------------------------------------

    def _invited(self, request: SipMessage, source: Endpoint, now: float) -> None:
        if parameter_of(request.get("to"), "tag"):
            self._invited_again(request, source, now)
            return
        if self._is_turned_away(request, source):
            return
        me, peer = user_of(request.request_uri), user_of(request.get("from"))
        target = uri_of(request.get("contact"))
        hop = self.hop_for(me, peer, request, target, source)
        if hop is None:
            self._refuse(request, 400, source, NO_CONTACT)
            return
        if request.body and media_endpoint(request.body) is None:
            self._refuse(request, 488, source, why_nowhere(request.body))
            return
        if self._forwards_to:
            self._answer(request, 302, source, [("Contact", f"<{self._forwards_to}>")])
            return
        stream = self._audio.open(self.media_address)
        if request.body:
            self._audio.aim(me, stream, request)
        local = f"{request.get('to')};tag={self.token()}"
        remote = request.get("from")
        call_id = request.get("call-id")
        call = Call(
            call_id, me, peer, local, remote, target, hop, request, source, stream, Phase.RINGING
        )
        call.route = route_set(request)
        self._calls[call_id] = call
        self.find_out(stream, lambda at: None, now)
        self.report(What.CALL_REACHED, me, peer)
        self._answer(request, 100, source)
        self._ring(call, now)
        if self._answer_after is not None:
            ringing = now + self._answer_after
            call.answering = self.timers.at(ringing, partial(self._pick_up, call))

    def _is_turned_away(self, request: SipMessage, source: Endpoint) -> bool:
        """Is it a call for somebody else, or is there no line for it?"""
        lines, taken = self._traits.lines, self._on_the_line()
        if not self.accepts(request.request_uri):
            self._refuse(request, 404, source, NOBODY_HERE)
        elif lines and len(taken) >= lines:
            busy = Problem(f"{taken[0].peer} is on the line", "", "RFC 3261 21.4.21")
            self._refuse(request, 486, source, busy)
        else:
            return False
        return True

    def _on_the_line(self) -> list[Call]:
        return [call for call in self._calls.values() if call.phase is not Phase.ENDED]

    def _ring(self, call: Call, now: float) -> None:
        if not self._traits.early_media:
            self._call_response(call, 180)
            return
        self._call_response(call, 183, self._audio.describe(call.me, call.stream))
        self.report(What.RINGING_ALOUD, call.me, call.peer, stream=call.stream)
        self._audio.talk(call, now)

    def _call_response(self, call: Call, status: int, body: bytes = b"") -> None:
        """A response to the INVITE of `call` that belongs to the dialog: with our tag in To."""
        response = respond(call.invite, status, call.source, call.tag)
        response.headers += [("Contact", self.contact(call.me)), *self.stays_on_the_way()]
        if body:
            response.headers.append(("Content-Type", "application/sdp"))
            response.body = body
        self._transactions.answer(call.invite, response, self.reply_to(call.invite, call.source))

    def _pick_up(self, call: Call, now: float) -> None:
        answer = self._audio.describe(call.me, call.stream)
        self._call_response(call, 200, answer)
        self._audio.start_talking(call, now)
        self.began_to_talk(call, now)
        self._await_ack(call, T1, now + GIVE_UP, now)

    def _await_ack(self, call: Call, interval: float, until: float, now: float) -> None:
        """RFC 3261 13.3.1.4: the 2xx is repeated until the ACK comes, over TCP too, because there
        may be proxies on the way; without one, after 64 T1 the call is ended."""
        call.answering = self.timers.at(
            min(now + interval, until), lambda at: self._unacknowledged(call, interval, until, at)
        )

    def _unacknowledged(self, call: Call, interval: float, until: float, now: float) -> None:
        if now >= until:
            self.report(What.CALL_DROPPED, call.me, call.peer, NOBODY_ACKNOWLEDGED)
            self._send_bye(call, now)
            return
        self._transactions.repeated(call.invite)
        self._await_ack(call, min(2 * interval, T2), until, now)

    def _acknowledged(self, request: SipMessage, source: Endpoint, now: float) -> None:
        call = self._dialog(request)
        if call is not None and call.answering is not None and call.phase is Phase.TALKING:
            call.answering.cancel()
            if request.body and not call.invite.body:
                self._audio.aim(call.me, call.stream, request)

    def _invited_again(self, request: SipMessage, source: Endpoint, now: float) -> None:
        """A re-INVITE: the other side moves its audio, or holds."""
        call = self._dialog(request)
        if call is None or call.phase is not Phase.TALKING:
            self._refuse(request, 481, source, NO_SUCH_CALL)
            return
        self._agree(call, request, source, now)

    def _agree(self, call: Call, request: SipMessage, source: Endpoint, now: float) -> None:
        """To whatever the other side wants (RFC 3264 6.1)."""
        direction = MIRRORED[read(request.body).direction]
        self._audio.aim(call.me, call.stream, request, direction)
        answer = self._audio.describe(call.me, call.stream, direction)
        self._audio.talk(call, now)
        headers = [("Contact", self.contact(call.me)), ("Content-Type", "application/sdp")]
        self._answer(request, 200, source, headers, answer)

    # --- ending a call ------------------------------------------------------------------

    def talk(self, now: float) -> None:
        """After a silence, in whatever call there is."""
        for call in self._calls.values():
            if call.phase is Phase.TALKING:
                self._audio.talk(call, now)

    def hang_up(self, now: float) -> None:
        """End whatever call there is."""
        for call in self._on_the_line():
            if call.phase is Phase.TALKING:
                self.report(What.CALL_ENDED, call.me, call.peer, f"{call.me} hung up")
                self._send_bye(call, now)
            elif call.source == self.own:
                self._cancel(call, now)

    def _cancel(self, call: Call, now: float) -> None:
        call.waits_to_cancel = call.phase is Phase.CALLING
        self._end(call)
        self.report(What.CALL_ENDED, call.me, call.peer, f"{call.me} hung up before the answer")
        if not call.waits_to_cancel:
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

    def _hears_nothing(self, call: Call, why: str, now: float) -> None:
        self.report(What.CALL_DROPPED, call.me, call.peer, why)
        self._send_bye(call, now)

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
        if (
            call is None
            or call.phase is not Phase.RINGING
            or _branch(call.invite) != _branch(request)
        ):
            self._refuse(request, 481, source, NO_SUCH_INVITE)
            return
        self._answer(request, 200, source)
        self._call_response(call, 487)
        self._end(call)
        self.report(What.CALL_ENDED, call.me, call.peer, f"{call.peer} gave up")

    def _dialog(self, request: SipMessage) -> Call | None:
        call = self._calls.get(request.get("call-id"))
        return call if call is not None and call.is_meant_by(request) else None

    def _in_dialog(self, call: Call, method: str, cseq: int) -> SipMessage:
        request = self.new_request(method, call.target, call.local, call.remote, call.call_id, cseq)
        request.headers += [("Route", proxy) for proxy in call.route]
        return request

    def _end(self, call: Call) -> None:
        call.stop_timer()
        call.phase = Phase.ENDED
        self._audio.close(call.stream)


def _branch(request: SipMessage) -> str:
    """By which a CANCEL names its INVITE (RFC 3261 9.2)."""
    return read_via(request.get("via")).branch
