"""The faults of DNS ALGs: whose addresses they touch, what they do to what is signed, what they
break in the message, and what they do not let pass at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from alg.base import AlgContext, Edit
from alg.dns.correct import Habits, other_side
from alg.dns.message import OPT, Message
from alg.dns.names import Labels
from alg.fault import Fault, Faults
from nat.endpoint import Direction, Endpoint

NETWORK = 0xFFFFFF00
"""The part of an address that is its network's, where a rule has a mask of 24 bits."""
USUAL_FORWARDS = (80, 443, 25, 5060)


@dataclass(slots=True)
class Case:
    """What a fault may change of the correct one's way with messages."""

    habits: dict[str, object] = field(default_factory=dict)
    refusals: list[Callable[[Message], str]] = field(default_factory=list)

    def ready(self) -> Habits:
        """All habits, the right ones and those that faults have put in their places."""

        def refuses(said: Message) -> str:
            return next((rule for each in self.refusals if (rule := each(said))), "")

        return Habits(**{"refuses": refuses, **self.habits})  # type: ignore[arg-type]


ROWS = Faults[Case]()


def whole_network(case: Case) -> None:
    case.habits["translate"] = network_for_network


def network_for_network(context: AlgContext, address: int) -> int | None:
    known = other_side(context, address)
    if known is not None:
        return known
    here, there = context.internal.address, context.external.address
    if context.direction is Direction.IN:
        here, there = there, here
    if address & NETWORK != here & NETWORK:
        return None
    return there & NETWORK | address & ~NETWORK & 0xFFFFFFFF


ROWS.add(
    "whole-network",
    does="Translates every address of the NAT's network outside into one inside, whoever has it.",
    seen_in="Cisco PIX, `alias` with a network mask",
    breaks="Names of the provider's other customers lead to inside hosts, or to nobody.",
    look_at="answer[0].address of a name that is not one's own: WRONG",
    rfc="RFC 2694 4.2.2",
    prepare=whole_network,
)


def shared_address(case: Case) -> None:
    case.habits["translate"] = host_of_a_forward


def host_of_a_forward(context: AlgContext, address: int) -> int | None:
    known = other_side(context, address)
    if known is not None or context.direction is Direction.OUT:
        return known
    found = (
        context.internal_of(Endpoint(address, port), transport)
        for port in USUAL_FORWARDS
        for transport in ("udp", "tcp")
    )
    host = next((each for each in found if each is not None), None)
    return None if host is None else host.address


ROWS.add(
    "shared-address",
    does="Takes the NAT's own address for that of the first inside host that a port leads to.",
    seen_in="Manual of HPE's MSR routers, which has another setting against it",
    breaks="Of several services behind one address, all but one are looked for at the wrong host.",
    look_at="answer[0].address: the address that several hosts share has become that of one",
    rfc="RFC 2694 1",
    prepare=shared_address,
)


def signed_too(case: Case) -> None:
    case.habits |= {"minds_signatures": False, "says_what_was_checked": False}


ROWS.add(
    "signed-too",
    does="Changes signed answers like any other, and goes on saying that they were checked.",
    seen_in="RFC 2694 7 names it as a limit of the method",
    breaks="Whoever checks signatures takes the answer for a forgery, and the name leads nowhere.",
    look_at="answer[0].address with an RRSIG beside it: WRONG",
    rfc="RFC 4035 5.3",
    prepare=signed_too,
)


def ttl_zero(case: Case) -> None:
    case.habits["ttl"] = 0


ROWS.add(
    "ttl-zero",
    does="Writes a TTL of 0 into what it translates, also where a fixed rule stands behind it.",
    seen_in="Known of Cisco IOS; no written source",
    breaks="Nobody remembers the answer: each call, page and message asks for the name again.",
    look_at="answer[0].ttl: 300 has become 0",
    rfc="RFC 2694 4.2",
    prepare=ttl_zero,
)


def pointers_stay(case: Case) -> None:
    case.habits["follow"] = nothing_follows


def nothing_follows(said: Message, edits: list[Edit]) -> list[Edit]:
    return []


ROWS.add(
    "pointers-stay",
    does="Writes another name into a question and moves neither pointers nor lengths with it.",
    seen_in="RFC 5625 4.2 had to ask for it",
    breaks="The name of an address cannot be read where the two addresses differ in length.",
    look_at="name.pointer: MISSED, and the names behind it, which are cut in the middle",
    rfc="RFC 1035 4.1.4",
    prepare=pointers_stay,
)


def as_it_is_said(address: int) -> Labels:
    return tuple(b"%d" % number for number in address.to_bytes(4))


def forwards(case: Case) -> None:
    case.habits["write_address"] = as_it_is_said


ROWS.add(
    "not-reversed",
    does="Writes the numbers of an address into its name from the left, and not from the right.",
    seen_in="Constructed",
    breaks="Nobody knows the name of an address; logs and mail servers call the host unknown.",
    look_at="question[0].name: 192.168.20.10.in-addr.arpa.",
    rfc="RFC 1035 3.5",
    prepare=forwards,
)


def too_long(said: Message) -> str:
    is_too_long = not said.begin and len(said.data) > 512
    return "longer-than-512" if is_too_long else ""


def longer_than_512(case: Case) -> None:
    case.refusals.append(too_long)


ROWS.add(
    "longer-than-512",
    does="Drops messages by UDP that are longer than 512 bytes, also where both ends agreed on it.",
    seen_in="Cisco PIX and ASA, `maximum-length` as it is delivered",
    breaks="Long and signed answers never come; the asker tries again for seconds, and gives up.",
    look_at="the answer: dropped, and the same question again and again",
    rfc="RFC 5625 4.4",
    kind="refuse",
    prepare=longer_than_512,
)


def has_edns(said: Message) -> str:
    return "no-edns" if any(each.type == OPT for each in said.records) else ""


def no_edns(case: Case) -> None:
    case.refusals.append(has_edns)


ROWS.add(
    "no-edns",
    does="Drops every message with EDNS, because there is a record in it that it does not know.",
    seen_in="Test of home routers by Core Competence and Nominet, 2008 (SAC 035)",
    breaks="Whoever checks signatures, or takes long answers, cannot look up any name.",
    look_at="the question: dropped",
    rfc="RFC 5625 4.1",
    kind="refuse",
    prepare=no_edns,
)

FAULTS: dict[str, Fault[Case]] = {fault.name: fault for fault in ROWS}
"""All faults by name."""
