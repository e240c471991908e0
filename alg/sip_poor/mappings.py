"""Faults of mapping: a NAT that gives out, shares or loses the wrong external endpoints.

No message is wrong here. Each function stands at a decision point of the NAT (`nat/policy.py`):
it gets the normal answer and the facts, and answers something else. What has been decided for
flows that exist stays as it is; the settings that `behavior` changes hold for them at once.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import replace

from alg.fault import Faults
from alg.sip import fields, register
from alg.sip_poor.case import Case
from alg.sip_poor.verbs import WrappedContext
from nat.behavior import Behavior, Dependence, PortPolicy
from nat.endpoint import UDP, Endpoint
from nat.mapping import Flow, Mapping
from nat.policy import AddressWish, PortWish, ReverseWish

FAULTS = Faults[Case]()

SIP = 5060
"""The port that registrars listen on (RFC 3261 19.1.2)."""


def stun_clash(case: Case) -> None:
    """When the registrar has answered a phone that knows its public address, the phone's mapping
    is given up."""
    context = case.context
    if case.message is None or case.parts is None or case.message.method != "REGISTER":
        return
    key = ("knows its public address", context.internal)
    if case.outward:
        hosts = [fields.text(case.data, contact.where.host) for contact in case.parts.contacts]
        if case.external_text in hosts:
            context.remember(key, True, register.TRANSACTION_LIFE)
    elif context.recall(key):
        case.leave_out(register.follow)
        case.leave_out(register.keep_signalling)
        context.keep(0.0)


def another_port(normal: int | None, wish: PortWish) -> int | None:
    """Not the port that this endpoint had just now."""
    if normal is not None and wish.was_given_up(normal):
        return wish.at_random()
    return normal


def not_for_the_registrar(normal: bool, mapping: Mapping, remote: Endpoint) -> bool:
    """A mapping that serves a STUN server is given up when the phone speaks SIP."""
    return normal and (remote.port != SIP or not_for_two(normal, mapping, remote))


FAULTS.add(
    "stun-clash",
    does="Takes a new port for each registration of a phone that knows its public address.",
    seen_in="Speedtouch 780 together with STUN in the phone",
    breaks="The registrar sees the ports jump, nonces cross: registering never succeeds.",
    look_at="The external port of the phone's signalling flow in view 1: another one with every "
    "REGISTER.",
    rfc="RFC 4787 REQ-1",
    kind="port",
    prepare=stun_clash,
    decisions={"port": another_port, "serves": not_for_the_registrar},
)


def unrelated_port(normal: int, wish: PortWish) -> int:
    return wish.at_random() or normal


FAULTS.add(
    "rtcp-not-adjacent",
    does="Gives RTCP a port that is not the one above its RTP.",
    seen_in="Source of pktkit",
    breaks="RTCP is lost; phones that watch it hang up.",
    look_at="The external ports of RTP and RTCP in glassnat show mappings: they are not "
    "neighbours.",
    rfc="RFC 3605 1",
    kind="rtcp_port",
    decisions={"rtcp_port": unrelated_port},
)


def no_hairpin(normal: Behavior) -> Behavior:
    return replace(normal, hairpin=False)


FAULTS.add(
    "no-hairpin",
    does="Does not send packets back in that were sent to its own external address.",
    seen_in="Restcomm, issue 858; RFC 4787 had to ask for it",
    breaks="No audio between two desks, while calls to the outside are fine.",
    look_at="The drops counted as no-hairpin on the inside wire (glassnat show counters).",
    rfc="RFC 4787 REQ-9",
    kind="behavior",
    decisions={"behavior": no_hairpin},
)


def not_for_two(normal: bool, mapping: Mapping, remote: Endpoint) -> bool:
    """A mapping that serves another remote already is given up for the new one."""
    return normal and (mapping.opened_by != "packet" or not mapping.permitted)


FAULTS.add(
    "remap-on-new-flow",
    does="Gives a phone's port another mapping as soon as it talks to one more remote.",
    seen_in="PJSIP wiki, on STUN and NATs that change their minds",
    breaks="What the phone registered, or learned by STUN, is a dead port.",
    look_at="The external port of the phone's signalling in view 1: another one for each remote, "
    "and the one that was registered is gone.",
    rfc="RFC 4787 REQ-1",
    kind="serves",
    decisions={"serves": not_for_two, "port": another_port},
)


def other_socket(normal: Endpoint, wish: ReverseWish) -> Endpoint:
    """Whatever the host mapped last."""
    siblings = wish.siblings()
    return siblings[-1] if siblings else normal


FAULTS.add(
    "wrong-port-forward",
    does="Hands what comes in to another port of the same host, when several are open.",
    seen_in="PJSIP wiki",
    breaks="One-way audio: it comes to a port of the phone's where nobody listens, or which is for "
    "RTCP or signalling. A server behind forwarded ports gets no REGISTER.",
    look_at="The destination of a packet that comes in, before and after translation (glassnat "
    "watch --points): the host is right and the port is not.",
    rfc="RFC 3022 4.1",
    kind="reverse",
    decisions={"reverse": other_socket},
)

FIRST_STAGE, SECOND_STAGE = 5060 ^ 17973, 5060 ^ 40625
"""The two source ports that were seen one after the other in the place of 5060. Exclusive-or keeps
different ports different."""


def two_stages(normal: int | None, wish: PortWish) -> int | None:
    port = wish.internal.port ^ SECOND_STAGE
    return port if port and wish.is_free(port) else normal


def after_one_stage(normal: Endpoint | None, internal: Endpoint) -> Endpoint | None:
    return internal._replace(port=internal.port ^ FIRST_STAGE)


def one_stage_back(normal: Endpoint, wish: ReverseWish) -> Endpoint:
    return normal._replace(port=normal.port ^ FIRST_STAGE or normal.port)


FAULTS.add(
    "reply-port-lost",
    does="Translates the source port twice on the way out, and back only once.",
    seen_in="Check Point's SIP_UDP service: 5060, 17973, 40625",
    breaks="Replies reach the host on a port where nobody listens: registering loops.",
    look_at="A packet that goes out passes translation twice (glassnat watch --points), from 5060 "
    "to 17973 and from 17973 to 40625; its answer passes it once, from 40625 to 17973, and the "
    "phone listens on 5060.",
    rfc="RFC 3022 4.1",
    kind="reverse",
    decisions={"port": two_stages, "halfway": after_one_stage, "reverse": one_stage_back},
)


def same_port_for_all(normal: int | None, wish: PortWish) -> int | None:
    """The inside port, although another host has it: the newest flow gets what comes in."""
    return wish.internal.port if wish.protocol == UDP else normal


FAULTS.add(
    "second-phone-steals",
    does="Gives the same external port to every phone that uses the same inside port.",
    seen_in="AAISP, on routers where one phone works and two do not",
    breaks="What is sent to the first phone comes to the second one's desk: a phone that reads "
    "whom it is for answers 404, any other rings.",
    look_at="The external ports of the phones' signalling flows in view 1: two hosts have the same "
    "one.",
    rfc="RFC 4787 REQ-3",
    kind="port",
    decisions={"port": same_port_for_all},
)


def stale_after_renumber(normal: Behavior) -> Behavior:
    return replace(normal, keep_renumbered=True)


FAULTS.add(
    "stale-after-renumber",
    does="Keeps flows on an external address that is not its own any more.",
    seen_in="OPNsense, issues 4652, 3052 and 2414; pfSense",
    breaks="All phones are gone until somebody flushes the table: their retries keep it alive.",
    look_at="The external address of the flows in view 1 after outside.external has been changed: "
    "it is still the old one.",
    rfc="RFC 4787 4.1",
    kind="behavior",
    decisions={"behavior": stale_after_renumber},
)


class SplitAnnouncement(WrappedContext):
    """Announces everything at the external address that the signalling has, also what is mapped at
    another one."""

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        external = super().external_of(internal, transport)
        return external and external._replace(address=self.external.address)

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        return super().map(internal, transport)._replace(address=self.external.address)

    def map_pair(self, internal: Endpoint) -> Endpoint:
        return super().map_pair(internal)._replace(address=self.external.address)


def announce_the_other_line(case: Case) -> None:
    case.context = SplitAnnouncement(case.context)


def failed_back(normal: int, wish: AddressWish) -> int:
    """A host's first mapping gets the last external address, and its later ones the first: as if
    the first line had been down when the host began, and had come back."""
    return wish.choices[-1] if wish.known is None else wish.choices[0]


FAULTS.add(
    "split-wan",
    does="Sends new flows of a host out by another line than its signalling (two addresses).",
    seen_in="OPNsense, issue 3516, after failing back",
    breaks="Calls are set up in which the phone hears nothing: its port is announced on one line "
    "and open on the other.",
    look_at="The address in the c= line of an INVITE that leaves in view 3, and the external "
    "address of the audio in view 1: they differ.",
    rfc="RFC 4787 REQ-2",
    kind="external_address",
    prepare=announce_the_other_line,
    decisions={"external_address": failed_back},
)

NOT_READY_FOR = 1.0
"""Seconds after the start."""


def born_unnatted(normal: bool, internal: Endpoint, remote: Endpoint, now: float) -> bool:
    return normal or now < NOT_READY_FOR


FAULTS.add(
    "born-unnatted",
    does="Lets flows that begin within its first second pass untranslated (simulation only).",
    seen_in="aif, issue 19; nebula, issue 889",
    breaks="The phone that was first gets no answers until it has been silent. Breaks promise 1: "
    "packets with internal sources leave.",
    look_at="The first flow in view 1: its external endpoint is the internal one.",
    rfc="RFC 3022 4.1",
    kind="untranslated",
    decisions={"untranslated": born_unnatted},
)


def symmetric_random(normal: Behavior) -> Behavior:
    return replace(normal, mapping=Dependence.ADDRESS_AND_PORT_DEPENDENT, ports=PortPolicy.RANDOM)


FAULTS.add(
    "symmetric-random",
    does="Maps by address and port of the remote, each time to a random port.",
    seen_in="Default of pfSense and OPNsense",
    breaks="What STUN says is useless, and hole punching fails.",
    look_at="The external ports of one internal endpoint in view 1: a random one for each remote.",
    rfc="RFC 4787 REQ-1",
    kind="behavior",
    decisions={"behavior": symmetric_random},
)


def oldest(normal: Flow | None, flows: Table[int, Flow]) -> Flow | None:
    return next(iter(flows.values()), normal)


FAULTS.add(
    "table-full-evict",
    does="Throws out the oldest flow when the table is full, whoever uses it.",
    seen_in="RFC 6888 had to forbid it",
    breaks="Calls and registrations drop at random under load.",
    look_at="The flows that end as evicted, in view 4, while glassnat show counters has as many "
    "flows as the limit allows.",
    rfc="RFC 6888 REQ-11",
    kind="victim",
    decisions={"victim": oldest},
)
