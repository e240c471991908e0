"""Session descriptions: where media will be sent, and the pinholes for it.

Outwards, each stream of the inside host gets an external port (RTP and RTCP a pair, adjacent and
of the same parity: rule port-pair), the description names it, and a pinhole lets the peer in: the
signalling peer and, as soon as it is known, the address in the peer's own description (rule
peer-only). Inwards, nothing is translated but a host's own external endpoints coming back.

    inside, as it was              outside, as it leaves          opened
    o=- 1 1 IN IP4 192.168.20.100  o=- 1 1 IN IP4 203.0.113.1
    c=IN IP4 192.168.20.100        c=IN IP4 203.0.113.1
    m=audio 14254 RTP/AVP 0        m=audio 40000 RTP/AVP 0        40000 and 40001, for the peer
    m=video 0 RTP/AVP 31           m=video 0 RTP/AVP 31           port 0 is no stream
    m=audio 9 TCP/MSRP *           m=audio 9 TCP/MSRP *           nothing: it is not over UDP

Opening comes before writing: the description can name a port only when the NAT has given it. A
stream for which it gives none is not announced (invariant I-E5): its line stays as it is or, when
others that were opened share its c= line, is declined by port 0. The others go their way, and what
could not be opened is said.

What is left alone: everything when ICE is present, because ICE finds a way by itself and a default
candidate that no candidate line repeats is "ice-mismatch" (RFC 8445 5.4; rule ice-finds-a-way);
streams over TCP; ranges of ports; addresses that are not this host's (rule unmappable-stays).
"""

from __future__ import annotations

from dataclasses import dataclass

from alg.base import Unavailable
from alg.sip import bodies, dialogs, fields, grammar, pinholes
from alg.sip.dialogs import Call, Media
from alg.sip.fields import MISSING, Span
from alg.sip.rewriting import Rewriting
from alg.sip.sdp import Session, Stream
from nat.endpoint import Endpoint, address_text
from nat.reach import is_inside_only

MOST_OPENED = 8
"""Ports that one message may open: four RTP/RTCP pairs."""
HIGHEST_PORT = 65535

WITH_ICE = "the description offers ICE candidates: it is left alone"
ANOTHER_HOST = (
    "{media} is to go to {rtp}, which is another inside host: its address stays as it is, and "
    "nobody outside can send there"
)
NOT_MAPPED = "a stream is left alone: it is a range of ports, runs over TCP or is not known"


@dataclass(slots=True)
class Plan:
    """What is to become of one stream: its internal ports, and the external ones once known."""

    stream: Stream
    rtp: Endpoint
    rtcp: Endpoint | None
    adjacent: bool
    """Is RTCP on the port above RTP, so that the two are mapped as a pair?"""
    external: Endpoint | None = None
    external_rtcp: Endpoint | None = None
    refused: bool = False
    """Has the NAT not given what the stream needs?"""

    def refuse(self, work: Rewriting, why: object) -> None:
        """It is not announced."""
        self.external = self.external_rtcp = None
        self.refused = True
        work.could_not_open(f"{self.stream.media.decode('latin-1')} at {self.rtp}", why)


def translate(work: Rewriting) -> None:
    """All descriptions of a message, then every length that has changed with them."""
    sessions = [session for session in work.parts.sessions if not session.ice]
    if len(sessions) < len(work.parts.sessions):
        work.note = WITH_ICE
    if not sessions:
        return
    opens = _opens(work)
    plans = [_plans(work, session) for session in sessions]
    if opens and work.outward:
        _map_all(work, plans)
    else:
        _look_up(work, plans)
    if opens:
        _negotiate(work, sessions[0], plans[0])
    for session, planned in zip(sessions, plans, strict=True):
        _rewrite(work, session, planned, everywhere=work.outward and not opens)
    work.edits += bodies.recount(work.parts.body.lengths, work.edits)


def translate_addresses(work: Rewriting) -> None:
    """Only the addresses in o= and c=, wherever they are this host's: no ports, no pinholes."""
    for session in work.parts.sessions:
        _rewrite(work, session, [], everywhere=True)
    work.edits += bodies.recount(work.parts.body.lengths, work.edits)


def _opens(work: Rewriting) -> bool:
    """May this message open pinholes? Not error responses, nor methods that negotiate nothing, nor
    what is still on its way for a call that has been hung up."""
    status = work.message.status
    fits = work.message.method in dialogs.NEGOTIATES and (status is None or 100 < status < 300)
    return fits and not dialogs.recall(work).over


def _plans(work: Rewriting, session: Session) -> list[Plan | None]:
    return [_plan(work, session, stream) for stream in session.streams]


def _plan(work: Rewriting, session: Session, stream: Stream) -> Plan | None:
    """The plan for a stream with an address that may be this host's, or None to leave it."""
    port = grammar.port(fields.text(work.data, stream.port))
    address = _address(work, session, stream)
    if address is None or port is None:
        return None
    rtp = Endpoint(address, port)
    if not stream.is_mappable:
        if work.is_own(rtp):
            work.note = NOT_MAPPED
        return None
    if b"RTP/" not in stream.protocol:  # it has no RTCP
        return Plan(stream, rtp, None, adjacent=False)
    rtcp = _rtcp(work, stream, rtp)
    return Plan(stream, rtp, rtcp, adjacent=rtcp == Endpoint(address, port + 1))


def _address(work: Rewriting, session: Session, stream: Stream) -> int | None:
    """Where the stream is to be sent; None for what is no single IPv4 address."""
    connection = session.connection_of(stream)
    return grammar.address(fields.text(work.data, connection.address)) if connection else None


def _rtcp(work: Rewriting, stream: Stream, rtp: Endpoint) -> Endpoint | None:
    """`a=rtcp` if there is one (RFC 3605 2.1), else that of RTP if they are to share it (RFC 5761
    5.1.1), else the port above RTP (RFC 3550 11)."""
    if stream.rtcp_port == MISSING and stream.rtcp_mux:
        return None
    if stream.rtcp_port == MISSING:
        return Endpoint(rtp.address, rtp.port + 1) if rtp.port < HIGHEST_PORT else None
    port = grammar.port(fields.text(work.data, stream.rtcp_port))
    address: int | None = rtp.address
    if stream.rtcp_address != MISSING:
        address = grammar.address(fields.text(work.data, stream.rtcp_address))
    return None if port is None or address is None else Endpoint(address, port)


def _map_all(work: Rewriting, plans: list[list[Plan | None]]) -> None:
    """Ask for all external ports, stream by stream: what one message may not open in all, or what
    the NAT refuses, is that stream's loss. Ports that are mapped already are answered as they are,
    so a retransmission leaves with the same bytes (rule same-again)."""
    wanted: set[Endpoint] = set()
    for plan in (plan for planned in plans for plan in planned if plan):
        if not work.may_open(plan.rtp):
            _note_another_host(work, plan)
            continue
        ports = {port for port in (plan.rtp, plan.rtcp) if port}
        if len(wanted | ports) > MOST_OPENED:
            plan.refuse(work, f"a description may ask for {MOST_OPENED} ports")
            continue
        wanted |= ports
        try:
            _map(work, plan)
        except Unavailable as reason:
            plan.refuse(work, reason)


def _note_another_host(work: Rewriting, plan: Plan) -> None:
    """A PBX that lets two phones speak directly announces one of them (rule unmappable-stays)."""
    address = plan.rtp.address
    if address != work.context.internal.address and is_inside_only(address):
        media = plan.stream.media.decode("latin-1")
        work.note = ANOTHER_HOST.format(media=media, rtp=plan.rtp)


def _map(work: Rewriting, plan: Plan) -> None:
    """The external ports of one stream. Raises Unavailable."""
    if plan.adjacent and _map_pair(work, plan):
        return
    plan.external = work.context.map(plan.rtp)
    if plan.rtcp and work.may_open(plan.rtcp):
        plan.external_rtcp = work.context.map(plan.rtcp)


def _map_pair(work: Rewriting, plan: Plan) -> bool:
    """Map RTP and RTCP to adjacent ports. False if there are none and they may be apart, because
    the description names that of RTCP (RFC 3605 2.1); raises Unavailable if they may not."""
    try:
        plan.external = work.context.map_pair(plan.rtp)
    except Unavailable:
        if plan.stream.rtcp_port == MISSING:
            raise
        return False
    plan.external_rtcp = Endpoint(plan.external.address, plan.external.port + 1)
    return True


def _look_up(work: Rewriting, plans: list[list[Plan | None]]) -> None:
    """Nothing is asked for, only looked up: inwards, where the endpoints of this host come back,
    and where nothing is negotiated."""
    for plan in (plan for planned in plans for plan in planned if plan):
        plan.external = work.counterpart(plan.rtp, "udp")
        if plan.rtcp:
            plan.external_rtcp = work.counterpart(plan.rtcp, "udp")


def _rewrite(
    work: Rewriting, session: Session, plans: list[Plan | None], *, everywhere: bool
) -> None:
    """Ports of mapped streams, and the addresses they use. A c= line that no mapped stream uses
    stays as it is (rule stream-by-stream), or the other side would send a stream that we have left
    alone to an external address where nobody waits for it. Nobody sends by a message that
    negotiates nothing, so there `everywhere` translates all addresses of this host."""
    restored = "" if work.outward else "-restored"
    mapped = [plan for plan in plans if plan and plan.external]
    used: set[Span] = set()
    for plan in mapped:
        assert plan.external is not None
        text = b"%d" % plan.external.port
        work.replace(plan.stream.port, text, "sdp.m.port", "sdp-port" + restored)
        _rewrite_rtcp(work, plan, restored)
        if connection := session.connection_of(plan.stream):
            used.add(connection.address)
    if everywhere:
        used |= _all_connections(session)
    for span in used:
        work.map_address(span, "sdp.c.address", "sdp-connection" + restored)
    if work.outward or mapped:
        work.map_address(session.origin, "sdp.o.address", "info-sdp-origin" + restored)
    for refused in (plan for plan in plans if plan and plan.refused):
        connection = session.connection_of(refused.stream)
        if connection and connection.address in used:
            # Its c= line now names an address at which nobody waits for it.
            work.replace(refused.stream.port, b"0", "sdp.m.declined", "sdp-declined")


def _rewrite_rtcp(work: Rewriting, plan: Plan, restored: str) -> None:
    """Rule rtcp-attribute. Without the attribute there is nothing to write: RTCP is on the port
    above, and `map_pair` has kept it there."""
    if plan.stream.rtcp_port == MISSING or plan.external_rtcp is None:
        return
    text = b"%d" % plan.external_rtcp.port
    work.replace(plan.stream.rtcp_port, text, "sdp.rtcp.port", "sdp-rtcp" + restored)
    if plan.stream.rtcp_address != MISSING:
        text = address_text(plan.external_rtcp.address).encode()
        work.replace(plan.stream.rtcp_address, text, "sdp.rtcp.address", "sdp-rtcp" + restored)


def _all_connections(session: Session) -> set[Span]:
    """The places of all c= lines that name one IPv4 address."""
    connections = [line for stream in session.streams for line in stream.connections]
    if session.connection:
        connections.append(session.connection)
    return {line.address for line in connections} - {MISSING}


def _negotiate(work: Rewriting, session: Session, plans: list[Plan | None]) -> None:
    """What this description changes in the call, and the pinholes that follow from it.

    Every exchange is one offer and one answer, but they travel in different messages (RFC 3264 4):

        early offer      INVITE: offer      200: answer        ACK: nothing
        delayed offer    INVITE: nothing    200: offer         ACK: answer
        early media      INVITE: offer      183: answer        200: the same answer again
        reliable 18x     INVITE: nothing    183: offer         PRACK: answer
    """
    # Of requests, only ACK is known to carry an answer. PRACK may carry either; taken for an offer,
    # it stands when the 200 to it comes.
    call = dialogs.recall(work)
    asked = dialogs.transaction(work)
    is_answer = asked.method == "ACK" or (not work.message.is_request and asked == call.offer)
    if work.message.is_request and not is_answer:
        call = call._replace(offer=asked)
    call = _agree_on_idle(work, call, session, is_answer)
    if work.outward:
        call = _own_streams(work, call, session, plans, is_answer)
        call = _open_new(work, call, plans)
    else:
        call = _peer_streams(work, call, session, is_answer)
        pinholes.open_if_possible(work, call)
    dialogs.store(work, call)


def _agree_on_idle(work: Rewriting, call: Call, session: Session, is_answer: bool) -> Call:
    """A description in which every stream that is in use is inactive, or (RFC 3264 8.4, as it was
    once written) at 0.0.0.0: if one of the two says so, nobody sends."""
    is_idle = [
        session.direction_of(stream) == b"inactive" or _address(work, session, stream) == 0
        for stream in session.streams
        if _in_use(work, stream)
    ]
    asks = bool(is_idle) and all(is_idle)
    if is_answer:
        return call._replace(is_idle=asks or call.asks_for_idle)
    return call._replace(asks_for_idle=asks)


def _own_streams(
    work: Rewriting, call: Call, session: Session, plans: list[Plan | None], is_answer: bool
) -> Call:
    """The call with the inside host's streams as this description has them. The old ones stay open
    beside them while the other side may still refuse (rule failed-offer-undone)."""
    streams = tuple(
        _media(work, session, plan, is_answer) or _held(work, session, call, index)
        for index, plan in enumerate(plans)
    )
    if streams == call.streams:
        return call
    running = call.before if call.before is not None else call.streams
    changed = call._replace(streams=streams, before=running)
    # Only a request's offer can fail; an answer, or an offer in a 2xx, is as good as agreed.
    provisional = work.message.is_request and not is_answer
    return changed if provisional and running else dialogs.settle(work, changed)


def _media(work: Rewriting, session: Session, plan: Plan | None, is_answer: bool) -> Media | None:
    """Where the inside host listens for a planned stream; RTCP needs no port of its own where the
    answer has agreed to share RTP's (rule port-pair)."""
    if plan is None or plan.external is None:
        return None
    # RFC 5761 5.1.1: the answer decides
    shares = (is_answer and plan.stream.rtcp_mux) or plan.rtcp == plan.rtp
    return Media(plan.rtp, plan.rtcp if plan.external_rtcp and not shares else None)


def _held(work: Rewriting, session: Session, call: Call, index: int) -> Media | None:
    """Rule hold-keeps: an old-style hold (RFC 3264 8.4) says 0.0.0.0 and keeps its port. The stream
    goes on with the port that it had, or resuming would find it closed."""
    stream = session.streams[index]
    on_hold = _address(work, session, stream) == 0 and _in_use(work, stream)
    return call.streams[index] if on_hold and index < len(call.streams) else None


def _peer_streams(work: Rewriting, call: Call, session: Session, is_answer: bool) -> Call:
    """Learn where the peer's media comes from; a stream that it refuses is over (unless another
    branch of a forked call may still take it)."""
    streams, peers = list(call.streams), list(call.peers)
    peers += [None] * (len(session.streams) - len(peers))
    agreed = is_answer and (work.message.status is None or work.message.status >= 200)
    for index, stream in enumerate(session.streams):
        peers[index] = _address(work, session, stream) or peers[index]
        media = streams[index] if index < len(streams) else None
        if media is None or not agreed:
            continue
        if not _in_use(work, stream):
            streams[index] = None
        elif stream.rtcp_mux:
            streams[index] = Media(media.rtp, None)
        elif media.rtcp is None and b"RTP/" in stream.protocol:
            streams[index] = _with_rtcp(work, media)
    after = tuple(streams)
    if after != call.streams:
        dialogs.close_unused(work, call.streams, after)
    return call._replace(streams=after, peers=tuple(peers))


def _with_rtcp(work: Rewriting, media: Media) -> Media:
    """The peer has refused to send RTCP to RTP's port, so it sends it to the port above (RFC 5761
    5.1.1). That is opened only now; it may be gone."""
    if media.rtp.port == HIGHEST_PORT:
        return media
    try:
        work.context.map_pair(media.rtp)
    except Unavailable as reason:
        work.could_not_open(f"RTCP beside {media.rtp}", reason)
        return media
    return Media(media.rtp, media.rtp._replace(port=media.rtp.port + 1))


def _in_use(work: Rewriting, stream: Stream) -> bool:
    """Port 0 ends a stream, or refuses it (RFC 3264 8.2); its m= line stays, so that the others
    keep their places."""
    return fields.text(work.data, stream.port).strip(b"0") != b""


def _open_new(work: Rewriting, call: Call, plans: list[Plan | None]) -> Call:
    """Ask for the pinholes of what is about to be announced. A new stream for which the NAT gives
    none is taken out of the call, and is not announced; one that has been open stays."""
    known = dialogs.recall(work)
    running = (*known.streams, *(known.before or ()))
    open_already = {endpoint for media in running for endpoint in media or ()}
    streams = list(call.streams)
    for index, reason in pinholes.open_each(work, call).items():
        media, plan = streams[index], plans[index]
        if media is None or plan is None or media.rtp in open_already:
            work.could_not_open(pinholes.ONE_MORE, reason)
        else:
            streams[index] = None
            plan.refuse(work, reason)
    dialogs.close_unused(work, call.streams, (*streams, *(call.before or ())))
    return call._replace(streams=tuple(streams))
