"""What a class wants to know about a fault, and how a row becomes one."""

from __future__ import annotations

from typing import Any

import pytest

from alg.fault import Decider, Fault, Faults, UnknownFault, decisions_of, find, manners_of
from alg.stream import RIGHT

TEXTS = {
    "does": "Does.",
    "seen_in": "somewhere",
    "breaks": "Breaks.",
    "look_at": "Here.",
    "rfc": "RFC 0",
}


def do_nothing(case: object) -> None:
    pass


@pytest.mark.parametrize(
    ("parts", "acts_on_messages", "can_be_aimed"),
    [
        ({"prepare": do_nothing}, True, True),
        ({"spoil": do_nothing}, True, True),
        ({"decisions": {"port": max}}, False, False),
        ({"manners": {"waits": False}}, False, False),
        ({"prepare": do_nothing, "decisions": {"port": max}}, True, False),
    ],
)
def test_what_it_consists_of_decides_where_it_acts(
    parts: dict[str, Any], acts_on_messages: bool, can_be_aimed: bool
) -> None:
    fault = Fault("name", **TEXTS, **parts)
    assert fault.acts_on_messages is acts_on_messages
    assert fault.can_be_aimed is can_be_aimed


def test_a_row_becomes_a_fault_column_by_column() -> None:
    parts: dict[str, Any] = {
        "kind": "port",
        "prepare": do_nothing,
        "spoil": do_nothing,
        "decisions": {"port": max},
        "manners": {"waits": False},
    }
    faults = Faults[object]()
    faults.add("first", **TEXTS)
    faults.add("second", **TEXTS, **parts)
    assert faults == [Fault("first", **TEXTS), Fault("second", **TEXTS, **parts)]


def test_of_two_faults_at_one_point_the_later_one_decides() -> None:
    first: Fault[object] = Fault("first", **TEXTS, decisions={"port": max, "serves": max})
    second: Fault[object] = Fault("second", **TEXTS, decisions={"port": min})
    serves = Decider("first", max)
    assert decisions_of([first, second]) == {"port": Decider("second", min), "serves": serves}
    assert decisions_of([second, first]) == {"port": Decider("first", max), "serves": serves}


def test_a_decision_has_the_name_of_its_fault() -> None:
    larger: Fault[object] = Fault("larger", **TEXTS, decisions={"port": max})
    decide = decisions_of([larger])["port"]
    assert decide(1, 2) == 2
    assert isinstance(decide, Decider)
    assert decide.fault == "larger"


def test_manners_of_several_faults_come_together() -> None:
    impatient: Fault[object] = Fault("impatient", **TEXTS, manners={"waits": False})
    careless: Fault[object] = Fault("careless", **TEXTS, manners={"adjusts": False})
    assert manners_of([]) == RIGHT
    assert manners_of([impatient, careless]) == RIGHT._replace(waits=False, adjusts=False)


def test_a_fault_is_found_by_its_name() -> None:
    fault: Fault[object] = Fault("known", **TEXTS)
    assert find("known", {"known": fault}) is fault
    with pytest.raises(UnknownFault, match="unknown"):
        find("unknown", {"known": fault})
