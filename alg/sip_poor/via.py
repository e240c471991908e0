"""Faults in Via: the header that says which way an answer goes, and which request it belongs to."""

from __future__ import annotations

from alg.fault import Faults
from alg.sip import fields, grammar
from alg.sip.rewriting import Rewriting
from alg.sip_poor.case import Case

OWN_BRANCH = b"z9hG4bKalg"

FAULTS = Faults[Case]()


def semicolon_lost(case: Case) -> None:
    if case.outward and (semicolon := _first_semicolon(case)) >= 0:
        case.replace((semicolon, semicolon + 1), b"", "via.parameters")


FAULTS.add(
    "semicolon-lost",
    does="Loses the semicolon before the first parameter of the top Via.",
    seen_in="Reports at voip-info.org; sip-alg-detector counts it as critical",
    breaks="The server answers 400, or takes the branch for a part of the port.",
    look_at="The top Via of a message that leaves in view 3: its first parameter follows the port "
    "without a semicolon.",
    rfc="RFC 3261 20.42",
    spoil=semicolon_lost,
)


def stray_char(case: Case) -> None:
    if case.outward and (semicolon := _first_semicolon(case)) >= 0:
        case.replace((semicolon, semicolon), b";", "via.parameters")


FAULTS.add(
    "stray-char",
    does="Slips a second semicolon in before the parameters of the top Via.",
    seen_in="MikroTik lecture on the SIP ALG",
    breaks="The server answers 400 Bad Request.",
    look_at="The top Via of a message that leaves in view 3: two semicolons stand before its first "
    "parameter.",
    rfc="RFC 3261 20.42",
    spoil=stray_char,
)


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
    """The Via below the one that was added is the phone's, so that is the one to restore."""

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


FAULTS.add(
    "own-via",
    does="Plays the proxy: adds a Via of its own and lowers Max-Forwards.",
    seen_in="Sample in the manual of sip-alg-detector",
    breaks="Can be detected; loops are counted wrong, and a server that wants to be the first hop "
    "(RFC 5626) refuses the phone.",
    look_at="The Via lines and Max-Forwards of a request that leaves in view 3: one line more, and "
    "one hop less.",
    rfc="RFC 3261 16.6",
    prepare=own_via_comes_back,
    spoil=own_via,
)


def via_not_restored(case: Case) -> None:
    rules = ("via-restored", "received-restored", "rport-restored", "maddr-restored")
    case.drop(lambda edit: edit.rule in rules)


FAULTS.add(
    "via-not-restored",
    does="Leaves the external address in the top Via of answers inwards.",
    seen_in="siproxd has plug-ins to mend this (fix_DTAG, fix_bogus_via)",
    breaks="A phone that holds to RFC 3261 18.1.2 drops every answer, and never registers; "
    "one that goes by the branch alone (PJSIP) works.",
    look_at="The top Via of the answer to the first REGISTER in view 3, then view 2: the phone "
    "sends the same REGISTER again.",
    rfc="RFC 3261 18.1.2",
    spoil=via_not_restored,
)


def branch_rewrite(case: Case) -> None:
    message = case.message
    if message is None or case.parts is None or case.parts.via is None:
        return
    branch = case.parts.via.parameters.get(b"branch", fields.MISSING)
    aimed = message.is_request and case.outward and message.method in ("ACK", "CANCEL")
    if aimed and branch != fields.MISSING:
        case.replace(branch, b"z9hG4bK%08x" % case.random.getrandbits(32), "via.branch")


FAULTS.add(
    "branch-rewrite",
    does="Gives ACK and CANCEL a new branch.",
    seen_in="Constructed",
    breaks="CANCEL matches no INVITE: the server answers 481, the phone rings on, and whoever "
    "picks up talks to nobody.",
    look_at="The branch in the top Via of a CANCEL that leaves in view 3: it is not the one of its "
    "INVITE.",
    rfc="RFC 3261 9.1",
    spoil=branch_rewrite,
)


def _first_semicolon(case: Case) -> int:
    """The one after the top Via's sent-by; -1 when there is none."""
    span = case.value(b"via")
    if span is None or case.parts is None or case.parts.via is None:
        return -1
    host, port = case.parts.via.sent_by
    return case.data.find(b";", max(host[1], port[1]), span[1])
