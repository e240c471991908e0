"""Faults of mapping: a NAT that gives out, shares or loses the wrong external endpoints.

No message is wrong here. Each function stands at a decision point of the NAT (`nat/policy.py`):
it gets the normal answer and the facts, and answers something else. What has been decided for
flows that exist stays as it is; the settings that `behavior` changes hold for them at once.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import replace

from alg.sip import fields, register
from alg.sip_poor.case import Case
from alg.sip_poor.doors import Doors
from alg.sip_poor.fault import Fault
from nat.behavior import Behavior, Dependence, PortPolicy
from nat.endpoint import UDP, Endpoint
from nat.mapping import Flow, Mapping
from nat.policy import AddressWish, PortWish, ReverseWish

FIRST_STAGE, SECOND_STAGE = 5060 ^ 17973, 5060 ^ 40625
"""The two source ports that were seen one after the other in the place of 5060. Exclusive-or keeps
different ports different."""

NOT_READY_FOR = 1.0
"""Seconds after the start."""


class SplitAnnouncement(Doors):
    """Believes that everything goes by the line that the signalling goes by."""

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        external = super().external_of(internal, transport)
        return external and external._replace(address=self.external.address)

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        return super().map(internal, transport)._replace(address=self.external.address)

    def map_pair(self, internal: Endpoint) -> Endpoint:
        return super().map_pair(internal)._replace(address=self.external.address)


def stun_clash(case: Case) -> None:
    """As soon as the registrar has answered a phone that knows its public address, its mapping is
    given up."""
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


def unrelated_port(normal: int, wish: PortWish) -> int:
    return wish.at_random() or normal


def no_hairpin(normal: Behavior) -> Behavior:
    return replace(normal, hairpin=False)


def not_for_two(normal: bool, mapping: Mapping, remote: Endpoint) -> bool:
    """A mapping that serves another remote already is given up for the new one."""
    return normal and (mapping.opened_by != "packet" or not mapping.permitted)


def other_socket(normal: Endpoint, wish: ReverseWish) -> Endpoint:
    """Whatever the host mapped last."""
    siblings = wish.siblings()
    return siblings[-1] if siblings else normal


def two_stages(normal: int | None, wish: PortWish) -> int | None:
    port = wish.internal.port ^ SECOND_STAGE
    return port if port and wish.is_free(port) else normal


def one_stage_back(normal: Endpoint, wish: ReverseWish) -> Endpoint:
    return normal._replace(port=normal.port ^ FIRST_STAGE or normal.port)


def same_port_for_all(normal: int | None, wish: PortWish) -> int | None:
    """The inside port, whoever may have it: the newest flow gets what comes in."""
    return wish.internal.port if wish.protocol == UDP else normal


def stale_after_renumber(normal: Behavior) -> Behavior:
    return replace(normal, keep_renumbered=True)


def failed_back(normal: int, wish: AddressWish) -> int:
    """Who has been on the last line stays there; what is opened from now on takes the first."""
    return wish.choices[-1] if wish.known is None else wish.choices[0]


def announce_the_other_line(case: Case) -> None:
    case.context = SplitAnnouncement(case.context)


def born_unnatted(normal: bool, internal: Endpoint, remote: Endpoint, now: float) -> bool:
    return normal or now < NOT_READY_FOR


def symmetric_random(normal: Behavior) -> Behavior:
    return replace(normal, mapping=Dependence.ADDRESS_AND_PORT_DEPENDENT, ports=PortPolicy.RANDOM)


def oldest(normal: Flow | None, flows: Table[int, Flow]) -> Flow | None:
    return next(iter(flows.values()), normal)


FAULTS = (
    Fault(
        "stun-clash",
        "M20",
        does="Takes a new port for each registration of a phone that knows its public address.",
        seen_in="Speedtouch 780 together with STUN in the phone",
        breaks="The registrar sees the ports jump, nonces cross: registering never succeeds.",
        rfc="RFC 4787 REQ-1",
        kind="port",
        prepare=stun_clash,
        decisions={"port": another_port},
    ),
    Fault(
        "rtcp-not-adjacent",
        "M28",
        does="Gives RTCP a port that is not the one above its RTP.",
        seen_in="Source of pktkit",
        breaks="RTCP is lost; phones that watch it hang up.",
        rfc="RFC 3605 1",
        kind="rtcp_port",
        decisions={"rtcp_port": unrelated_port},
    ),
    Fault(
        "no-hairpin",
        "M39",
        does="Does not send packets back in that were sent to its own external address.",
        seen_in="Restcomm, issue 858; RFC 4787 had to ask for it",
        breaks="No audio between two desks, while calls to the outside are fine.",
        rfc="RFC 4787 REQ-9",
        kind="behavior",
        decisions={"behavior": no_hairpin},
    ),
    Fault(
        "remap-on-new-flow",
        "M45",
        does="Gives a phone's port another mapping as soon as it talks to one more remote.",
        seen_in="PJSIP wiki, on STUN and NATs that change their minds",
        breaks="What the phone registered, or learned by STUN, is a dead port.",
        rfc="RFC 4787 REQ-1",
        kind="serves",
        decisions={"serves": not_for_two, "port": another_port},
    ),
    Fault(
        "wrong-port-forward",
        "M46",
        does="Hands what comes in to another port of the same host, when several are open.",
        seen_in="PJSIP wiki",
        breaks="STUN fails for some sockets, and audio lands at the signalling's port.",
        rfc="RFC 3022 4.1",
        kind="reverse",
        decisions={"reverse": other_socket},
    ),
    Fault(
        "reply-port-lost",
        "M47",
        does="Translates the source port twice on the way out, and back only once.",
        seen_in="Check Point's SIP_UDP service: 5060, 17973, 40625",
        breaks="Replies reach the host on a port where nobody listens: registering loops.",
        rfc="RFC 3022 4.1",
        kind="reverse",
        decisions={"port": two_stages, "reverse": one_stage_back},
    ),
    Fault(
        "second-phone-steals",
        "M48",
        does="Gives the same external port to every phone that uses the same inside port.",
        seen_in="AAISP, on routers where one phone works and two do not",
        breaks="What is sent to the first phone rings at the second one's desk.",
        rfc="RFC 4787 REQ-3",
        kind="port",
        decisions={"port": same_port_for_all},
    ),
    Fault(
        "stale-after-renumber",
        "M49",
        does="Keeps flows on an external address that is not its own any more.",
        seen_in="OPNsense, issues 4652, 3052 and 2414; pfSense",
        breaks="All phones are gone until somebody flushes the table: their retries keep it alive.",
        rfc="RFC 4787 4.1",
        kind="behavior",
        decisions={"behavior": stale_after_renumber},
    ),
    Fault(
        "split-wan",
        "M50",
        does="Sends new flows of a host out by another line than its signalling (two addresses).",
        seen_in="OPNsense, issue 3516, after failing back",
        breaks="Calls are set up without audio: announced on one line, open on the other.",
        rfc="RFC 4787 REQ-2",
        kind="external_address",
        prepare=announce_the_other_line,
        decisions={"external_address": failed_back},
    ),
    Fault(
        "born-unnatted",
        "M51",
        does="Lets flows that begin within its first second pass untranslated (simulation only).",
        seen_in="aif, issue 19; nebula, issue 889",
        breaks="The phone that was first cannot be reached until it is silent. Breaks promise 1: "
        "packets with internal sources leave.",
        rfc="RFC 3022 4.1",
        kind="untranslated",
        decisions={"untranslated": born_unnatted},
    ),
    Fault(
        "symmetric-random",
        "M53",
        does="Maps by address and port of the remote, each time to a random port.",
        seen_in="Default of pfSense and OPNsense",
        breaks="What STUN says is useless, and hole punching fails.",
        rfc="RFC 4787 REQ-1",
        kind="behavior",
        decisions={"behavior": symmetric_random},
    ),
    Fault(
        "table-full-evict",
        "M55",
        does="Throws out the oldest flow when the table is full, whoever uses it.",
        seen_in="RFC 6888 had to forbid it",
        breaks="Calls and registrations drop at random under load.",
        rfc="RFC 6888 REQ-11",
        kind="victim",
        decisions={"victim": oldest},
    ),
)
