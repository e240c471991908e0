"""Each fault breaks what its row says, and nothing else."""

from __future__ import annotations

import pytest
from dnslib import DNSRecord

from alg.base import Refuse
from alg.dns.correct import Dns, watch
from alg.dns_poor.faults import FAULTS
from alg.dns_poor.poor import DnsPoor
from nat.endpoint import Direction
from tests.alg.dns.situations import (
    INSIDE,
    OUTSIDE,
    PTR_INSIDE,
    PTR_OUTSIDE,
    SIGNATURE,
    answering,
    asking,
    met,
    through,
    words,
)

NAME = asking("pbx.example.net")
FORWARD = (
    'nat.forward=[{protocol="udp", external="203.0.113.1:5060", internal="192.168.20.30:5060"}]'
)


def left(fault: str, message: bytes, *sets: str, direction: str = "in") -> list[str]:
    """What leaves, without the question."""
    return words(through(met("client", direction, *sets), message, DnsPoor([fault])))[1:]


@pytest.mark.parametrize("name", FAULTS)
def test_a_row_says_all_that_a_class_wants_to_know(name: str) -> None:
    fault = FAULTS[name]
    assert fault.name == name
    assert fault.does.endswith(".")
    assert fault.breaks.endswith(".")
    assert fault.look_at
    assert fault.seen_in
    assert fault.rfc.startswith("RFC ")
    assert fault.prepare


@pytest.mark.parametrize("name", FAULTS)
def test_a_short_answer_of_a_fixed_rule_is_translated_by_all(name: str) -> None:
    ttl = "0" if name == "ttl-zero" else "300"
    assert left(name, answering(NAME, OUTSIDE)) == [INSIDE.replace("300", ttl)]


def test_whole_network_takes_neighbours_for_inside_hosts() -> None:
    neighbour = "shop.example.org. 60 IN A 203.0.113.77"
    far = "far.example.org. 60 IN A 198.51.100.7"
    assert left("whole-network", answering(NAME, neighbour, far)) == [
        "shop.example.org. 60 IN A 192.168.20.77",
        far,
    ]
    assert left("signed-too", answering(NAME, neighbour)) == [neighbour]


def test_shared_address_takes_one_of_many_hosts() -> None:
    own = "office.example.net. 60 IN A 203.0.113.1"
    assert left("shared-address", answering(NAME, own), FORWARD) == [
        "office.example.net. 60 IN A 192.168.20.30"
    ]
    assert left("shared-address", answering(NAME, own)) == [own]


def test_signed_too_changes_what_is_signed_and_says_that_it_was_checked() -> None:
    message = answering(NAME, OUTSIDE, SIGNATURE, ad=1)
    after = through(met("client", "in"), message, DnsPoor(["signed-too"]))
    assert words(after)[1] == INSIDE
    assert DNSRecord.parse(after).header.ad


def test_pointers_stay_cuts_the_names_behind() -> None:
    context = met("client", "out")
    module = DnsPoor(["pointers-stay"])
    question = through(context, asking(PTR_INSIDE, "PTR"), module)
    assert words(question) == [f";{PTR_OUTSIDE}. IN PTR"]
    known = answering(
        question,
        f"{PTR_OUTSIDE}. 60 IN PTR pbx.example.net.",
        authority="in-addr.arpa. 60 IN NS a.example.net.",
    )
    for each, right in ((module, False), (DnsPoor(), True)):
        after = through(context.facing(Direction.IN), known, each)
        assert (words(after)[-1:] == ["in-addr.arpa. 60 IN NS a.example.net."]) is right


def test_not_reversed_asks_for_a_name_that_is_nobodys() -> None:
    question = through(met("client", "out"), asking(PTR_INSIDE, "PTR"), DnsPoor(["not-reversed"]))
    assert words(question) == [";203.0.113.10.in-addr.arpa. IN PTR"]


@pytest.mark.parametrize(
    ("fault", "name", "flags"),
    [
        ("not-reversed", PTR_OUTSIDE, None),
        ("whole-network", "77.113.0.203.in-addr.arpa", None),
        ("shared-address", "1.113.0.203.in-addr.arpa", None),
        ("signed-too", PTR_OUTSIDE, "do"),
        ("pointers-stay", PTR_OUTSIDE, None),
    ],
)
def test_to_give_back_the_name_that_was_asked_for_is_right(
    fault: str, name: str, flags: str | None
) -> None:
    """Rule asked-and-answered: also where the question should have been another, or have stayed."""
    context, watching = met("server", "in", FORWARD), met("server", "in", FORWARD)
    question, module, correct = asking(name, "PTR", flags), DnsPoor([fault]), Dns()
    left = through(context, question, module)
    correct.inspect(question, watching)
    watch(question, left, watching, ())
    watching.commit()
    reply = answering(left)
    back = through(context.facing(Direction.OUT), reply, module)
    assert words(back) == words(question)[:1] != words(left)[:1]
    assert through(watching.facing(Direction.OUT), reply, correct) == back


def test_an_answer_to_a_question_that_left_as_it_came_stays() -> None:
    """Rule asked-and-answered: whatever the module would have asked that only watched."""
    watching = met("server", "in")
    question = asking(PTR_OUTSIDE, "PTR")
    Dns().inspect(question, watching)
    watch(question, question, watching, ())
    watching.commit()
    for asked in (PTR_OUTSIDE, PTR_INSIDE):
        reply = answering(asking(asked, "PTR"))
        assert through(watching.facing(Direction.OUT), reply) == reply


@pytest.mark.parametrize(
    ("fault", "dropped", "passes"),
    [
        ("longer-than-512", answering(NAME, *[OUTSIDE] * 40), answering(NAME, *[OUTSIDE] * 20)),
        ("no-edns", asking("pbx.example.net", flags=""), NAME),
    ],
)
def test_what_is_refused_goes_no_further(fault: str, dropped: bytes, passes: bytes) -> None:
    module = DnsPoor([fault])
    for message, direction in ((dropped, "in"), (passes, "in")):
        said = module.inspect(message, met("client", direction))
        assert (said == Refuse(fault)) is (message is dropped)
    assert module.explain(fault).sentence == FAULTS[fault].does
