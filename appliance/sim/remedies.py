"""What helps: remedies are tried, not guessed.

Each candidate is turned in the same story with the same seed, and what makes the outcome better is
told. Mending at the server comes before the phone, of which there are many; both come before the
NAT's timers, and those before an ALG, which helps one protocol on one router and may harm the next
phone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard

from alg.registry import APPLICATIONS
from appliance.journal.events import PacketDropped
from appliance.parties.pbx import PbxTraits
from appliance.parties.phone import PhoneTraits
from appliance.parties.proxy import ProxyTraits
from appliance.parties.stunserver import StunServerTraits
from appliance.sim import outcome
from appliance.sim.ends import SIGNED_OFF
from appliance.sim.knobs import Remedy
from appliance.sim.outcome import Outcome
from appliance.sim.simulation import Simulation
from nat.drop import Drop
from nat.endpoint import address_text
from nat.mapping import Why

FROM_BEST_TO_WORST = (
    (outcome.BOTH_WAYS,),
    (outcome.ONE_WAY_AUDIO,),
    (outcome.NO_AUDIO,),
    (outcome.CALL_DROPPED,),
    (outcome.NOT_REACHED, outcome.REJECTED),
    (outcome.REGISTRATION_LOST,),
    (outcome.REGISTRATION_FAILED,),
)
QUALIFY = 30.0
"""Seconds between the questions of a server that keeps mappings open."""
LONG_ENOUGH = 300.0
"""Seconds that a mapping for UDP may be silent where phones work (RFC 4787 REQ-5)."""
HANGS_ON_A_MAPPING = (outcome.NOT_REACHED, outcome.REGISTRATION_LOST, outcome.CALL_DROPPED)
"""What can come of a NAT that has forgotten a phone."""

NO_PORT = Drop.NO_PORT.reason
EVICTED = Why.EVICTED.value
SOME = 8
"""Ports that a host with a phone can do with: signalling, and RTP and RTCP of a call or two."""

NEEDLESS = "The ALG mends nothing here and is harmless: with it off everybody is heard as well."


def remedies(simulation: Simulation) -> list[Remedy]:
    """All that was tried and makes a run's outcome better, in the order in which to try them.
    Nothing when everybody is heard, or who is not reached has wanted it so."""
    before = rank(simulation.outcome().outcome)
    if any(cause.rule == SIGNED_OFF for cause in simulation.causes()):
        return []
    return [
        remedy
        for kind in (_at_the_proxy, _at_the_server, _at_the_phone, _in_the_nat, _in_the_alg)
        for remedy in _best_of(kind(simulation), before, simulation)
    ]


def needless(simulation: Simulation) -> str:
    """Of a run in which everybody is heard: whether that is so with every ALG off as well, as a
    sentence; empty if not, or if they are off. Whoever talks only because of an ALG may be a
    stranger whom it has let in, and then it is not called harmless."""
    active = {f"alg.{slot}.module": "off" for slot in _slots_used(simulation)}
    are_off = all(simulation.engine.settings[key] == "off" for key in active)
    came_to = simulation.outcome()
    if rank(came_to.outcome) or are_off or simulation.judge.leaks():
        return ""
    without = simulation.again(active).outcome()
    same = not rank(without.outcome) and _who_talk(without) == _who_talk(came_to)
    return NEEDLESS if same else ""


def _who_talk(came_to: Outcome) -> set[tuple[str, str]]:
    streams: Any = came_to.evidence["audio"]
    return {(each["talker"], each["listener"]) for each in streams}


def rank(word: str) -> int:
    """0 is the best."""
    return next(place for place, words in enumerate(FROM_BEST_TO_WORST) if word in words)


Candidate = tuple[str, dict[str, Any]]


def _best_of(
    candidates: Iterator[Candidate],
    before: int,
    simulation: Simulation,
) -> Iterator[Remedy]:
    """Each that is better than all before it; the rest of a kind is not tried after the best."""
    best = before
    for sentence, turns in candidates:
        if not best:
            return
        word = simulation.again(turns).outcome().outcome
        if rank(word) < best:
            best = rank(word)
            yield Remedy(sentence, turns, word)


def _behind_the_nat(name: str, table: PbxTraits, simulation: Simulation) -> Iterator[Candidate]:
    if not table.externip and _is_called_from_outside(simulation):
        outside = address_text(simulation.engine.settings["outside.external"][0])
        yield f"Tell {name} what it is outside.", {f"parties.{name}.externip": outside}


def _is_called_from_outside(simulation: Simulation) -> bool:
    """Is there a phone outside? Of no other is what a server says about itself a matter."""
    tables = simulation.scenario.parties.values()
    return any(isinstance(each, PhoneTraits) and each.side == "outside" for each in tables)


def _at_the_proxy(simulation: Simulation) -> Iterator[Candidate]:
    for name, table in simulation.scenario.parties.items():
        if isinstance(table, ProxyTraits) and not table.relays_media:
            yield f"Let {name} relay all audio.", {f"parties.{name}.relays_media": True}


def _at_the_server(simulation: Simulation) -> Iterator[Candidate]:
    for name, table in simulation.scenario.parties.items():
        if not isinstance(table, PbxTraits):
            continue
        if table.side == "inside":
            yield from _behind_the_nat(name, table, simulation)
            continue
        comedia, rport = f"parties.{name}.comedia", f"parties.{name}.force_rport"
        both: dict[str, Any] = {}
        if table.phones_at:
            yield f"Let {name} carry all audio itself.", {f"parties.{name}.phones_at": ""}
        if table.ice == "insists":
            sentence = f"Let {name} go by c= and m= where ICE is given up."
            yield sentence, {f"parties.{name}.ice": "falls-back"}
        does = ""
        if not table.talks_to_source:
            does = "send audio to where audio comes from"
            yield f"Let {name} {does}.", {comedia: True}
            both[comedia] = True
        if not table.answers_to_source:
            does = "answer and call where requests come from"
            yield f"Let {name} {does}.", {rport: True}
            both[rport] = True
        if len(both) == 2:
            does = "answer, call and talk to where packets come from"
            yield f"Let {name} {does}.", both
        word = simulation.outcome().outcome
        hangs = word in HANGS_ON_A_MAPPING or (both and word == outcome.REGISTRATION_FAILED)
        if hangs and table.transport == "udp":  # in a stream it only moves things on
            yield from _asking(name, table, does, both)


def _asking(name: str, table: PbxTraits, does: str, both: dict[str, Any]) -> Iterator[Candidate]:
    """A server that asks keeps mappings open, alone or with what else it may do (`both`, in words
    `does`)."""
    if not 0 < table.qualify <= QUALIFY:
        often = {f"parties.{name}.qualify": QUALIFY}
        asks = f"ask the phone something every {QUALIFY:.0f} s, so that the mapping stays open"
        yield f"Let {name} {asks}.", often
        if both:
            yield f"Let {name} {does}, and {asks}.", {**both, **often}
    elif table.only_behind_nat:
        sentence = f"Let {name} ask every phone, and not only where it sees a NAT."
        yield sentence, {f"parties.{name}.only_behind_nat": False}


def _at_the_phone(simulation: Simulation) -> Iterator[Candidate]:
    """Keep-alives only where a forgotten mapping may be the reason: of phones there are many."""
    servers = [each for each in simulation.scenario.parties.values() if _is_stun_outside(each)]
    for name, table in simulation.scenario.parties.items():
        if isinstance(table, PhoneTraits) and table.side == "inside":
            yield from _tell_it_what_it_is_outside(name, table, servers)
        if isinstance(table, PhoneTraits) and table.stun:
            sentence = f"Let {name}'s phone ask no STUN server."
            yield sentence, {f"parties.{name}.stun": ""}
        if isinstance(table, PhoneTraits) and name in _doubles(simulation):
            sentence = f"Give {name}'s phone a port of its own: {table.sip_port + 2}."
            yield sentence, {f"parties.{name}.sip_port": table.sip_port + 2}
        if isinstance(table, PhoneTraits) and table.digits_by == "info":
            sentence = f"Let {name}'s phone send its keys beside the audio."
            yield sentence, {f"parties.{name}.digits_by": "events"}
        if isinstance(table, PhoneTraits) and table.configuration and table.fetches_by == "active":
            sentence = f"Let {name}'s phone open the connection for its file itself."
            yield sentence, {f"parties.{name}.fetches_by": "passive"}
    if simulation.outcome().outcome not in HANGS_ON_A_MAPPING:
        return
    for name, table in simulation.scenario.parties.items():
        if isinstance(table, PhoneTraits) and table.side == "inside" and table.keep_alive == "none":
            sentence = f"Let {name}'s phone send a line end every {table.keep_alive_every:.0f} s."
            yield sentence, {f"parties.{name}.keep_alive": "crlf"}


def _doubles(simulation: Simulation) -> list[str]:
    """The inside phones whose port for signalling another one has before them."""
    taken: set[int] = set()
    found: list[str] = []
    for name, table in simulation.scenario.parties.items():
        if isinstance(table, PhoneTraits) and table.side == "inside":
            if table.sip_port in taken:
                found.append(name)
            taken.add(table.sip_port)
    return found


def _is_stun_outside(table: object) -> TypeGuard[StunServerTraits]:
    return isinstance(table, StunServerTraits) and table.side == "outside"


def _tell_it_what_it_is_outside(
    name: str, table: PhoneTraits, servers: list[StunServerTraits]
) -> Iterator[Candidate]:
    """A phone can send from where it listens, and write what it is outside, if somebody tells it:
    its registrar (RFC 3581) or a STUN server (RFC 8489), where there is one."""
    if table.send_from:
        sentence = f"Let {name}'s phone send from the port that it listens on."
        yield sentence, {f"parties.{name}.send_from": 0}
    if table.rtp_from:
        sentence = f"Let {name}'s phone send audio from the port that it listens on."
        yield sentence, {f"parties.{name}.rtp_from": 0}
    if table.transport == "udp" and not table.rport and not table.stun:
        sentence = f"Let {name}'s phone ask its registrar what it is outside (rport), and write it."
        yield sentence, {f"parties.{name}.rport": True}
    if not table.stun and servers:
        server = f"{servers[0].address}:{servers[0].port}"
        sentence = f"Let {name}'s phone ask the STUN server {server} what it is outside."
        yield sentence, {f"parties.{name}.stun": server}


def _in_the_nat(simulation: Simulation) -> Iterator[Candidate]:
    if simulation.engine.settings["nat.timeouts.udp"] < LONG_ENOUGH:
        sentence = f"Let the NAT keep silent mappings for {LONG_ENOUGH / 60:.0f} minutes."
        yield sentence, {"nat.timeouts.udp": LONG_ENOUGH}
    first, last = simulation.engine.settings["nat.port_range"]
    troubles = simulation.witness.evidence.troubles
    if any(isinstance(each, PacketDropped) and each.reason == NO_PORT for each in troubles):
        share = max(SOME, (last - first + 1) // 4)
        sentence = f"Let no inside host have more than {share} of the NAT's ports."
        yield sentence, {"nat.limits.ports_per_host": share}
    flows = simulation.engine.settings["nat.limits.flows"] // 2
    evicted = any(each.why == EVICTED for each in simulation.witness.evidence.forgotten)
    if evicted and not 0 < simulation.engine.settings["nat.limits.flows_per_host"] <= flows:
        sentence = f"Let no inside host have more than {flows} of the NAT's flows."
        yield sentence, {"nat.limits.flows_per_host": flows}
    if not simulation.engine.settings["nat.hairpin"]:
        yield "Let the NAT send back in what is for its own addresses.", {"nat.hairpin": True}


def _in_the_alg(simulation: Simulation) -> Iterator[Candidate]:
    for slot in _slots_used(simulation):
        key, correct = f"alg.{slot}.module", slot
        module = simulation.engine.settings[key]
        if module != "off":
            yield "Switch the ALG off.", {key: "off"}
        if module != correct:
            yield "Use a correct ALG.", {key: correct}


def _slots_used(simulation: Simulation) -> list[str]:
    """Those through which messages passed, and those in which a module is at work: its faults may
    be such that none passes."""
    settings = simulation.engine.settings
    passed = {message.alg for message in simulation.witness.evidence.messages.values()}
    at_work = {slot for slot in APPLICATIONS if settings[f"alg.{slot}.module"] != "off"}
    return sorted(passed | at_work)
