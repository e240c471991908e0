"""Faults in the text of headers.

They change what must never be changed, forget what must be, or throw away what they do not know.
Each function does one thing wrong; the table at the end says what it breaks and who was seen
doing it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from alg.sip import fields, grammar, headers, offers
from alg.sip.fields import HostPort, Span
from alg.sip.rewriting import LOWEST_OPENED_PORT, Rewriting
from alg.sip_poor.case import Case
from alg.sip_poor.fault import Fault
from nat.endpoint import Network

PRIVATE = tuple(map(Network.parse, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
BASE_METHODS = frozenset(("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER"))
LONGEST_LINE_IN_FIRMWARE = 998
OWN_BRANCH = b"z9hG4bKalg"
GROWS = 10
"""By how much a changed Expires is too long or too short."""


def callid_oneway(case: Case) -> None:
    if case.outward:
        _replace_in_call_id(case, case.internal_text, case.external_text)


def callid_hide(case: Case) -> None:
    if case.outward:
        _replace_in_call_id(case, case.internal_text, case.external_text)
    else:
        _replace_in_call_id(case, case.external_text, case.internal_text)


def callid_hide_remembers(case: Case) -> None:
    """It knows the calls by the inside Call-ID; that much it does right."""
    external, internal = case.external_text.decode(), case.internal_text.decode()

    def know_by_inside_name(work: Rewriting) -> None:
        known = work.message.call_id.replace(external, internal)
        work.message = replace(work.message, call_id=known)

    if not case.outward:
        case.steps.insert(0, know_by_inside_name)


def _replace_in_call_id(case: Case, before: bytes, after: bytes) -> None:
    place = case.value(b"call-id")
    for span in case.occurrences(before, *place) if place else ():
        case.replace(span, after, "call-id")


def semicolon_lost(case: Case) -> None:
    if case.outward and (semicolon := _first_semicolon(case)) >= 0:
        case.replace((semicolon, semicolon + 1), b"", "via.parameters")


def stray_char(case: Case) -> None:
    if case.outward and (semicolon := _first_semicolon(case)) >= 0:
        case.replace((semicolon, semicolon), b";", "via.parameters")


def _first_semicolon(case: Case) -> int:
    """The one after the top Via's sent-by; -1 when there is none."""
    span = case.value(b"via")
    if span is None or case.parts is None or case.parts.via is None:
        return -1
    host, port = case.parts.via.sent_by
    return case.data.find(b";", max(host[1], port[1]), span[1])


def replace_all(case: Case) -> None:
    before, after = case.internal_text, case.external_text
    if not case.outward:
        before, after = after, before
    for span in case.occurrences(before, 0, len(case.data)):
        if not case.is_edited(span):
            case.replace(span, after, "text")


def prefix_replace(case: Case) -> None:
    if not case.outward:
        return
    longer = re.compile(rb"(?<![0-9.])" + re.escape(case.internal_text) + rb"(?=[0-9])")
    for found in longer.finditer(case.data):
        case.replace(found.span(), case.external_text, "text")


def own_via(case: Case) -> None:
    message = case.message
    vias = message.headers.get(b"via") if message else None
    if message is None or not vias:
        return
    if message.is_request and case.outward:
        branch = OWN_BRANCH + b"%08x" % case.random.getrandbits(32)
        line = b"Via: SIP/2.0/UDP %b:%d;branch=%b\r\n" % (
            case.external_text,
            case.context.external.port,
            branch,
        )
        case.replace((vias[0].name_start, vias[0].name_start), line, "via")
        _lower_max_forwards(case)
    elif _is_ours(case) and len(vias) > 1:
        line_end = grammar.EMPTY_LINE.match(case.data, vias[0].end)
        end = line_end.end() if line_end else vias[0].end
        case.replace((vias[0].name_start, end), b"", "via")


def own_via_comes_back(case: Case) -> None:
    """Under the Via that it added, the phone's own is the top one again."""

    def skip_own(work: Rewriting) -> None:
        below = work.message.headers[b"via"][1:]
        work.parts.via = fields.via(work.data, (below[0].start, below[0].end)) if below else None

    if not case.outward and _is_ours(case):
        case.steps.insert(0, skip_own)


def _is_ours(case: Case) -> bool:
    if case.parts is None or case.parts.via is None:
        return False
    branch = case.parts.via.parameters.get(b"branch", fields.MISSING)
    return fields.text(case.data, branch).startswith(OWN_BRANCH)


def _lower_max_forwards(case: Case) -> None:
    span = case.value(b"max-forwards")
    digits = grammar.NUMBER.match(case.data, *span) if span else None
    if digits and int(digits[1]) > 0:
        case.replace(digits.span(1), b"%d" % (int(digits[1]) - 1), "max-forwards")


def via_not_restored(case: Case) -> None:
    rules = ("via-restored", "received-restored", "rport-restored", "maddr-restored")
    case.drop(lambda edit: edit.rule in rules)


def requests_only(case: Case) -> None:
    if case.outward and case.message and not case.message.is_request:
        case.leave_out(headers.translate)
        case.leave_out(offers.translate)


def no_from_to(case: Case) -> None:
    case.drop(lambda edit: edit.field in ("from.host", "to.host"))


def foreign_mangled(case: Case) -> None:
    if not case.outward or case.parts is None:
        return
    for span in (*_contact_hosts(case), *_described_addresses(case)):
        if grammar.address(fields.text(case.data, span)) and not case.is_edited(span):
            case.replace(span, case.external_text, "text")


def _contact_hosts(case: Case) -> list[Span]:
    return [contact.where.host for contact in case.parts.contacts] if case.parts else []


def _described_addresses(case: Case) -> Iterator[Span]:
    for session in case.parts.sessions if case.parts else ():
        yield session.origin
        lines = [line for stream in session.streams for line in stream.connections]
        yield from (line.address for line in (session.connection, *lines) if line)


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


def ack_uri_rewrite(case: Case) -> None:
    message = case.message
    if message is None or case.parts is None or not (message.is_request and case.outward):
        return
    if message.method not in ("ACK", "BYE"):
        return
    target = fields.request_uri(case.data, message.uri)
    for address in (target, *(route for _, route in case.parts.routes)):
        if address and _is_private(case, address.where.host):
            case.replace(address.where.host, case.external_text, "request-uri.host")


def _is_private(case: Case, span: Span) -> bool:
    address = grammar.address(fields.text(case.data, span))
    return any(address in network for network in PRIVATE)


def block_unknown(case: Case) -> None:
    message = case.message
    if message is None:
        return
    lines = (header for named in message.headers.values() for header in named)
    too_long = any(line.end - line.name_start > LONGEST_LINE_IN_FIRMWARE for line in lines)
    if message.method not in BASE_METHODS or too_long:
        case.refuse()


def keepalive_drop(case: Case) -> None:
    if not case.is_sip:
        case.refuse()


def no_clen_drop(case: Case) -> None:
    described = case.parts and case.parts.sessions
    if described and case.value(b"content-length") is None:
        case.refuse()


def lowport_drop(case: Case) -> None:
    if not case.outward or case.parts is None:
        return
    places = [contact.where.port for contact in case.parts.contacts]
    places += [stream.port for session in case.parts.sessions for stream in session.streams]
    ports = (grammar.port(fields.text(case.data, place)) for place in places)
    if any(port and port < LOWEST_OPENED_PORT for port in ports):
        case.refuse()


def expires_shrink(case: Case) -> None:
    for span, seconds in _granted(case):
        case.replace(span, b"%d" % max(1, seconds // GROWS), "expires")


def expires_grow(case: Case) -> None:
    for span, seconds in _granted(case):
        case.replace(span, b"%d" % (seconds * GROWS), "expires")


def _granted(case: Case) -> Iterator[tuple[Span, int]]:
    """Every lifetime in an answer to REGISTER inwards."""
    message = case.message
    if message is None or case.parts is None or case.outward or message.method != "REGISTER":
        return
    header = case.value(b"expires")
    spans = [header] if header else []
    spans += [
        contact.parameters[b"expires"]
        for contact in case.parts.contacts
        if b"expires" in contact.parameters
    ]
    for span in spans:
        if digits := grammar.NUMBER.match(case.data, *span):
            yield digits.span(1), int(digits[1])


def branch_rewrite(case: Case) -> None:
    message = case.message
    if message is None or case.parts is None or case.parts.via is None:
        return
    branch = case.parts.via.parameters.get(b"branch", fields.MISSING)
    aimed = message.is_request and case.outward and message.method in ("ACK", "CANCEL")
    if aimed and branch != fields.MISSING:
        case.replace(branch, b"z9hG4bK%08x" % case.random.getrandbits(32), "via.branch")


def content_length_stale(case: Case) -> None:
    case.counts_lengths = False
    case.drop(lambda edit: edit.rule == "content-length")


FAULTS = (
    Fault(
        "callid-oneway",
        "M1",
        does="Writes the external address into Call-ID outwards and does not restore it inwards.",
        seen_in="MikroTik lecture on the SIP ALG; voip-info.org",
        breaks="Answers match no request: REGISTER is repeated for ever, BYE and CANCEL get 481.",
        rfc="RFC 3261 8.1.1.4",
        spoil=callid_oneway,
    ),
    Fault(
        "callid-hide",
        "M2",
        does="Writes the external address into Call-ID outwards and restores it inwards.",
        seen_in="Manuals of Junos, FortiOS and ScreenOS; source of DANOS",
        breaks="Looks fine; an attended transfer quotes the inside Call-ID in Replaces and fails.",
        rfc="RFC 3891 3",
        prepare=callid_hide_remembers,
        spoil=callid_hide,
    ),
    Fault(
        "semicolon-lost",
        "M3",
        does="Loses the semicolon before the first parameter of the top Via.",
        seen_in="Reports at voip-info.org; sip-alg-detector counts it as critical",
        breaks="The server answers 400, or takes the branch for a part of the port.",
        rfc="RFC 3261 20.42",
        spoil=semicolon_lost,
    ),
    Fault(
        "stray-char",
        "M4",
        does="Slips a second semicolon in before the parameters of the top Via.",
        seen_in="MikroTik lecture on the SIP ALG",
        breaks="The server answers 400 Bad Request.",
        rfc="RFC 3261 20.42",
        spoil=stray_char,
    ),
    Fault(
        "replace-all",
        "M6",
        does="Replaces the inside address wherever its text stands in the message.",
        seen_in="Reports at voip-info.org and in the PJSIP wiki",
        breaks="Digest authentication fails, ICE finds a mismatch, caller IDs look odd.",
        rfc="RFC 3261 22.4",
        spoil=replace_all,
    ),
    Fault(
        "prefix-replace",
        "M7",
        does="Replaces the inside address also where it is only the beginning of a longer one.",
        seen_in="Source of naive replacements",
        breaks="Another phone's address is damaged: only some phones work.",
        rfc="RFC 3261 25.1",
        spoil=prefix_replace,
    ),
    Fault(
        "content-length-stale",
        "M8",
        does="Edits the body and leaves Content-Length as it was.",
        seen_in="Class of bug; a note in siproxd of 2014",
        breaks="The description is cut or refused; over TCP the next message is garbled.",
        rfc="RFC 3261 20.14",
        spoil=content_length_stale,
    ),
    Fault(
        "own-via",
        "M9",
        does="Plays the proxy: adds a Via of its own and lowers Max-Forwards.",
        seen_in="Sample in the manual of sip-alg-detector",
        breaks="Can be detected; loops are counted wrong, some phones refuse the message.",
        rfc="RFC 3261 16.6",
        prepare=own_via_comes_back,
        spoil=own_via,
    ),
    Fault(
        "via-not-restored",
        "M10",
        does="Leaves the external address in the top Via of answers inwards.",
        seen_in="siproxd has plug-ins to mend this (fix_DTAG, fix_bogus_via)",
        breaks="The phone drops every answer: registration times out although the server answers.",
        rfc="RFC 3261 18.1.2",
        spoil=via_not_restored,
    ),
    Fault(
        "requests-only",
        "M11",
        does="Translates requests and leaves the phone's answers as they are.",
        seen_in="Report on the Linux helper, 2006",
        breaks="Calls out work; calls in drop at 32 s, their ACK went to a private address.",
        rfc="RFC 3261 12.1.1",
        prepare=requests_only,
    ),
    Fault(
        "no-from-to",
        "M12",
        does="Leaves From and To alone also where their domain is the inside address.",
        seen_in="Report on the Linux helper, 2006",
        breaks="A server whose domain is an address answers 403 or 401 for ever.",
        rfc="RFC 3261 20.20",
        spoil=no_from_to,
    ),
    Fault(
        "foreign-mangled",
        "M13",
        does="Replaces every address in Contact and in descriptions, whoever's it is.",
        seen_in="Report on the Linux helper, 2006, and its correction",
        breaks="Transfers and voicemail are silent: their addresses were somebody else's.",
        rfc="RFC 8866 5.7",
        spoil=foreign_mangled,
    ),
    Fault(
        "fqdn-drop",
        "M14",
        does="Drops messages that have a name where it wants an address.",
        seen_in="Report on the Linux helper, 2006; manual of Junos",
        breaks="Works with one provider only.",
        rfc="RFC 3261 19.1.1",
        kind="refuse",
        prepare=fqdn_drop,
    ),
    Fault(
        "ack-uri-rewrite",
        "M15",
        does="Replaces private addresses in the target of ACK and BYE by its own public one.",
        seen_in="Twilio's troubleshooting guide; a thread of OpenSIPS",
        breaks="Two-way audio, then the call drops after 20 to 32 seconds.",
        rfc="RFC 3261 12.2.1.1",
        spoil=ack_uri_rewrite,
    ),
    Fault(
        "block-unknown",
        "M16",
        does="Drops methods that it does not know, and long lines.",
        seen_in="Command line of FortiOS; symptoms reported by Emetrotel",
        breaks="REFER, PUBLISH and long credentials are lost: transfer and busy lamps fail.",
        rfc="RFC 3261 16.3",
        kind="refuse",
        prepare=block_unknown,
    ),
    Fault(
        "keepalive-drop",
        "M17",
        does="Drops what is not SIP on SIP's port.",
        seen_in="SonicOS has a switch to permit it",
        breaks="Keep-alives do not arrive: the mapping dies and calls in are lost.",
        rfc="RFC 5626 4.4.1",
        kind="refuse",
        prepare=keepalive_drop,
    ),
    Fault(
        "no-clen-drop",
        "M18",
        does="Drops a description that comes without Content-Length.",
        seen_in="Source of the Linux helper (to be shown)",
        breaks="Only one brand of phone cannot call.",
        rfc="RFC 3261 18.3",
        kind="refuse",
        prepare=no_clen_drop,
    ),
    Fault(
        "lowport-drop",
        "M19",
        does="Drops a message with a port below 1024 in a description or Contact.",
        seen_in="Source of the Linux helper",
        breaks="Only one brand of phone cannot call.",
        rfc="RFC 8866 5.14",
        kind="refuse",
        prepare=lowport_drop,
    ),
    Fault(
        "expires-shrink",
        "M21",
        does="Tells the phone a tenth of the time that the registrar grants.",
        seen_in="Constructed",
        breaks="The phone registers ten times as often as it needs to.",
        rfc="RFC 3261 10.2.4",
        spoil=expires_shrink,
    ),
    Fault(
        "expires-grow",
        "M21",
        does="Tells the phone ten times the time that the registrar grants.",
        seen_in="Constructed",
        breaks="The registration ends on the server while the phone believes in it: no calls in.",
        rfc="RFC 3261 10.2.4",
        spoil=expires_grow,
    ),
    Fault(
        "branch-rewrite",
        "M22",
        does="Gives ACK and CANCEL a new branch.",
        seen_in="Constructed",
        breaks="CANCEL matches no INVITE: the server answers 481 and the phone rings on.",
        rfc="RFC 3261 9.1",
        spoil=branch_rewrite,
    ),
)
