"""`glassnat up`: what is planned, refused and told. (What it does to a machine is in
`tests/host/test_up.py`.)"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import up
from appliance.cli.doctor import LIMITED, OK, Finding
from appliance.control import paths
from appliance.namespaces.between import undo, work
from appliance.namespaces.between.bridges import Laptop
from appliance.namespaces.between.plan import Plan
from appliance.namespaces.between.record import Facts, Record, Trace, home, names
from appliance.wires.netns import CommandError

Run = Callable[..., Any]
BRIDGES = ("--inside", "br-in", "--outside", "br-out")
LINKS = [
    {"ifname": name, "mtu": 1500, "address": "52:54:00:00:00:01", "addr_info": [], "flags": ["UP"],
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
    monkeypatch.setattr(up, "bridged_frames", lambda: fine)
    monkeypatch.setattr(up, "wait_until_forwarding", lambda ports, on_waiting: True)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """What would be made."""
    plans: list[Plan] = []

    def make(plan: Plan, control: Path) -> Any:
        plans.append(plan)
        return type("Original", (), {"is_copy": False})

    monkeypatch.setattr(up, "_make", make)
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


def test_who_is_not_root_is_told_the_next_command(
    glassnat: Run, planned: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = glassnat("up", *BRIDGES)
    assert answer.code == 3
    assert "glassnat up glassnat" in answer.err
    assert planned == []


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
    monkeypatch.setattr(up, "bridged_frames", lambda: finding)
    answer = glassnat("up", *BRIDGES)
    assert answer.code == 0
    assert "note: bridged frames: they are dropped; sudo let-them-pass" in answer.err


def test_what_is_not_installed_is_named_with_its_package(
    glassnat: Run, planned: list[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "found_at", lambda name: None if name == "dnsmasq" else name)
    answer = glassnat("up", *BRIDGES, "--dhcp")
    assert answer.code == 3
    assert "not installed: dnsmasq; sudo apt install dnsmasq-base; without --dhcp," in answer.err
    assert planned == []


@pytest.mark.parametrize(
    ("there", "words", "said"),
    [
        (("192.168.20.1", "br-in"), (), "--gateway: 192.168.20.1 is other's on the same bridge"),
        (("203.0.113.1", "br-out"), (), "--external: 203.0.113.1 is other's on the same bridge"),
        (("203.0.113.1", "br-out"), ("--external", "203.0.113.2/24"), ""),
        (("203.0.113.1", "br-else"), (), ""),
    ],
)
def test_two_appliances_on_a_bridge_need_two_addresses(
    glassnat: Run,
    planned: list[Plan],
    there: tuple[str, str],
    words: tuple[str, ...],
    said: str,
) -> None:
    address, bridge = there
    in_another_namespace = Record.begin(Facts("another", "", "", "", "1"))
    in_another_namespace.expect(Trace("neighbour", "192.168.20.1", "br-in 02:00:00:00:00:02"))
    other = Record.begin(Facts("other", "", "", "", home()))
    other.expect(Trace("neighbour", address, f"{bridge} 02:00:00:00:00:01"))
    answer = glassnat("up", "lab", *BRIDGES, *words)
    other.end()
    in_another_namespace.end()
    assert answer.code == (2 if said else 0)
    assert said in answer.err
    assert bool(planned) is not bool(said)


# --- when it is made, and when that fails ----------------------------------------------------


class Original:
    """What stands for the two processes in this one: nothing is copied."""

    is_copy = False

    def __init__(self, *_: object) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Callable[[], None]:
        return lambda: self.told.append(name)


@pytest.fixture
def background(monkeypatch: pytest.MonkeyPatch) -> list[Original]:
    made: list[Original] = []

    def background(*_: object) -> Original:
        made.append(Original())
        return made[-1]

    monkeypatch.setattr(up, "Background", background)
    return made


def fail(*_: object) -> None:
    raise CommandError("`ip`: no")


def test_when_all_is_made_the_copy_goes(
    glassnat: Run, background: list[Original], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "make", lambda *_: None)
    assert glassnat("up", "lab", *BRIDGES).code == 0
    assert background[0].told == ["go", "wait"]
    assert names() == ["lab"]
    assert 'name = "lab"' in (paths.ROOT_FOLDER / "lab.toml").read_text()


def test_a_step_that_fails_leaves_nothing(
    glassnat: Run, background: list[Original], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "make", fail)
    answer = glassnat("up", "lab", *BRIDGES)
    assert answer.code == 3
    assert answer.err.endswith("glassnat: `ip`: no\n")
    assert background[0].told == ["dismiss"]
    assert names() == []
    assert [*paths.ROOT_FOLDER.iterdir()] == []


def test_what_then_cannot_be_removed_either_is_exit_5(
    glassnat: Run, background: list[Original], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "make", fail)
    monkeypatch.setattr(undo, "take_down", lambda record, echo: ["the port is stuck"])
    answer = glassnat("up", "lab", *BRIDGES)
    assert answer.code == 5
    assert "not all of lab is gone; try again: sudo" in answer.err
    assert answer.err.endswith("`ip`: no\nthe port is stuck\n")


@pytest.mark.parametrize(("passes", "said"), [(True, ""), (False, "let nothing through yet")])
def test_a_bridge_that_lets_nothing_through_at_first_is_waited_for(
    glassnat: Run,
    background: list[Original],
    monkeypatch: pytest.MonkeyPatch,
    passes: bool,
    said: str,
) -> None:
    """With STP that takes its time, so somebody is told why."""

    def wait(ports: list[str], on_waiting: Callable[[], None]) -> bool:
        assert ports == ["gn-lab-in", "gn-lab-out"]
        on_waiting()
        return passes

    monkeypatch.setattr(up, "wait_until_forwarding", wait)
    monkeypatch.setattr(work, "make", lambda *_: None)
    answer = glassnat("up", "lab", *BRIDGES)
    assert answer.code == 0
    assert "note: a bridge runs STP" in answer.err
    assert said in answer.err
