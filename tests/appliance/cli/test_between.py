"""`glassnat up`, `down` and `status`: what is planned, refused and told. (What they do to a machine
is in `tests/host/test_up.py`.)"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.between import undo, work
from appliance.between.bridges import Laptop
from appliance.between.plan import Plan, Trace
from appliance.between.record import Facts, Record, names
from appliance.cli import between
from appliance.cli.doctor import LIMITED, OK, Finding
from appliance.control import paths
from appliance.wires.netns import CommandError

Run = Callable[..., Any]
BRIDGES = ("--inside", "br-in", "--outside", "br-out")
LINKS = [
    {"ifname": name, "mtu": 1500, "address": "52:54:00:00:00:01", "addr_info": [],
     "linkinfo": {"info_kind": "bridge"}}
    for name in ("br-in", "br-out")
]  # fmt: skip


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bridges, root, and a folder in the place of /run/glassnat."""
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path / "run")
    monkeypatch.setattr(Laptop, "here", classmethod(lambda cls: Laptop(LINKS, [])))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    fine = Finding("bridged frames", OK, "they pass", "up")
    monkeypatch.setattr(between, "bridged_frames", lambda: fine)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """What would be made."""
    plans: list[Plan] = []

    def make(plan: Plan, control: Path) -> Any:
        plans.append(plan)
        return type("Original", (), {"is_copy": False})

    monkeypatch.setattr(between, "_make", make)
    return plans


def test_without_words_it_is_the_networks_of_the_documents(
    glassnat: Run, planned: list[Plan]
) -> None:
    answer = glassnat("up", *BRIDGES)
    assert (answer.code, answer.out) == (0, "")
    assert "glassnat is up: br-in inside, br-out outside" in answer.err
    (plan,) = planned
    assert [str(each) for each in plan.inside.addresses] == ["192.168.20.1/24"]
    assert [str(each) for each in plan.outside.addresses] == ["203.0.113.1/24"]
    settings = plan.settings.values
    assert settings["inside.netns"] == "glassnat-glassnat-in"
    assert settings["inside.networks"] == ["192.168.20.0/24"]
    assert settings["outside.netns"] == "glassnat-glassnat-out"


def test_what_is_said_wins_over_the_file_and_the_file_over_nothing(
    glassnat: Run, planned: list[Plan], tmp_path: Path
) -> None:
    """But the wires are `up`'s own."""
    file = tmp_path / "lab.toml"
    file.write_text(
        'name = "of-the-file"\n[inside]\nnetworks = ["10.1.0.0/16"]\ndevice = "mine"\n'
        'address = "10.1.0.9/16"\nroutes = ["0.0.0.0/0"]\nmtu = 1400\n'
        '[outside]\nexternal = ["198.51.100.7"]\nnetns = "world"\n'
    )
    glassnat("up", *BRIDGES, "--config", str(file), "--alg", "sip")
    of_file = planned[0]
    assert of_file.name == "of-the-file"
    assert [str(each) for each in of_file.inside.addresses] == ["10.1.0.1/16"]
    assert [str(each) for each in of_file.outside.addresses] == ["198.51.100.7/24"]
    assert of_file.settings["alg.sip.module"] == "sip"
    assert of_file.settings["inside.mtu"] == 1400
    for key, value in (("inside.device", "gn-in"), ("inside.address", ""), ("inside.routes", []),
                       ("outside.netns", "glassnat-of-the-file-out")):  # fmt: skip
        assert of_file.settings.written(key) == value
    glassnat("up", "mine", *BRIDGES, "--config", str(file), "--gateway", "10.2.0.1/24",
             "--external", "203.0.113.5/28", "--external", "203.0.113.6/28")  # fmt: skip
    said = planned[1]
    assert said.name == "mine"
    assert [str(each) for each in said.inside.addresses] == ["10.2.0.1/24"]
    assert [str(each) for each in said.outside.addresses] == ["203.0.113.5/28", "203.0.113.6/28"]


def test_a_dry_run_needs_no_root_and_prints_what_is_run(
    glassnat: Run, planned: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = glassnat("up", "lab", *BRIDGES, "--dry-run")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert all(line.startswith("[#] ") for line in lines)
    assert lines[0] == "[#] ip netns add glassnat-lab-in"
    assert lines[-1].startswith("[#] glassnat run --config")
    assert planned == []


@pytest.mark.parametrize("words", [("up", *BRIDGES), ("down", "lab")])
def test_who_is_not_root_is_told_the_next_command(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """By its whole path: `sudo` looks for commands elsewhere."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = glassnat(*words)
    assert answer.code == 3
    assert f"sudo {between.program()} {words[0]}" in answer.err
    assert between.program().startswith("/")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--inside", "br-in", "--outside", "br-in"), "the NAT is between two"),
        (("--inside", "br-inn", "--outside", "br-out"), 'did you mean "br-in"'),
        ((*BRIDGES, "--gateway", "192.168.20.1"), "a prefix such as"),
        ((*BRIDGES, "--gateway", ""), "must not be empty"),
        ((*BRIDGES, "--gateway", "192.168.20.0/24"), "is no host of"),
        ((*BRIDGES, "--gateway", "203.0.113.9/24"), "lies in inside.networks"),
        ((*BRIDGES, "--set", "nat.timeouts.udp=soon"), "nat.timeouts.udp"),
        (("a name", *BRIDGES), "is not a name"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    glassnat: Run, planned: list[Plan], words: tuple[str, ...], said: str
) -> None:
    answer = glassnat("up", *words)
    assert answer.code == 2
    assert said in answer.err
    assert planned == []


def test_a_firewall_in_the_way_is_told(
    glassnat: Run, planned: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nothing would come, and nothing would say why."""
    finding = Finding("bridged frames", LIMITED, "they are dropped", "up", "sudo let-them-pass")
    monkeypatch.setattr(between, "bridged_frames", lambda: finding)
    answer = glassnat("up", *BRIDGES)
    assert answer.code == 0
    assert "note: bridged frames: they are dropped; sudo let-them-pass" in answer.err


def test_what_is_not_installed_is_named_with_its_package(
    glassnat: Run, planned: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(between, "found_at", lambda name: None if name == "dnsmasq" else name)
    answer = glassnat("up", *BRIDGES, "--dhcp")
    assert answer.code == 3
    assert "not installed: dnsmasq; sudo apt install dnsmasq-base; without --dhcp," in answer.err
    assert planned == []


# --- when it fails -------------------------------------------------------------------------------


def fail(*_: object) -> None:
    raise CommandError("`ip`: no")


def test_a_step_that_fails_leaves_nothing(glassnat: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "make", fail)
    answer = glassnat("up", "lab", *BRIDGES)
    assert (answer.code, answer.err) == (3, "glassnat: `ip`: no\n")
    assert names() == []


def test_what_then_cannot_be_removed_either_is_exit_5(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "make", fail)
    monkeypatch.setattr(work, "take_down", lambda record, echo: ["the port is stuck"])
    answer = glassnat("up", "lab", *BRIDGES)
    assert answer.code == 5
    assert "not all of lab is gone; try again: sudo" in answer.err
    assert answer.err.endswith("`ip`: no\nthe port is stuck\n")


# --- down ----------------------------------------------------------------------------------------


def record(name: str, *traces: Trace) -> None:
    made = Record.begin(Facts(name, "br-in", "br-out", f"/run/{name}.sock"))
    made.expect(*traces)
    made.close()


def test_nothing_to_take_down_is_fine(glassnat: Run) -> None:
    assert glassnat("down") == (0, "", "nothing is up\n")
    record("lab")
    answer = glassnat("down", "labb")
    assert answer == (0, "", 'labb is not up; did you mean "lab"?\n')


def test_the_only_one_needs_no_name(glassnat: Run) -> None:
    record("lab")
    assert glassnat("down").code == 0
    assert names() == []


def test_of_several_one_is_to_be_named_or_all(glassnat: Run) -> None:
    record("one")
    record("two")
    answer = glassnat("down")
    assert answer.code == 2
    assert "one, two; say which, or --all" in answer.err
    assert glassnat("down", "one", "--all").code == 2
    assert names() == ["one", "two"]
    assert glassnat("down", "--all").code == 0
    assert names() == []


def test_what_is_left_is_said_and_does_not_stop_the_others(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(trace: Trace, echo: undo.Echo) -> None:
        raise CommandError(f"{trace.name} is stuck")

    monkeypatch.setattr(undo, "remove", remove)
    record("one", Trace("port", "gn-one-in"))
    record("two")
    answer = glassnat("down", "--all")
    assert answer.code == 5
    assert answer.err.startswith("glassnat: not all of one is gone; try again: sudo ")
    assert answer.err.endswith("gn-one-in is stuck\n")
    assert names() == ["one"]


# --- status --------------------------------------------------------------------------------------


def test_status_tells_who_runs_and_who_has_ended(glassnat: Run) -> None:
    alive = undo.own_process()
    record("here", alive)
    record("gone", alive._replace(detail="1"))
    record("half")
    rows = json.loads(glassnat("status", "--json").out)
    assert [(row["name"], row["state"], row["pid"]) for row in rows] == [
        ("gone", "stale", os.getpid()),
        ("half", "stale", None),
        ("here", "up", os.getpid()),
    ]
    assert set(rows[0]) == {"name", "pid", "control", "inside", "outside", "state"}
    answer = glassnat("status")
    assert "br-in" in answer.out
    assert "gone has ended; tidy up: sudo" in answer.err


def test_the_names_are_offered_to_the_shell(glassnat: Run) -> None:
    from appliance.cli.words import appliances_up

    record("lab")
    assert list(appliances_up(None)) == ["lab"]  # type: ignore[arg-type]
