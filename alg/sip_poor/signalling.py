"""Faults about where the answers to a phone's signalling go, and about signalling that no ALG can
read."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from alg.base import AlgContext
from alg.fault import Faults
from alg.sip import fields, grammar
from alg.sip.rewriting import DEFAULT_PORT
from alg.sip_poor.case import Case
from alg.sip_poor.verbs import WrappedContext
from nat.endpoint import Endpoint

LISTENS_FOR = 180.0
"""Seconds that a phone's listening port is remembered after its last message."""

FAULTS = Faults[Case]()


class SourcePortOnly(WrappedContext):
    """Knows one port of a phone, the one that it sends from, and takes the port that the phone
    listens on for the same."""

    def __init__(self, context: AlgContext, listening: Endpoint, outward: bool) -> None:
        super().__init__(context)
        self.listening = listening
        if not outward:
            self.internal = listening  # what the phone wrote is restored as it wrote it

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        if self._is_meant(internal, transport):
            return self.external
        return super().external_of(internal, transport)

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        if self._is_meant(internal, transport):
            return self.external
        return super().map(internal, transport)

    def expect(
        self, internal: Endpoint, remote: Endpoint | None, *, parent: Hashable, **more: Any
    ) -> None:
        if not self._is_meant(internal, more.get("transport", "udp")):
            super().expect(internal, remote, parent=parent, **more)

    def _is_meant(self, internal: Endpoint, transport: str) -> bool:
        return internal == self.listening and transport == self.transport


def reply_to_5060(case: Case) -> None:
    context = case.context
    key = ("listens on another port", context.internal)
    if case.outward:
        listening = _sent_by(case)
        if listening is None or listening.address != context.internal.address:
            return
        context.remember(key, listening, LISTENS_FOR)
    listening = context.recall(key)
    if listening is not None:
        case.context = SourcePortOnly(context, listening, case.outward)


def _sent_by(case: Case) -> Endpoint | None:
    """Where the phone wants its answers, if it does not say "where I send from" (RFC 3581)."""
    via = case.parts.via if case.parts and case.message and case.message.is_request else None
    if via is None or b"rport" in via.parameters:
        return None
    address = grammar.address(fields.text(case.data, via.sent_by.host))
    port = DEFAULT_PORT
    if via.sent_by.port[0] >= 0:
        port = grammar.port(fields.text(case.data, via.sent_by.port)) or 0
    return Endpoint(address, port) if address is not None and port else None


FAULTS.add(
    "reply-to-5060",
    does="Cannot reply to 5060: sends the answers to the port that a phone sends from, whatever "
    "its Via says.",
    seen_in="Correction in the Linux helper for the Cisco 7941 and 7945",
    breaks="A phone that sends from one port and listens on another, as Cisco's 7941 and 7945, "
    "never registers; others notice nothing.",
    look_at="The top Via of a REGISTER that leaves in view 3: its port is the external one of the "
    "port that the phone sends from (view 1), and the answer goes there.",
    rfc="RFC 3261 18.2.2",
    kind="map",
    prepare=reply_to_5060,
)


def tls_blind(case: Case) -> None:
    case.steps = []


FAULTS.add(
    "tls-blind",
    does="Sees nothing in any message, as if all of them were encrypted.",
    seen_in="Manual of FreeSWITCH; it is the limit of every ALG",
    breaks="Whatever an ALG would have mended: with TLS the phone and its server must do it.",
    look_at="Any message that leaves in view 3: nothing is changed, and what should be is marked "
    "as missed.",
    rfc="RFC 3261 26.2.1",
    prepare=tls_blind,
)
