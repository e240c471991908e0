"""Which header is translated in which kind of message.

The table is short because tokens are mapped by what they are (rule own-endpoint). What is left to
say per field: only the top Via, and only in requests outwards and responses inwards (rule
top-via-only); Contact never in requests inwards; From and To by address alone (rule
host-without-port); Call-ID, tags, branches, CSeq and credentials never (rule never-touched).

                    request out    response in    request in     response out
    Request-URI     own            –              own            –
    top Via         own            own            never          never
    Contact         own            own            never          own
    From, To        host only      host only      host only      host only
    (Record-)Route  own            own            own            own

Why a Via is left alone in what comes in: a request from outside carries the Vias of the servers on
its way, which find their own text again in the answer.
"""

from __future__ import annotations

from alg.base import Unavailable
from alg.sip import fields, grammar
from alg.sip.fields import Address, Via
from alg.sip.rewriting import LONGEST_LIFE, Rewriting, Token
from nat.endpoint import Endpoint, address_text

REPLY_LIFE = 180.0
"""Seconds that a port named only in a Via stays open for the answers: as long as a phone rings."""

CONTACT_LIFE = 3_600.0
"""Seconds that a contact on a port of its own stays open after the message that named it."""

MOST_CONTACTS = 8
"""Ports other than the one it sends from that a message may have opened for its contacts."""

ANSWERS_THE_SOURCE = "this server answers where requests come from, so its answers need no ALG"

MAKES_DIALOG = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER", "REGISTER"))
"""Methods whose Contact others will send to later (RFC 3261 12.1; RFC 6665; RFC 3515)."""

COMES_BACK_IN = {"record-route": "route"}
"""The field in which others repeat what was written in this one (RFC 3261 12.1); a Contact is
repeated in a Request-URI."""


def translate(work: Rewriting) -> None:
    """Contacts first: the Via may name the port that they have opened."""
    if not (work.message.is_request and not work.outward):
        _contacts(work)
    if work.message.is_request:
        _request_uri(work)
    if work.message.is_request == work.outward and work.parts.via:
        _top_via(work, work.parts.via)
    _parties(work)
    for name, address in work.parts.routes:
        if token := work.token(address, COMES_BACK_IN.get(name, name)):
            work.map_token(token, f"{name}.host", name)


def _contacts(work: Rewriting) -> None:
    """Every value of every Contact. What makes others send to it later is opened first, so that
    the edit can name the port that it was given."""
    rule = "contact-restored"
    if work.outward:
        rule = "contact" if work.message.method == "REGISTER" else "contact-dialog"
    tokens = [token for contact in work.parts.contacts if (token := work.token(contact))]
    status = work.message.status or 0
    refused: set[tuple[Endpoint, str]] = set()
    if work.outward and work.message.method in MAKES_DIALOG and status < 300:
        refused = _open_contacts(work, tokens)
    for token in tokens:
        if (work.endpoint(token), token.transport) not in refused:
            work.map_token(token, "contact.host", rule)


def _open_contacts(work: Rewriting, tokens: list[Token]) -> set[tuple[Endpoint, str]]:
    """Rule contact-opens; answers those that could not be opened. Count first: of a message that
    names too many ports none is opened."""
    wanted = {
        (internal, token.transport)
        for token in tokens
        if (internal := work.endpoint(token)) and work.may_open(internal)
    } - {(work.context.internal, work.context.transport)}  # open already: the message came from it
    if len(wanted) > MOST_CONTACTS:
        why = f"the message names more than {MOST_CONTACTS}"
        work.could_not_open("a contact on a port of its own", why)
        return wanted
    return {each for each in sorted(wanted) if not _open_contact(work, *each)}


def _open_contact(work: Rewriting, internal: Endpoint, transport: str) -> bool:
    """A phone that listens on another port than it sends from needs a mapping for that port. A
    registrar may use it when it has answered (`register.py`), the peer of a call at once. False:
    the NAT has refused it."""
    try:
        work.context.map(internal, transport)
        if work.message.method != "REGISTER" and transport == "udp":
            work.context.expect(
                internal,
                work.signalling_peer,
                parent=("contact", work.message.call_id, work.host),
                reason="The other side sends its next requests to this contact.",
                lifetime=CONTACT_LIFE,
            )
    except Unavailable as reason:
        work.could_not_open(f"the contact {internal}", reason)
        return False
    return True


def _request_uri(work: Rewriting) -> None:
    """Inwards it is the Contact that the phone once sent, as the outside came to know it."""
    address = fields.request_uri(work.data, work.message.uri)
    token = work.token(address) if address else None
    if token:
        rule = "request-uri" if work.outward else "request-uri-restored"
        work.map_token(token, "request-uri.host", rule)


def _top_via(work: Rewriting, via: Via) -> None:
    """The sent-by, and the parameters in which the next server wrote what it saw.

    What a phone sends, and what it gets back with the answer (`received = "hide"`):

        out, as it was      Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK7;rport
        out, as it leaves   Via: SIP/2.0/UDP 203.0.113.1:1024;branch=z9hG4bK7;rport
        in, as it comes     Via: SIP/2.0/UDP 203.0.113.1:1024;branch=z9hG4bK7
                              ;rport=1024;received=203.0.113.1
        in, as it arrives   Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK7
                              ;rport=5060;received=192.168.20.100
    """
    transport = {b"udp": "udp", b"tcp": "tcp", b"tls": "tcp"}.get(via.transport)
    if transport is None:
        return
    branch = fields.text(work.data, via.parameters.get(b"branch", fields.MISSING))
    token = Token(via.sent_by, transport, origin=("via", branch))
    restored = "" if work.outward else "-restored"
    if work.outward:
        _open_reply_port(work, via, token)
    elif work.context.settings.get("received") != "learn" and not work.is_public_by_itself(token):
        _hide_received(work, via)
    work.map_token(token, "via.host", "via" + restored)
    if b"maddr" in via.parameters:
        work.map_address(via.parameters[b"maddr"], "via.maddr", "maddr" + restored)


def _open_reply_port(work: Rewriting, via: Via, token: Token) -> None:
    """Rule reply-port: some phones send from one port and want the answers at another (seen: Cisco
    7941, 7945). RFC 3261 18.2.2 sends them to the port in the Via, unless `rport` is there."""
    context = work.context
    internal = work.endpoint(token)
    if internal is None or internal == context.internal or b"rport" in via.parameters:
        return
    if not (work.may_open(internal) and token.transport == context.transport == "udp"):
        return
    try:
        context.map(internal)
        context.expect(
            internal,
            context.remote,
            parent=("replies", work.message.call_id, work.host),
            reason="The answers go to the port that the phone named in its Via.",
            lifetime=REPLY_LIFE,
        )
    except Unavailable as reason:
        work.could_not_open(f"the way back to {internal}, named in the Via,", reason)


def _hide_received(work: Rewriting, via: Via) -> None:
    """Rule hide-or-learn: `received` and `rport` tell a phone its public address (RFC 3581 4); in
    the mode "hide" neither side is to notice the NAT. Only this flow's external endpoint is
    restored: behind a second NAT the server has seen another one. And where the phone's own Via
    comes back nothing was hidden from the server, so there is nothing to hide from the phone."""
    external, internal = work.context.external, work.context.internal
    received, rport = via.parameters.get(b"received"), via.parameters.get(b"rport")
    if grammar.address(fields.text(work.data, via.sent_by.host)) == internal.address:
        if received or (rport and fields.text(work.data, rport)):
            work.note = ANSWERS_THE_SOURCE
        return
    if received and grammar.address(fields.text(work.data, received)) == external.address:
        text = address_text(internal.address).encode()
        work.replace(received, text, "via.received", "received-restored")
    if rport and grammar.port(fields.text(work.data, rport)) == external.port:
        work.replace(rport, b"%d" % internal.port, "via.rport", "rport-restored")


def _parties(work: Rewriting) -> None:
    """From and To. In a dialog both are copied into every message, the answers included, so From
    names the sender of the *request*: the inside host in its own requests and the answers to
    them."""
    own_is_sender = work.message.is_request == work.outward
    for address, what, is_sender in (
        (work.parts.sender, "from", True),
        (work.parts.recipient, "to", False),
    ):
        if address:
            _party(work, address, what, own=is_sender == own_is_sender)


def _calls_a_public_contact(work: Rewriting) -> bool:
    """Does a request come in for a phone that has registered its external endpoint by itself (rule
    request-uri-restored)? It knows itself by that."""
    if work.outward or not work.message.is_request:
        return False
    address = fields.request_uri(work.data, work.message.uri)
    token = work.token(address) if address else None
    return token is not None and work.is_public_by_itself(token)


def _party(work: Rewriting, address: Address, what: str, *, own: bool) -> None:
    """Rule host-without-port: a port is not allowed in From and To (RFC 3261 19.1.1). The way back
    restores what the dialog's own message had, which the address alone cannot tell: a phone may
    have written the external address itself. So the pair of what stands inside and what stands
    outside is remembered when it is first seen."""
    before = grammar.address(fields.text(work.data, address.where.host))
    if before is None or before not in (
        work.context.internal.address,
        work.context.external.address,
    ):
        return
    key = ("party", work.message.call_id, work.host, own)
    pair: tuple[int, int] | None = work.context.recall(key)
    here, there = (0, 1) if work.outward else (1, 0)  # a pair is (inside, outside)
    if pair and pair[here] == before:
        after = pair[there]
    else:
        after = work.counterpart_address(before) or before
        if _calls_a_public_contact(work):
            after = before
        pair = (before, after) if work.outward else (after, before)
        work.context.remember(key, pair, LONGEST_LIFE)
    rule = what if work.outward else what + "-restored"
    work.replace(address.where.host, address_text(after).encode(), f"{what}.host", rule)
