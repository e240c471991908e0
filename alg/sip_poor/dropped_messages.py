"""Faults that drop a message because of something that stands in its headers, or is missing there.

The sender gets no answer and repeats the message, so that it looks as if the network had failed.
"""

from __future__ import annotations

from collections.abc import Iterator

from alg.fault import Faults
from alg.sip import fields, grammar
from alg.sip.fields import HostPort
from alg.sip.rewriting import LOWEST_OPENED_PORT
from alg.sip_poor.case import Case

BASE_METHODS = frozenset(("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER"))
LONGEST_LINE_IN_FIRMWARE = 998

FAULTS = Faults[Case]()


def fqdn_drop(case: Case) -> None:
    hosts = (fields.text(case.data, place.host) for place in _uris(case))
    if any(grammar.address(host) is None for host in hosts):
        case.refuse()


def _uris(case: Case) -> Iterator[HostPort]:
    """Where hosts stand in the Request-URI, From, To and Contact."""
    if case.message is None or case.parts is None:
        return
    target = fields.request_uri(case.data, case.message.uri)
    for address in (target, case.parts.sender, case.parts.recipient, *case.parts.contacts):
        if address:
            yield address.where


FAULTS.add(
    "fqdn-drop",
    does="Drops messages that have a name where it wants an address.",
    seen_in="Report on the Linux helper, 2006; manual of Junos",
    breaks="A phone that is configured by names never registers: it works only with a provider "
    "that goes by addresses.",
    look_at="The drops counted as refused-by-alg, then Request-URI, From, To and Contact of the "
    "dropped message in view 3: one of them has a name as its host.",
    rfc="RFC 3261 19.1.1",
    kind="refuse",
    prepare=fqdn_drop,
)


def block_unknown(case: Case) -> None:
    message = case.message
    if message is None:
        return
    lines = (header for named in message.headers.values() for header in named)
    too_long = any(line.end - line.name_start > LONGEST_LINE_IN_FIRMWARE for line in lines)
    if message.method not in BASE_METHODS or too_long:
        case.refuse()


FAULTS.add(
    "block-unknown",
    does="Drops methods that it does not know, and long lines.",
    seen_in="Command line of FortiOS; symptoms reported by Emetrotel",
    breaks="REFER, PUBLISH and long credentials are lost: transfer and busy lamps fail.",
    look_at="The drops counted as refused-by-alg, then the method of the dropped message in view "
    "2, and the length of its lines.",
    rfc="RFC 3261 16.3",
    kind="refuse",
    prepare=block_unknown,
)


def keepalive_drop(case: Case) -> None:
    if not case.is_sip:
        case.refuse()


FAULTS.add(
    "keepalive-drop",
    does="Drops what is not SIP on SIP's port.",
    seen_in="SonicOS has a switch to permit it",
    breaks="Keep-alives do not arrive: a phone that waits for their answer (RFC 5626) takes its "
    "registration for lost, again and again.",
    look_at="The drops counted as refused-by-alg, which grow although nobody calls.",
    rfc="RFC 5626 4.4.1",
    kind="refuse",
    prepare=keepalive_drop,
)


def no_clen_drop(case: Case) -> None:
    described = case.parts and case.parts.sessions
    if described and case.value(b"content-length") is None:
        case.refuse()


FAULTS.add(
    "no-clen-drop",
    does="Drops a description that comes without Content-Length.",
    seen_in="Source of the Linux helper nf_conntrack_sip",
    breaks="Only one brand of phone cannot call.",
    look_at="The dropped INVITE in view 3: it has a body and no Content-Length.",
    rfc="RFC 3261 18.3",
    kind="refuse",
    prepare=no_clen_drop,
)


def lowport_drop(case: Case) -> None:
    if not case.outward or case.parts is None:
        return
    places = [contact.where.port for contact in case.parts.contacts]
    places += [stream.port for session in case.parts.sessions for stream in session.streams]
    ports = (grammar.port(fields.text(case.data, place)) for place in places)
    if any(port and port < LOWEST_OPENED_PORT for port in ports):
        case.refuse()


FAULTS.add(
    "lowport-drop",
    does="Drops a message with a port below 1024 in a description or Contact.",
    seen_in="Source of the Linux helper nf_conntrack_sip",
    breaks="Only one brand of phone cannot call.",
    look_at="The dropped INVITE in view 3: its m= line or its Contact has a port below 1024.",
    rfc="RFC 8866 5.14",
    kind="refuse",
    prepare=lowport_drop,
)
