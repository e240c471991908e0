"""Transfers: somebody with two calls connects the other two (RFC 3515, RFC 3891, RFC 5589).

    alice ◄══ call 1 ══► bob
    alice ◄══ call 2 ══► dave
    alice ──REFER, Refer-To: <sip:dave@…?Replaces=call 2>──► bob     in call 1: "ask for dave, and
    alice ◄──NOTIFY: 200 OK────────────────────────────────── bob     say that you take my place"

Replaces names a call by its Call-ID and tags, as whoever wrote it knows them. It helps nobody if
somebody in between has told the other side another name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import ClassVar
from urllib.parse import quote, unquote

from appliance.parties.call import Call, Phase
from appliance.parties.changing import ChangingTelephone, ChangingTraits
from appliance.parties.party import Order, What
from appliance.parties.sipua import (
    NO_SUCH_CALL,
    Problem,
    SipMessage,
    parameter_of,
    status_of,
    uri_of,
)
from appliance.parties.transactions import GIVE_UP
from nat.endpoint import Endpoint

NAMES_NO_CALL = Problem("Replaces names no call that is known here", "replaces", "RFC 3891 3")
NOBODY_TO_REFER_TO = Problem("it refers to nobody here", "refer-to", "RFC 3515 2.4.2")
SIPFRAG = "message/sipfrag;version=2.0"


class TransferringTelephone(ChangingTelephone):
    """A telephone that connects others, and lets itself be connected."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        **ChangingTelephone.ORDERS,
        "transfer": Order(
            "connect whoever it talks to with somebody else",
            lambda one, whom, now: one.transfer(whom, now),
            "whom",
        ),
    }

    def __init__(self, name: str, traits: ChangingTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._wants = ""
        self._methods |= {"REFER": self._referred, "NOTIFY": self._notified}

    # --- asking for it --------------------------------------------------------------------

    def transfer(self, whom: str, now: float) -> None:
        """Connect the one in the first call with `whom`, who is in another call if they were asked
        before."""
        talking = self._talking()
        first = next((call for call in talking if call.peer != whom), None)
        if first is None:
            return
        asked = next((call for call in talking if call.peer == whom), None)
        first.cseq += 1
        refer = self._in_dialog(first, "REFER", first.cseq)
        uri = f"sip:{whom}@{self.domain}"
        if asked is not None:
            uri += f"?Replaces={quote(replaces(asked), safe='')}"
        refer.headers += [("Contact", self.contact(first.me)), ("Refer-To", f"<{uri}>")]
        self._wants = f"{first.me} wants to connect {first.peer} with {whom}"
        self._transactions.request(
            refer, first.hop, now, partial(self._taken, first), partial(self._not_taken, first)
        )

    def _taken(self, call: Call, response: SipMessage, now: float) -> None:
        if response.status >= 300:
            self._transfer_failed(call, status_of(response))

    def _not_taken(self, call: Call, why: str, now: float) -> None:
        detail = f"{self._wants}: {why or f'no answer to REFER in {GIVE_UP:.0f} s'}"
        self.report(What.TRANSFER_UNANSWERED, call.me, call.peer, detail)

    def _transfer_failed(self, call: Call, status: str) -> None:
        self.report(What.TRANSFER_REFUSED, call.me, call.peer, f"{self._wants}: {status}")

    def _notified(self, request: SipMessage, source: Endpoint, now: float) -> None:
        """RFC 3515 2.4.5: how far the other side has come, as the first line of an answer."""
        call = self._dialog(request)
        if call is None:
            self._refuse(request, 481, source, NO_SUCH_CALL)
            return
        self._answer(request, 200, source)
        words = request.body.decode("latin-1").split(" ")
        status = words[1] if len(words) > 1 and words[1].isdecimal() else ""
        if status[:1] == "2" and call.phase is Phase.TALKING:
            self.report(What.TRANSFERRED, call.me, call.peer)
            self._send_bye(call, now)
        elif status[:1] > "2":
            self._transfer_failed(call, " ".join(words[1:]).strip())

    # --- being asked for it -----------------------------------------------------------------

    def _referred(self, request: SipMessage, source: Endpoint, now: float) -> None:
        call = self._dialog(request)
        if call is None or call.phase is not Phase.TALKING:
            self._refuse(request, 481, source, NO_SUCH_CALL)
            return
        target = uri_of(request.get("refer-to"))
        self._answer(request, 202, source, [("Contact", self.contact(call.me))])
        problem = self._connect(call, target, now)
        status = "200 OK"
        if problem is not None:
            status = "481 Call/Transaction Does Not Exist"
            reason = f"481: {problem.reason}"
            self._object(What.MESSAGE_REFUSED, problem._replace(reason=reason), request.wire)
        call.cseq += 1
        notify = self._in_dialog(call, "NOTIFY", call.cseq)
        notify.headers += [
            ("Contact", self.contact(call.me)),
            ("Event", "refer"),
            ("Subscription-State", "terminated;reason=noresource"),
            ("Content-Type", SIPFRAG),
        ]
        notify.body = f"SIP/2.0 {status}\r\n".encode()
        self._transactions.mention(notify, call.hop, now)

    def _connect(self, call: Call, target: str, now: float) -> Problem | None:
        """Connect the one in `call` with the one that the URI `target` names, both of them here.
        Answers why that cannot be."""
        uri, _, headers = target.partition("?")
        if not self.accepts(uri):
            return NOBODY_TO_REFER_TO
        name, _, value = headers.partition("=")
        if name.lower() != "replaces":
            return None
        other = self._named_by(unquote(value))
        if other is None:
            return NAMES_NO_CALL
        self._send_bye(other, now)
        return None

    def _named_by(self, value: str) -> Call | None:
        """The call that a Replaces value names (RFC 3891 3)."""
        call = self._calls.get(value.partition(";")[0].strip())
        if call is None or call.phase is not Phase.TALKING:
            return None
        theirs = parameter_of(call.remote, "tag")
        tags = parameter_of(value, "to-tag"), parameter_of(value, "from-tag")
        return call if tags == (call.tag, theirs) else None


def replaces(call: Call) -> str:
    """What names a call to the one at its other end."""
    theirs = parameter_of(call.remote, "tag")
    return f"{call.call_id};to-tag={theirs};from-tag={call.tag}"
