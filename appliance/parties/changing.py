"""A call that is changed while it goes on: hold, resume, and audio that moves (RFC 3261 14).

Whoever wants a change describes its audio anew, by a re-INVITE or by UPDATE (RFC 3311), and the
other side answers with its own description. Hold is such a change: "I send, and want nothing"
(RFC 3264 8.4), or, as old phones have it, "send to 0.0.0.0".

    alice ──INVITE, a=sendonly──► bob    he is to hear her music, and to send nothing
    alice ◄──200, a=recvonly───── bob
    alice ──INVITE, a=sendrecv──► bob    and now they talk again
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Annotated, ClassVar, Literal, NamedTuple

from appliance.parties.call import Call, Phase
from appliance.parties.description import INACTIVE, SENDONLY, SENDRECV
from appliance.parties.party import Order, What
from appliance.parties.sipua import NO_SUCH_CALL, SipMessage, status_of
from appliance.parties.telephone import Telephone, TelephoneTraits
from appliance.parties.traits import about
from appliance.parties.transactions import GIVE_UP
from nat.endpoint import Endpoint


class ChangingTraits(TelephoneTraits, kw_only=True):
    """Of everybody who holds and resumes calls."""

    hold_by: Annotated[
        Literal["sendonly", "inactive", "zero"],
        about(
            "How it says that a call is on hold: a=sendonly with music, a=inactive, or c=0.0.0.0 "
            "(RFC 3264 8.4)."
        ),
    ] = "sendonly"
    changes_by: Annotated[
        Literal["invite", "update"],
        about("What it changes calls by: a re-INVITE (RFC 3261 14) or UPDATE (RFC 3311)."),
    ] = "invite"


class Wish(NamedTuple):
    """A change that is asked for, and what people call it when it has come."""

    direction: str
    what: What
    detail: str = ""
    to_zero: bool = False
    moved_to: Endpoint | None = None
    fax: bool = False


RESUME = Wish(SENDRECV, What.RESUMED)
HOLD = {
    "sendonly": Wish(SENDONLY, What.HELD, "with music"),
    "inactive": Wish(INACTIVE, What.HELD),
    "zero": Wish(INACTIVE, What.HELD, to_zero=True),
}


class ChangingTelephone(Telephone):
    """A telephone that can hold and resume."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        **Telephone.ORDERS,
        "hold": Order("put whatever call there is on hold", lambda one, _, now: one.hold(now)),
        "fax": Order(
            "change whatever call there is to a fax, at another port",
            lambda one, _, now: one.fax(now),
        ),
        "resume": Order("go on talking after a hold", lambda one, _, now: one.resume(now)),
    }

    def __init__(self, name: str, traits: ChangingTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._hold = HOLD[traits.hold_by]
        self._changes_by = traits.changes_by.upper()
        self._methods["UPDATE"] = self._updated

    def hold(self, now: float) -> None:
        for call in self._talking():
            self._change(call, self._hold, now)

    def resume(self, now: float) -> None:
        for call in self._talking():
            self._change(call, RESUME, now)

    def fax(self, now: float) -> None:
        """ITU-T T.38 D.2.2: a re-INVITE with an image where there was audio."""
        for call in self._talking():
            there = self._audio.listen_too(call.stream, call.stream.local.address)
            self._change(call, Wish(SENDRECV, What.FAXING, moved_to=there, fax=True), now)

    def _talking(self) -> list[Call]:
        return [call for call in self._calls.values() if call.phase is Phase.TALKING]

    # --- asking -------------------------------------------------------------------------

    def _change(self, call: Call, wish: Wish, now: float) -> None:
        call.cseq += 1
        request = self._in_dialog(call, self._changes_by, call.cseq)
        request.headers += [
            ("Contact", self.contact(call.me)),
            ("Content-Type", "application/sdp"),
        ]
        request.body = self._audio.describe(
            call.me, call.stream, wish.direction, wish.to_zero, wish.moved_to, wish.fax
        )
        on_answer: Callable[[SipMessage, float], None] = partial(self._changed, call, request, wish)
        self._transactions.request(
            request, call.hop, now, on_answer, partial(self._not_changed, call)
        )

    def _changed(
        self, call: Call, request: SipMessage, wish: Wish, response: SipMessage, now: float
    ) -> None:
        if response.status < 200 or call.phase is Phase.ENDED:
            return
        if response.status >= 300:
            self._change_refused(call, wish, response, now)
            return
        if request.method == "INVITE":
            call.ack = self._in_dialog(call, "ACK", request.cseq).write()
            self._transport.send(call.hop, call.ack)
        call.stream.local = wish.moved_to or call.stream.local
        self._audio.aim(call.me, call.stream, response, wish.direction)
        self.report(wish.what, call.me, call.peer, wish.detail)
        self._audio.talk(call, now)

    def _change_refused(self, call: Call, wish: Wish, response: SipMessage, now: float) -> None:
        """The call goes on as it was, unless the other side knows of none (RFC 3261 12.2.1.2)."""
        if response.status in (408, 481):
            self._not_changed(call, status_of(response), now)
        else:
            detail = f"{wish.what.value}: {status_of(response)}"
            self.report(What.CHANGE_REFUSED, call.me, call.peer, detail)

    def _not_changed(self, call: Call, why: str, now: float) -> None:
        """RFC 3261 14.1: without an answer the call is over."""
        if call.phase is not Phase.ENDED:
            method = self._changes_by
            detail = why or f"no answer to the {method} that changes the call in {GIVE_UP:.0f} s"
            self.report(What.CALL_DROPPED, call.me, call.peer, detail)
            self._send_bye(call, now)

    # --- being asked ----------------------------------------------------------------------

    def _updated(self, request: SipMessage, source: Endpoint, now: float) -> None:
        call = self._dialog(request)
        if call is None or call.phase is Phase.ENDED:
            self._refuse(request, 481, source, NO_SUCH_CALL)
        else:
            self._agree(call, request, source, now)
