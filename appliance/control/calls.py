"""`show call ID`: one call with all that the NAT has to do with it, and how it stands.

A call is known by its messages (`alg.base.Follower`), flows and expectations are known by the NAT;
here they are put together. All flows are looked at, some at a time, because media may come from
where nobody announced it, and that is what people ask about.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from alg.base import Announced, Conversation
from appliance.control.documents import expectation_row, flow_row
from appliance.control.verdict import Heard, verdict
from appliance.engine import Engine
from nat.endpoint import PROTOCOL_NAMES, UDP, Endpoint
from nat.mapping import Flow
from nat.reach import is_inside_only

FLOWS_PER_STEP = 500
SIGNALLING = "signalling"
UNANNOUNCED = "not announced"


def call(engine: Engine, name: str, now: float) -> Generator[None, None, dict[str, object] | None]:
    """The document of the call with this Call-ID, or whose Call-ID alone begins so; None when
    there is none. A step for every `FLOWS_PER_STEP` flows."""
    found = engine.conversations.find(name, now)
    if found is None:
        return None
    carried: list[tuple[Flow, str]] = []
    for number, flow in enumerate(list(engine.nat.table.flows.values()), 1):
        if not flow.is_over and flow.is_alive(now) and (what := _carries(flow, found)):
            carried.append((flow, what))
        if number % FLOWS_PER_STEP == 0:
            yield
    carried = [each for each in carried if not each[0].is_over]  # it may have ended meanwhile
    media = [flow for flow, what in carried if what != SIGNALLING]
    return {
        **found.row,
        "verdict": found.sentence or verdict(found, _heard(engine, found, media), now),
        "warnings": list(_warnings(found)),
        "inferred": [each._asdict() for each in engine.conversations.inferred(found, now)],
        "announced": [_announced_row(each) for each in found.announced],
        "flows": [{**flow_row(flow, now, engine.hints), "carries": what} for flow, what in carried],
        "expectations": list(_expectations(engine, found, now)),
        "packets_out": sum(flow.outbound.packets for flow in media),
        "packets_in": sum(flow.inbound.packets for flow in media),
    }


def _warnings(found: Conversation) -> Iterator[str]:
    """Streams that are announced for a host which none of the messages come from, by an address
    that means something only inside: a PBX does so that lets two phones speak directly."""
    speakers = {way.internal.address for way in found.ways}
    for each in found.announced:
        stays = each.shown.address not in speakers and is_inside_only(each.shown.address)
        if each.is_inside and stays and each.hears:
            yield (
                f"{each.party}'s {each.media} is to go to {each.shown}, another inside host: no "
                "ALG opens a port for a host that did not ask, and nobody outside can send there. "
                "Switch direct media off at the PBX, or let it relay the audio"
            )


def _carries(flow: Flow, found: Conversation) -> str:
    """What of the call a flow carries, if anything: its messages, a stream that was announced, or
    something that goes to where the other side listens."""
    mapping = flow.mapping
    internal, remote = mapping.internal, flow.remote
    way = (PROTOCOL_NAMES.get(mapping.protocol, ""), internal, remote)
    if way in found.ways:
        return SIGNALLING
    if mapping.protocol != UDP:
        return ""
    for each in found.announced:
        if each.is_inside and each.own == internal:
            return each.media
    is_ours = any(each.internal.address == internal.address for each in found.ways)
    if is_ours and any(each.shown == remote for each in found.announced if not each.is_inside):
        return UNANNOUNCED
    return ""


def _heard(engine: Engine, found: Conversation, flows: list[Flow]) -> list[Heard]:
    """What each inside party says and hears, stream by stream."""
    outside = [each for each in found.announced if not each.is_inside]
    return [
        _of_stream(engine, each, outside, flows)
        for each in found.announced
        if each.is_inside and (each.sends or each.hears)
    ]


def _of_stream(
    engine: Engine, mine: Announced, outside: list[Announced], flows: list[Flow]
) -> Heard:
    alike = [each for each in outside if each.media == mine.media and each.own != mine.shown]
    # Between two inside hosts each is seen from both sides; who calls its own name is told from
    # its echo by the endpoint alone.
    others = [each for each in alike if each.party != mine.party] or alike
    own = [flow for flow in flows if flow.mapping.internal == mine.own]
    places = {each.shown for each in others}
    sent = [
        flow
        for flow in flows
        if flow.mapping.internal.address == mine.own.address
        and (flow.remote in places or flow.mapping.internal == mine.own)
    ]
    leaves_from = next((flow.mapping.external for flow in sent if flow.outbound.packets), None)
    return Heard(
        mine,
        others[-1] if others else None,
        _latest(flow.inbound.last for flow in own),
        _latest(flow.outbound.last for flow in sent),
        leaves_from,
        _is_open(engine, mine),
    )


def _latest(times: Iterator[float | None]) -> float | None:
    return max((each for each in times if each is not None), default=None)


def _is_open(engine: Engine, mine: Announced) -> bool:
    """Does what was announced for this stream lead to it?"""
    at: Endpoint = mine.shown
    return any(each.internal == mine.own for each in engine.nat.table.mappings.at(UDP, at))


def _expectations(engine: Engine, found: Conversation, now: float) -> Iterator[dict[str, object]]:
    by_parent = engine.nat.table.expectations.by_parent
    for parent in found.parents:
        for each in by_parent.get(parent, ()):
            if each.deadline > now:
                yield expectation_row(each, now)


def _announced_row(each: Announced) -> dict[str, object]:
    return {
        "media": each.media,
        "party": each.party,
        "side": "inside" if each.is_inside else "outside",
        "own": str(each.own),
        "shown": str(each.shown),
        "sends": each.sends,
        "hears": each.hears,
    }
