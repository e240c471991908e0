"""`glassnat matrix`: outcomes before choosing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from appliance.cli.matrix import arranged
from appliance.sim.matrix import Cell

Run = Callable[..., Any]
STORY = "incoming-call"
ENDS_AT_ONCE = "sip-poor:callid-oneway"


def cell(outcome: str = "both-ways", story: str = "one", **axes: str) -> Cell:
    return Cell(story, axes, 1, outcome, f"{outcome}: bob hears alice")


def test_one_axis_goes_down_with_the_sentences_beside_it() -> None:
    rows, columns = arranged([cell(alg="off"), cell("no-audio", alg="sip")])
    assert [*columns] == ["alg", "outcome", "sentence"]
    assert [[*row.values()] for row in rows] == [
        ["off", "both-ways", "bob hears alice"],
        ["sip", "no-audio", "bob hears alice"],
    ]


def test_of_two_axes_that_with_fewer_values_goes_across() -> None:
    found = [
        cell("no-audio" if alg == "off" else "both-ways", alg=alg, udp=udp)
        for alg in ("off", "sip", "ftp")
        for udp in ("30s", "5m")
    ]
    rows, columns = arranged(found)
    assert [*columns.values()] == ["alg", "udp=30s", "udp=5m"]
    assert [[*row.values()] for row in rows] == [
        ["off", "no-audio", "no-audio"],
        ["sip", "both-ways", "both-ways"],
        ["ftp", "both-ways", "both-ways"],
    ]


def test_several_stories_are_an_axis_and_what_has_one_value_is_none() -> None:
    found = [cell(story=story, alg=alg, seed="7") for story in "abc" for alg in ("off", "sip")]
    rows, columns = arranged(found)
    assert [*columns] == ["scenario", "alg=off", "alg=sip"]
    assert [row["scenario"] for row in rows] == ["a", "b", "c"]


def test_a_single_run_is_a_row() -> None:
    rows, columns = arranged([cell()])
    assert [*columns] == ["scenario", "outcome", "sentence"]
    assert len(rows) == 1


@pytest.mark.slow
def test_as_json_it_is_a_list_of_cells(glassnat: Run) -> None:
    answer = glassnat("matrix", STORY, "--axis", f"alg=off,{ENDS_AT_ONCE}", "--json")
    assert answer.code == 0
    found = json.loads(answer.out)
    assert [(each["axes"], each["outcome"]) for each in found] == [
        ({"alg": "off"}, "not-reached"),
        ({"alg": ENDS_AT_ONCE}, "registration-failed"),
    ]
    assert {*found[0]} == {"scenario", "axes", "seed", "outcome", "sentence"}
    assert (found[0]["scenario"], found[0]["seed"]) == (STORY, 1)


@pytest.mark.slow
def test_as_markdown_it_is_a_table_for_a_page(glassnat: Run) -> None:
    axes = ("--axis", f"alg=off,{ENDS_AT_ONCE}", "--axis", "nat.timeouts.udp=30s,5m")
    lines = glassnat("matrix", STORY, *axes, "--md").out.splitlines()
    assert lines == [
        "| alg | nat.timeouts.udp=30s | nat.timeouts.udp=5m |",
        "| --- | --- | --- |",
        "| off | not-reached | not-reached |",
        f"| {ENDS_AT_ONCE} | registration-failed | registration-failed |",
    ]


def test_two_cells_are_compared_and_nothing_else_is_played(glassnat: Run) -> None:
    answer = glassnat("matrix", STORY, "--diff", "alg=off", f"alg={ENDS_AT_ONCE}")
    assert answer.code == 0
    said = answer.out
    assert said.startswith("the first difference: 0.501 s, a packet leaving on the outside (out)")
    assert "what differs: via.host, byte " in said
    assert "\n  - Via: SIP/2.0/UDP 192.168.20.100:5060;" in said
    assert "\n  + Via: SIP/2.0/UDP 203.0.113.1:5060;" in said
    assert said.splitlines()[-1].startswith(f"alg={ENDS_AT_ONCE}: registration failed: ")


def test_the_difference_as_json(glassnat: Run) -> None:
    one, other = "alg=off", "alg=off nat.timeouts.udp=5s"
    found = json.loads(glassnat("matrix", STORY, "--diff", one, other, "--json").out)
    assert found["difference"] is None
    assert found["other"]["axes"] == {"alg": "off", "nat.timeouts.udp": "5s"}
    assert found["one"]["outcome"] == found["other"]["outcome"] == "not-reached"


def test_an_axis_with_one_value_holds_for_both_cells(glassnat: Run) -> None:
    fixed = ("--axis", "nat.timeouts.udp=30s")
    found = glassnat("matrix", STORY, *fixed, "--diff", "alg=off", "alg=off,seed=1", "--json")
    document = json.loads(found.out)
    assert document["one"]["axes"] == {"nat.timeouts.udp": "30s", "alg": "off"}
    assert document["difference"] is None


def test_a_cell_and_itself_are_said_to_be_the_same(glassnat: Run) -> None:
    said = glassnat("matrix", STORY, "--diff", "alg=off", "alg=off").out.splitlines()
    assert said[0] == "both are the same cell, so nothing can differ: alg=off"
    assert len(said) == 2


def test_a_cell_that_only_lacks_what_the_other_says_has_its_own_name(glassnat: Run) -> None:
    said = glassnat("matrix", STORY, "--diff", "alg=off", "alg=off,seed=1").out.splitlines()
    assert [line.partition(": ")[0] for line in said[1:]] == ["alg=off", "alg=off seed=1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], ["which SCENARIO?"]),
        (["one-way-adio", "--axis", "alg=sipp"], ["'one-way-audio'", '"sip"', "2 problems"]),
        ([STORY, "--axis", "nat.maping=x", "--axis", "parties.pbx.comdia=true"],
         ['"nat.mapping"', '"comedia"', "2 problems"]),
        ([STORY, "--axis", "outside.external=192.168.20.7"], ["matrix: 1 problem", "external"]),
        ([STORY, "--json", "--md"], ["exclude each other"]),
        (["./nowhere", "--axis", "alg=sipp"], ["nowhere: No such file", "2 problems"]),
        ([STORY, "--backend", "dusk"], ['"dask"']),
        ([STORY, "one-way-audio", "--diff", "alg=off", "alg=sip"], ["one scenario"]),
        ([STORY, "--diff", "alg=of", "alg=sip"], ['"off"']),
        ([STORY, "--diff", "off", "sip"], ["KEY=VALUE"]),
        ([STORY, "--diff", "alg=off"], ["requires 2 arguments", "glassnat matrix --help"]),
        ([STORY, "--axis", "seed=1,2", "--diff", "alg=off", "alg=sip"], ["seed", '"1", "2"']),
    ],
)  # fmt: skip
def test_what_is_wrong_is_exit_2_and_nothing_is_started(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: list[str]
) -> None:
    def played(*_: object) -> None:
        pytest.fail("something was played")

    monkeypatch.setattr("appliance.cli.matrix.cells", played)
    answer = glassnat("matrix", *arguments)
    assert answer.code == 2
    assert [text for text in said if text not in answer.err] == []
    assert answer.out == ""


@pytest.mark.slow
def test_a_module_of_somebodys_own_that_cannot_be_loaded_is_told(
    glassnat: Run, tmp_path: Any
) -> None:
    (tmp_path / "mine.py").write_text("class Other: ...\n")
    answer = glassnat("matrix", STORY, "--axis", f"alg={tmp_path}/mine.py:Mine")
    assert answer.code == 2
    assert "Mine" in answer.err


def test_without_dask_its_backend_is_not_possible(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    answer = glassnat("matrix", STORY, "--axis", "alg=off", "--backend", "dask")
    assert answer.code == 3
    assert "pip install 'glassnat[dask]'" in answer.err


def test_a_dask_cluster_that_does_not_answer_is_no_mistake_of_the_program(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: str) -> None:
        raise OSError("Timed out trying to connect to tcp://192.0.2.1:8786")

    monkeypatch.setattr("appliance.cli.matrix.cluster", absent)
    answer = glassnat("matrix", STORY, "--axis", "alg=off", "--backend", "dask")
    assert answer.code == 3
    assert "tcp://192.0.2.1:8786; DASK_SCHEDULER_ADDRESS says where it is" in answer.err
