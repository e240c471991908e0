"""The one principle: a token is changed only if it is exactly an endpoint of this host.

Outwards, an internal endpoint becomes the external one that the NAT holds for it; inwards, the
other way round (rules own-endpoint, address-alone, whole-token and port-as-written). What a token
*is* decides, not in which field it stands; so requests, responses, foreign addresses and phones
that already know their public address need no rules of their own.

    the NAT holds 192.168.20.100:5060 ⇄ 203.0.113.1:1024 for the host that speaks; outwards

    192.168.20.100:5060      203.0.113.1:1024       its internal endpoint
    192.168.20.100           203.0.113.1:1024       the same: no port is port 5060
    192.168.20.100:5070      stays                  another port, which the NAT has not mapped
    192.168.20.101:5060      stays                  another host
    203.0.113.1:1024         stays                  its external endpoint is known to it already
    198.51.100.7:5060        stays                  somebody else's

`Rewriting` is one message at work: its parts, what the context answers, the edits so far.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from alg.base import AlgContext, Edit
from alg.sip import fields, grammar
from alg.sip.fields import Address, HostPort, Span
from alg.sip.message import Message
from alg.sip.parts import Parts
from nat.endpoint import Direction, Endpoint, address_text

DEFAULT_PORT = 5060
"""Of SIP over UDP and TCP (RFC 3261 19.1.2)."""
DEFAULT_SECURE_PORT = 5061

LOWEST_OPENED_PORT = 1024
"""Nothing is opened to the system services of a host, whatever its messages say (invariant I-E2):
a web page can make a browser write a message (NAT slipstreaming, 2020)."""

LONGEST_LIFE = 86_400.0
"""Seconds: no registration, call or memory of one is believed to last longer than a day."""

STALE = "an external address in it is stale, foreign or a neighbour's; it stays as it is"

_CARRIED_BY = {b"udp": "udp", b"tcp": "tcp", b"tls": "tcp", b"ws": "tcp", b"wss": "tcp"}
"""What the NAT translates for each `transport` of a URI; SCTP and others it does not."""


class Token(NamedTuple):
    """A host with its port, written or not, and what it means.

    `origin` is what the way back is known by (rule round-trip): the same writer writes a port, or
    leaves it out, in all tokens of one origin. For a Via it is the branch, because every
    transaction stands alone; for URIs the field, together with the one in which the same URI comes
    back.
    """

    where: HostPort
    transport: str
    default_port: int = DEFAULT_PORT
    origin: Hashable = "contact"


@dataclass(slots=True)
class Rewriting:
    """One message on its way through the correct ALG."""

    message: Message
    parts: Parts
    context: AlgContext
    edits: list[Edit] = field(default_factory=list)
    note: str = ""
    not_opened: list[str] = field(default_factory=list)
    outward: bool = field(init=False)
    data: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.outward = self.context.direction is Direction.OUT
        self.data = self.message.data

    @property
    def host(self) -> int:
        """The address of the inside host that the message belongs to. Two inside hosts may take
        part in one call, so it is in the name of everything that is remembered or opened."""
        return self.context.internal.address

    @property
    def signalling_peer(self) -> Endpoint:
        """Any port of the address that this message comes from or goes to."""
        return Endpoint(self.context.remote.address, 0)

    def replace(self, span: Span, replacement: bytes, what: str, rule: str) -> None:
        """Edit, unless that is what stands there already."""
        if self.data[span[0] : span[1]] != replacement:
            self.edits.append(Edit(span[0], span[1], replacement, what, rule))

    def could_not_open(self, what: str, why: object) -> None:
        """The NAT has refused it. It is not announced, and everybody is told; the rest of the
        message goes its way (rule said-not-hidden)."""
        self.note = str(why)
        self.not_opened.append(f"{what} is not opened: {why}")

    def token(self, address: Address, origin: str = "contact") -> Token | None:
        """The host and port of a URI; None over a transport that this NAT does not translate."""
        named = fields.text(self.data, address.uri_parameters.get(b"transport", fields.MISSING))
        if named:
            transport = _CARRIED_BY.get(named.lower())
        else:
            transport = "tcp" if address.secure else self.context.transport
        default = DEFAULT_SECURE_PORT if address.secure else DEFAULT_PORT
        return Token(address.where, transport, default, origin) if transport else None

    def endpoint(self, token: Token) -> Endpoint | None:
        """What the token names, if it is an IPv4 endpoint."""
        address = grammar.address(fields.text(self.data, token.where.host))
        if token.where.port[0] < 0:
            return None if address is None else Endpoint(address, token.default_port)
        port = grammar.port(fields.text(self.data, token.where.port))
        return None if address is None or port is None else Endpoint(address, port)

    def counterpart(self, endpoint: Endpoint, transport: str) -> Endpoint | None:
        """The other name of one of this host's own endpoints; None for every other endpoint.

        The endpoint of the flow that carries the message is answered without asking the NAT: it may
        be the flow's first packet, whose mapping under a symmetric NAT is for this remote only.
        """
        context = self.context
        carrier = transport == context.transport
        if self.outward:
            if carrier and endpoint == context.internal:
                return context.external
            return context.external_of(endpoint, transport) if self.is_own(endpoint) else None
        if carrier and endpoint == context.external:
            return context.internal
        if not context.is_external_address(endpoint.address):
            return None
        internal = context.internal_of(endpoint, transport)
        return internal if internal is not None and self.is_own(internal) else None

    def is_own(self, internal: Endpoint) -> bool:
        return internal.address == self.context.internal.address

    def may_open(self, internal: Endpoint) -> bool:
        """Is this a port of this host that an ALG may have opened to the outside?"""
        return self.is_own(internal) and internal.port >= LOWEST_OPENED_PORT

    def map_token(self, token: Token, what: str, rule: str) -> None:
        """Rules own-endpoint and port-as-written: "no port" is compared as the default port; the
        mapped port is written if it is not the default, or if a port was written before."""
        before = self.endpoint(token)
        after = self.counterpart(before, token.transport) if before else None
        if before is None or after is None:
            if before is not None and self.outward:
                self._remember_public(token, before)
                self._note_stale(before)
            return
        if not self.outward and self.is_public_by_itself(token):
            return
        if self.outward:
            self._forget_public(token, after)
            self._remember_missing_port(token, before, after)
            bare = token.where.port[0] < 0 and after.port == token.default_port
        elif token.where.port[0] < 0:
            bare = after.port == token.default_port
        else:
            bare = self._had_no_port(token, after)  # the port may have been added on the way out
        self._write(token.where, after, bare, what, rule)

    def counterpart_address(self, address: int) -> int | None:
        """The other name of this host's address, for tokens that have no port by nature (rule
        address-alone)."""
        here, there = self.context.internal.address, self.context.external.address
        if not self.outward:
            here, there = there, here
        return there if address == here else None

    def map_address(self, span: Span, what: str, rule: str) -> None:
        """Edit the address at `span`, if it is this host's."""
        address = grammar.address(fields.text(self.data, span))
        other = None if address is None else self.counterpart_address(address)
        if other is not None:
            self.replace(span, address_text(other).encode(), what, rule)

    def _note_stale(self, endpoint: Endpoint) -> None:
        """Rule public-stays: a phone that writes an external address which is not its own (any
        more) is not helped by a second mapping, because its ports would jump with every message."""
        context = self.context
        if not context.is_external_address(endpoint.address) or endpoint == context.external:
            return
        internal = context.internal_of(endpoint, context.transport)
        if internal is None or not self.is_own(internal):
            self.note = STALE

    # A phone that knows its external endpoint writes that, and finds itself by it: what it has
    # written so comes back so (rules public-stays and round-trip).

    def is_public_by_itself(self, token: Token) -> bool:
        """Has the phone itself written this external endpoint here?"""
        endpoint = self.endpoint(token)
        return endpoint is not None and bool(self.context.recall(_public(token, endpoint)))

    def _remember_public(self, token: Token, external: Endpoint) -> None:
        internal = self.context.internal_of(external, token.transport)
        is_own = external == self.context.external or (internal and self.is_own(internal))
        if is_own:
            self.context.remember(_public(token, external), True, LONGEST_LIFE)

    def _forget_public(self, token: Token, external: Endpoint) -> None:
        """It has written the internal one: now that is what it knows itself by."""
        if self.context.recall(_public(token, external)):
            self.context.forget(_public(token, external))

    def _write(self, where: HostPort, endpoint: Endpoint, bare: bool, what: str, rule: str) -> None:
        """One edit from the host to the end of the port, keeping white space between them."""
        host = address_text(endpoint.address).encode()
        if where.port[0] < 0:
            self.replace(where.host, host if bare else b"%b:%d" % (host, endpoint.port), what, rule)
            return
        between = self.data[where.host[1] : where.port[0]]
        after = host if bare else b"%b%b%d" % (host, between, endpoint.port)
        self.replace((where.host[0], where.port[1]), after, what, rule)

    # What a phone wrote without a port may have to leave with one, because the NAT maps to another
    # port than 5060. It must come back without (rule round-trip): to a phone, 192.0.2.1 and
    # 192.0.2.1:5060 are two URIs (RFC 3261 19.1.4). So what it left out is remembered:
    #
    #   out   Contact: <sip:a@192.168.20.100>   leaves as   <sip:a@203.0.113.1:1024>     remembered
    #   in    Contact: <sip:a@203.0.113.1:1024> arrives as  <sip:a@192.168.20.100>       recalled

    def _remember_missing_port(self, token: Token, before: Endpoint, after: Endpoint) -> None:
        """Note that no port was written, or that now one is. Only for the default port: another
        one is always written, and if the mapped port is the default too nothing gets lost."""
        if before.port != token.default_port or after.port == token.default_port:
            return
        key = ("no port", token.origin, before, token.transport)
        if token.where.port[0] < 0:
            self.context.remember(key, True, LONGEST_LIFE)
        elif self.context.recall(key):
            self.context.forget(key)

    def _had_no_port(self, token: Token, internal: Endpoint) -> bool:
        key = ("no port", token.origin, internal, token.transport)
        return internal.port == token.default_port and bool(self.context.recall(key))


def _public(token: Token, external: Endpoint) -> Hashable:
    return ("public", token.origin, external, token.transport)
