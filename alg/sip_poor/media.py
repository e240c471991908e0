"""Faults in session descriptions: who hears whom.

Most of them leave a step of the correct ALG out, for all messages or for those of one kind. Real
products got these faults in the same way: their authors had not thought of that kind of message.
"""

from __future__ import annotations

from collections.abc import Iterator

from alg.fault import Faults
from alg.sip import fields, grammar, offers, pinholes
from alg.sip.fields import MISSING
from alg.sip.rewriting import Rewriting
from alg.sip.sdp import Connection, Session, Stream
from alg.sip_poor.case import Case

COUNTED_FOR = 64.0
"""Seconds in which repetitions of one INVITE are counted: twice what a phone repeats it."""

FAULTS = Faults[Case]()


def port_over_65535(case: Case) -> None:
    for stream in _streams(case) if case.outward else ():
        if port := grammar.port(case.after(stream.port)):
            case.replace(stream.port, b"%d" % (port + 65536), "sdp.m.port")


FAULTS.add(
    "port-over-65535",
    does="Writes a media port that is too large by 65536.",
    seen_in="Reports at voip-info.org",
    breaks="A server that reads the port as a number refuses the description (488); one that keeps "
    "16 bits of it is back at the right port.",
    look_at="The m= line of an INVITE that leaves in view 3: no port can be that large.",
    rfc="RFC 8866 5.14",
    spoil=port_over_65535,
)


def no_sdp(case: Case) -> None:
    case.leave_out(offers.translate)


FAULTS.add(
    "no-sdp",
    does="Translates the headers and leaves the session description alone.",
    seen_in="MikroTik lecture on the SIP ALG; many simple routers",
    breaks="One-way audio: the other side sends its audio to a private address.",
    look_at="The c= line of an INVITE that leaves in view 3: it still has the phone's address, "
    "marked as missed.",
    rfc="RFC 8866 5.7",
    prepare=no_sdp,
)


def c_only(case: Case) -> None:
    case.instead(offers.translate, offers.translate_addresses)


FAULTS.add(
    "c-only",
    does="Translates the address in the description, and not the port.",
    seen_in="PJSIP wiki, on naive ALGs",
    breaks="One-way audio where the NAT does not keep the port: the one announced is not open.",
    look_at="The port in the m= line of an INVITE that leaves in view 3, then glassnat show "
    "expectations: that port is not among them.",
    rfc="RFC 8866 5.14",
    prepare=c_only,
)


def session_c_only(case: Case) -> None:
    places = {line.address for stream in _streams(case) for line in stream.connections}
    case.drop(lambda edit: (edit.start, edit.end) in places)


FAULTS.add(
    "session-c-only",
    does="Overlooks a c= line that stands under an m= line.",
    seen_in="Correction in the Linux helper",
    breaks="One-way audio with phones that write c= under m=; else the second stream is one-way.",
    look_at="The c= line under an m= line of an INVITE that leaves in view 3: it still has the "
    "phone's address.",
    rfc="RFC 8866 5.7",
    spoil=session_c_only,
)


def audio_only(case: Case) -> None:
    def forget_the_others(work: Rewriting) -> None:
        for session in work.parts.sessions:
            session.streams = [stream for stream in session.streams if stream.media == b"audio"]

    case.steps.insert(0, forget_the_others)


FAULTS.add(
    "audio-only",
    does="Looks at m=audio and at no other stream.",
    seen_in="Manual of FortiOS; the Linux helper before it learned m=image",
    breaks="Fax over T.38 and video fail.",
    look_at="The m=image or m=video line of an INVITE that leaves in view 3, then glassnat show "
    "expectations: its port is not among them.",
    rfc="RFC 8866 5.14",
    prepare=audio_only,
)


def expect_clash(case: Case) -> None:
    """A new expectation for a port meets the old one, and so the message is dropped."""
    message = case.message
    if message is None or not (case.outward and message.is_request and message.method == "INVITE"):
        return
    for stream in _streams(case):
        port = grammar.port(fields.text(case.data, stream.port))
        key = ("old expectation", case.context.internal.address, port)
        owner = (message.call_id, stream.media)
        if port and case.context.recall(key) not in (None, owner):
            case.refuse()
        elif port:
            case.context.remember(key, owner, pinholes.FIRST_PACKET)


FAULTS.add(
    "expect-clash",
    does="Keeps the old expectation, stumbles over it and drops the message.",
    seen_in="Correction in the Linux helper, 2019",
    breaks="A phone that takes a port again gets no answer to its INVITE: the next call is not "
    "reached, and a fax on the port of its call fails.",
    look_at="The second INVITE with the same media port in view 2: the NAT drops it "
    "(refused-by-alg).",
    rfc="RFC 3264 8.3.1",
    kind="refuse",
    prepare=expect_clash,
)


def direct_media_refused(case: Case) -> None:
    """An INVITE within a call that moves the media to another host than its sender's."""
    message, recipient = case.message, case.value(b"to")
    if message is None or not (message.is_request and message.method == "INVITE"):
        return
    if recipient is None or b";tag=" not in fields.text(case.data, recipient).lower():
        return
    context = case.context
    sender = context.internal.address if case.outward else context.remote.address
    named = (grammar.address(fields.text(case.data, line.address)) for line in _connections(case))
    if any(address not in (None, 0, sender) for address in named):
        case.refuse()


FAULTS.add(
    "direct-media-refused",
    does="Drops the INVITE that lets the audio of a call flow directly to another host.",
    seen_in="MikroTik lecture on the SIP ALG: sip-direct-media=no",
    breaks="A server that lets audio flow directly gets no answer, and ends the call after half a "
    "minute; one that relays all audio works.",
    look_at="The drops counted as refused-by-alg one second after the answer, then the c= line of "
    "that INVITE in view 3: it names another host than the server.",
    rfc="RFC 3261 14.1",
    kind="refuse",
    prepare=direct_media_refused,
)


def odd_to_even(case: Case) -> None:
    for stream in _streams(case) if case.outward else ():
        port = grammar.port(case.after(stream.port))
        if port and port % 2:
            case.replace(stream.port, b"%d" % (port - 1), "sdp.m.port")


FAULTS.add(
    "odd-to-even",
    does="Rounds the media port down to an even one.",
    seen_in="Source of the Linux helper nf_conntrack_sip",
    breaks="Silence for phones that use odd ports.",
    look_at="The port in the m= line of an INVITE that leaves in view 3, if the phone offers an "
    "odd one: it is lower by one than the port that is open.",
    rfc="RFC 3605 2",
    spoil=odd_to_even,
)


def hold_broken(case: Case) -> None:
    for line in _connections(case) if case.outward else ():
        if grammar.address(fields.text(case.data, line.address)) == 0:
            case.replace(line.address, case.external_text, "sdp.c.address")


FAULTS.add(
    "hold-broken",
    does="Writes its public address over 0.0.0.0.",
    seen_in="Source of pktkit; symptoms reported by Emetrotel",
    breaks="Hold does not hold: music leaks, or the other side waits for audio and hangs up.",
    look_at="The c= line of the INVITE that puts the call on hold, in view 3: 0.0.0.0 has become "
    "the NAT's address.",
    rfc="RFC 3264 8.4",
    spoil=hold_broken,
)


def retrans_remap(case: Case) -> None:
    message = case.message
    if message is None or not (case.outward and message.is_request and message.method == "INVITE"):
        return
    key = ("retransmission", message.call_id, message.cseq)
    times = case.context.recall(key) or 0
    case.context.remember(key, times + 1, COUNTED_FOR)
    for stream in _streams(case) if times else ():
        if port := grammar.port(case.after(stream.port)):
            case.replace(stream.port, b"%d" % (port + 2 * times), "sdp.m.port")


FAULTS.add(
    "retrans-remap",
    does="Announces a new port with every repetition of an INVITE.",
    seen_in="siproxd, corrected in 2019",
    breaks="The phone hears the other side only if the first INVITE was the one that got answered.",
    look_at="The m= lines of an INVITE and of its repetitions in view 3: each announces another "
    "port.",
    rfc="RFC 3261 17.1.1.2",
    spoil=retrans_remap,
)


def delayed_offer_blind(case: Case) -> None:
    if case.message and case.message.method == "ACK":
        case.leave_out(offers.translate)


FAULTS.add(
    "delayed-offer-blind",
    does="Overlooks the description in an ACK.",
    seen_in="siproxd before 2005",
    breaks="The phone hears nothing in a call that was made without an offer.",
    look_at="The body of the ACK in view 3, in a call whose INVITE had no body: its c= line is not "
    "translated.",
    rfc="RFC 3264 4",
    prepare=delayed_offer_blind,
)


def early_media_blind(case: Case) -> None:
    if case.message and case.message.status and case.message.status < 200:
        case.leave_out(offers.translate)


FAULTS.add(
    "early-media-blind",
    does="Overlooks the description in 18x answers.",
    seen_in="Comment in the source of DANOS",
    breaks="A phone that sends nothing before the answer hears no ring-back tone from another host "
    "than the server.",
    look_at="The 183 of a call in view 3 and glassnat show expectations after it: the media that "
    "it describes are not let in before the 200.",
    rfc="RFC 3960 3",
    kind="expect",
    prepare=early_media_blind,
)


def prack_update_blind(case: Case) -> None:
    if case.message and case.message.method in ("PRACK", "UPDATE"):
        case.leave_out(offers.translate)


FAULTS.add(
    "prack-update-blind",
    does="Overlooks the descriptions in PRACK and UPDATE.",
    seen_in="siproxd before 2007 and 2010",
    breaks="The phone hears nothing after an UPDATE.",
    look_at="The c= line of an UPDATE or PRACK that leaves in view 3: it still has the phone's "
    "address.",
    rfc="RFC 3311 5.1",
    prepare=prack_update_blind,
)


def ice_default_only(case: Case) -> None:
    def overlook_candidates(work: Rewriting) -> None:
        for session in work.parts.sessions:
            session.ice = False

    case.steps.insert(0, overlook_candidates)


FAULTS.add(
    "ice-default-only",
    does="Translates c= and m= although the description offers ICE candidates.",
    seen_in="PJSIP wiki and issue tracker",
    breaks="The other side finds an ICE mismatch. If it insists on ICE it sends no audio; if it "
    "falls back to c= and m= nobody notices.",
    look_at="The c= line of an INVITE with a=candidate lines in view 3: its address is no longer "
    "one of the candidates.",
    rfc="RFC 8445 5.4",
    prepare=ice_default_only,
)


def rtcp_attr_stale(case: Case) -> None:
    case.drop(lambda edit: edit.rule.startswith("sdp-rtcp"))


FAULTS.add(
    "rtcp-attr-stale",
    does="Leaves the private address in a=rtcp.",
    seen_in="Source of the Linux helper nf_conntrack_sip; Kamailio had to mend it",
    breaks="RTCP is lost: no quality reports, and some phones hang up for it.",
    look_at="The a=rtcp line of an INVITE that leaves in view 3: it still has the phone's address.",
    rfc="RFC 3605 2.1",
    spoil=rtcp_attr_stale,
)


def _sessions(case: Case) -> list[Session]:
    return case.parts.sessions if case.parts else []


def _streams(case: Case) -> Iterator[Stream]:
    for session in _sessions(case):
        yield from session.streams


def _connections(case: Case) -> Iterator[Connection]:
    for session in _sessions(case):
        if session.connection and session.connection.address != MISSING:
            yield session.connection
    for stream in _streams(case):
        yield from (line for line in stream.connections if line.address != MISSING)
