"""Faults about which addresses in a message are replaced: too many of them, or too few.

An address may be replaced only where it is an endpoint of the inside host. Some products replace
its text wherever it stands, also in names such as Call-ID; others forget a header or an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from alg.fault import Faults
from alg.sip import fields, grammar, headers, offers
from alg.sip.fields import Span
from alg.sip.judging import line_at
from alg.sip.rewriting import Rewriting
from alg.sip_poor.case import Case
from nat.reach import is_inside_only

FAULTS = Faults[Case]()


def callid_oneway(case: Case) -> None:
    if case.outward:
        _replace_in_call_id(case, case.internal_text, case.external_text)


FAULTS.add(
    "callid-oneway",
    does="Writes the external address into Call-ID outwards and does not restore it inwards.",
    seen_in="MikroTik lecture on the SIP ALG; voip-info.org",
    breaks="A phone that has its address in Call-ID and checks it in answers never registers; to "
    "one that goes by the branch (PJSIP), only what the server asks in a call gets 481.",
    look_at="Call-ID of the first REGISTER and of its answer in view 3: it is changed on the way "
    "out and not changed back on the way in.",
    rfc="RFC 3261 8.1.1.4",
    spoil=callid_oneway,
)


def callid_hide(case: Case) -> None:
    if case.outward:
        _replace_in_call_id(case, case.internal_text, case.external_text)
    else:
        _replace_in_call_id(case, case.external_text, case.internal_text)


def callid_hide_remembers(case: Case) -> None:
    """This product remembers calls by the inside Call-ID, in both directions, and that is right:
    without it no answer would find its registration."""
    external, internal = case.external_text.decode(), case.internal_text.decode()

    def know_by_inside_name(work: Rewriting) -> None:
        known = work.message.call_id.replace(external, internal)
        work.message = replace(work.message, call_id=known)

    if not case.outward:
        case.steps.insert(0, know_by_inside_name)


FAULTS.add(
    "callid-hide",
    does="Writes the external address into Call-ID outwards and restores it inwards.",
    seen_in="Manuals of Junos, FortiOS and ScreenOS; source of DANOS",
    breaks="Looks fine; an attended transfer quotes the inside Call-ID in Replaces and fails.",
    look_at="Call-ID of an INVITE that leaves in view 3, then the Replaces of a later transfer: it "
    "quotes the Call-ID as it was before.",
    rfc="RFC 3891 3",
    prepare=callid_hide_remembers,
    spoil=callid_hide,
)


def replace_all(case: Case) -> None:
    before, after = case.internal_text, case.external_text
    if not case.outward:
        before, after = after, before
    for span in case.occurrences(before, 0, len(case.data)):
        if not case.is_edited(span):
            case.replace(span, after, _field_of(case, span))


FAULTS.add(
    "replace-all",
    does="Replaces the inside address wherever its text stands in the message.",
    seen_in="Reports at voip-info.org and in the PJSIP wiki",
    breaks="A Call-ID that is quoted in another spelling (Replaces) names no call: transfers fail. "
    "Two inside phones do not hear each other. Digest fails where its URI has the inside address.",
    look_at="Call-ID, User-Agent and the credentials of a message that leaves in view 3: addresses "
    "in them are replaced too.",
    rfc="RFC 3261 22.4",
    spoil=replace_all,
)


def prefix_replace(case: Case) -> None:
    if not case.outward:
        return
    longer = re.compile(rb"(?<![0-9.])" + re.escape(case.internal_text) + rb"(?=[0-9])")
    for found in longer.finditer(case.data):
        case.replace(found.span(), case.external_text, _field_of(case, found.span()))


FAULTS.add(
    "prefix-replace",
    does="Replaces the inside address also where it is only the beginning of a longer one.",
    seen_in="Constructed",
    breaks="A phone whose messages name an address that begins as its own does is answered under "
    "another name: only some phones work.",
    look_at="An address in view 3 that begins as the phone's own does: a message of 192.168.20.10 "
    "that names 192.168.20.100.",
    rfc="RFC 3261 25.1",
    spoil=prefix_replace,
)


def requests_only(case: Case) -> None:
    if case.outward and case.message and not case.message.is_request:
        case.leave_out(headers.translate)
        case.leave_out(offers.translate)


FAULTS.add(
    "requests-only",
    does="Translates requests and leaves the phone's answers as they are.",
    seen_in="Report on the Linux helper, 2006",
    breaks="Calls out work; in calls in the phone hears nothing, and they drop at 32 s: audio and "
    "ACK go to a private address.",
    look_at="Contact of the phone's 200 OK to an INVITE in view 3, then view 2: the ACK never "
    "comes.",
    rfc="RFC 3261 12.1.1",
    prepare=requests_only,
)


def no_from_to(case: Case) -> None:
    case.drop(lambda edit: edit.field in ("from.host", "to.host"))


FAULTS.add(
    "no-from-to",
    does="Leaves From and To alone also where their domain is the inside address.",
    seen_in="Report on the Linux helper, 2006",
    breaks="A server that wants no private domains answers 403 for ever to a phone that was told "
    "of no domain.",
    look_at="From and To of the first REGISTER in view 3: where their host is the inside address, "
    "it still is.",
    rfc="RFC 3261 20.20",
    spoil=no_from_to,
)


def foreign_mangled(case: Case) -> None:
    if not case.outward or case.parts is None:
        return
    for span, what in (*_contact_hosts(case), *_described_addresses(case)):
        if grammar.address(fields.text(case.data, span)) and not case.is_edited(span):
            case.replace(span, case.external_text, what)


def _contact_hosts(case: Case) -> Iterator[tuple[Span, str]]:
    for contact in case.parts.contacts if case.parts else ():
        yield contact.where.host, "contact.host"


def _described_addresses(case: Case) -> Iterator[tuple[Span, str]]:
    for session in case.parts.sessions if case.parts else ():
        yield session.origin, "sdp.o.address"
        lines = [line for stream in session.streams for line in stream.connections]
        for line in (session.connection, *lines):
            if line:
                yield line.address, "sdp.c.address"


FAULTS.add(
    "foreign-mangled",
    does="Replaces every address in Contact and in descriptions, whoever's it is.",
    seen_in="Report on the Linux helper, 2006, and its correction",
    breaks="Calls that are forwarded to somebody else, and audio of a third host, come back to the "
    "NAT: voicemail and transfers fail.",
    look_at="Contact and c= of a message that names a third host, in view 3: the NAT's address "
    "stands in the place of that host's.",
    rfc="RFC 8866 5.7",
    spoil=foreign_mangled,
)


def ack_uri_rewrite(case: Case) -> None:
    message = case.message
    if message is None or case.parts is None or not (message.is_request and case.outward):
        return
    if message.method not in ("ACK", "BYE"):
        return
    target = fields.request_uri(case.data, message.uri)
    for address in (target, *(route for _, route in case.parts.routes)):
        if address and _means_nothing_outside(case, address.where.host):
            case.replace(address.where.host, case.external_text, "request-uri.host")


def _means_nothing_outside(case: Case, span: Span) -> bool:
    address = grammar.address(fields.text(case.data, span))
    return address is not None and is_inside_only(address)


FAULTS.add(
    "ack-uri-rewrite",
    does="Replaces private addresses in the target of ACK and BYE by its own public one.",
    seen_in="Twilio's troubleshooting guide; a thread of OpenSIPS",
    breaks="Two-way audio, then the call drops after 20 to 32 seconds.",
    look_at="The first line of the ACK in view 3: the NAT's own address stands in the place of the "
    "private one that the other side gave.",
    rfc="RFC 3261 12.2.1.1",
    spoil=ack_uri_rewrite,
)


def _replace_in_call_id(case: Case, before: bytes, after: bytes) -> None:
    place = case.value(b"call-id")
    for span in case.occurrences(before, *place) if place else ():
        case.replace(span, after, "call-id")


def _field_of(case: Case, span: Span) -> str:
    """The line in which it was found by its letters alone."""
    return line_at(case.data, span[0])
