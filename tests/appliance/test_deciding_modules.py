"""Modules that decide in the NAT's place: as long as they stand in the slot, and no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from alg.registry import SpecError
from appliance.settings.table import SettingError
from nat.endpoint import Endpoint
from tests.support.world import X1, A, B, World, Y

MODULE = """
from alg.base import Edits, Reason


class Deciding:
    name = "deciding"
    decisions = {{{decisions}}}

    def inspect(self, message, context):
        return Edits()

    def explain(self, rule):
        return Reason("", "")
"""


def spec(folder: Path, decisions: str) -> str:
    file = folder / "foreign.py"
    file.write_text(MODULE.format(decisions=decisions), encoding="utf-8")
    return f"{file}:Deciding"


def errors(nat: World) -> int:
    return nat.engine.slots["sip"].counters["errors"]


def test_anybodys_module_may_decide(tmp_path: Path) -> None:
    nat = World({"alg.sip.module": spec(tmp_path, '"port": lambda normal, wish: 7777')})
    assert nat.out(A, X1).port == 7777


def test_the_decision_goes_with_the_module(tmp_path: Path) -> None:
    """Flows that exist stay as they were decided; new ones are the NAT's again."""
    nat = World({"alg.sip.module": "off"})
    assert nat.out(A, X1).port == A.port
    taken = spec(tmp_path, '"port": lambda normal, wish: 7777')
    nat.engine.set("alg.sip.module", taken, "a test", nat.now)
    assert nat.out(A, X1).port == A.port
    assert nat.out(B, X1).port == 7777
    nat.engine.set("alg.sip.module", "off", "a test", nat.now)
    assert nat.out(B, X1).port == 7777
    assert nat.out(B._replace(port=4500), Y).port == 4500


def test_other_settings_leave_the_decision_in_place(tmp_path: Path) -> None:
    nat = World({"alg.sip.module": spec(tmp_path, '"port": lambda normal, wish: 7777')})
    nat.engine.set("nat.timeouts.udp", 60.0, "a test", nat.now)
    assert nat.out(A, X1).port == 7777


def test_where_a_module_raises_the_nat_decides(tmp_path: Path) -> None:
    """Promise 4: the NAT goes on, and the failure is counted."""
    nat = World({"alg.sip.module": spec(tmp_path, '"port": lambda normal, wish: 1 // 0')})
    external = nat.out(A, X1)
    assert external.port == A.port
    assert nat.into(X1, external) == A
    assert errors(nat) == 1


@pytest.mark.parametrize(
    "decisions",
    [
        '"port": lambda normal, wish: 1_000_000',
        '"port": lambda normal, wish: "x"',
        '"reverse": lambda normal, wish: None',
        '"reverse": lambda normal, wish: normal._replace(address=normal.address + 1)',
        '"external_address": lambda normal, wish: 0',
        '"serves": lambda normal, mapping, remote: {}',
    ],
)
def test_a_module_that_answers_nonsense_changes_nothing(tmp_path: Path, decisions: str) -> None:
    nat = World({"alg.sip.module": spec(tmp_path, decisions), "nat.limits.flows": 1})
    external = nat.out(A, X1)
    assert external == Endpoint.parse("203.0.113.1:4000")
    assert nat.into(X1, external) == A


@pytest.mark.parametrize("point", ["behavior", "victim", "untranslated"])
def test_what_is_about_all_flows_at_once_no_stranger_decides(tmp_path: Path, point: str) -> None:
    wrong = spec(tmp_path, f'"{point}": lambda normal, *facts: normal')
    with pytest.raises(SpecError, match=f"'{point}' is not for a module of somebody's own"):
        World({"alg.sip.module": wrong})


WISHES = """
        "port": lambda normal, wish: 7776 if not wish.is_free(7775) else 7775,
        "reverse": lambda normal, wish: (wish.siblings() + [normal])[0],
"""


def test_a_decision_may_ask_about_what_it_decides(tmp_path: Path) -> None:
    nat = World({"alg.sip.module": spec(tmp_path, WISHES)})
    first = nat.out(A, X1)
    assert first.port == 7775
    second = nat.out(A._replace(port=4500), X1)
    assert second.port == 7776
    assert nat.into(X1, second) == A


def test_a_decision_point_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    wrong = spec(tmp_path, '"ports": lambda normal, wish: 1')
    with pytest.raises(SpecError, match="'ports' is not a decision point"):
        World({"alg.sip.module": wrong})
    nat = World()
    with pytest.raises(SettingError, match="'ports' is not a decision point"):
        nat.engine.set("alg.sip.module", wrong, "a test", nat.now)
    assert nat.engine.settings["alg.sip.module"] == "off"


def test_faults_that_do_not_exist_change_nothing() -> None:
    nat = World({"alg.sip.module": "sip-poor"})
    with pytest.raises(SettingError, match=r"'no-sdq' is not a fault.*'no-sdp'"):
        nat.engine.set("alg.sip.faults", ["no-sdq"], "a test", nat.now)
    assert nat.engine.settings.written("alg.sip.faults") == []
