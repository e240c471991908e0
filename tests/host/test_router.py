"""What a router that is not ours did, found out from its captures alone: the kernel's SIP ALG."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.forensics.replaying import read
from appliance.wires.netns import CommandError
from nat.endpoint import Side
from tests.appliance.forensics.judge import judged
from tests.appliance.forensics.situations import lossy
from tests.host.kernel import PHONE, RULES, SERVER, kernel_router
from tests.host.test_sip import Sipp, play, wait_until_bound
from tests.support.lab import GLASSNAT, capture
from tests.support.programs import run_in

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "nft", "ss", "tcpdump", "sipp")]

TARGET = f"{SERVER[0]}:{SERVER[1]}"


KEEPING_PORTS = RULES.replace("masquerade to :1024", "masquerade")
Files = dict[Side, Path]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The answer of `glassnat import` to a registration and a call through that router."""
    folder = tmp_path_factory.mktemp("router")
    return imported(captures(folder, RULES), folder / "ticket.md")


def captures(folder: Path, rules: str) -> Files:
    """Of both sides of a router with these rules."""
    files = {side: folder / f"{side}.pcap" for side in Side}
    with contextlib.ExitStack() as undo:
        try:
            phone, router, server = undo.enter_context(kernel_router(rules))
        except (AssertionError, CommandError) as error:
            pytest.skip(f"no SIP helper in this kernel: {str(error).strip().splitlines()[-1]}")
        for side, file in files.items():
            undo.enter_context(capture(router, str(side), file))
        for waits, calls in (("registrar", "register"), ("answer", "call")):
            waiting = Sipp(folder, server, SERVER[0], waits)
            wait_until_bound(server)
            play(waiting, Sipp(folder, phone, PHONE[0], calls, TARGET, "-s", "alice"))
    return files


def imported(files: Files, report: Path) -> dict[str, Any]:
    words = [word for side, file in files.items() for word in (f"--{side}", str(file))]
    answer: dict[str, Any] = json.loads(
        run_in("", *GLASSNAT, "import", *words, "--report", str(report), "--json")
    )
    assert answer["profile"] in report.read_text() + "\n"
    return answer


def test_what_the_kernel_does_is_judged_with_the_ports_that_it_chose(found: dict[str, Any]) -> None:
    """It is told to take port 1024: that is its choice, and no fault. What it wrote into Via and
    Contact is right then. That it writes a port into From and To is not (RFC 3261 19.1.1)."""
    changes = [change for message in found["messages"] for change in message["changes"]]
    right = {each["field"] for each in changes if each["verdict"] == "ok"}
    assert {"via.host", "contact.host", "sdp.c.address", "sdp.o.address"} <= right
    assert {each["field"] for each in changes if each["verdict"] != "ok"} == {"from"}
    assert {each["external"] for each in found["mappings"]} >= {"203.0.113.1:1024"}


def test_no_fault_is_named_that_it_has_not_and_what_is_explained_is_said(
    found: dict[str, Any],
) -> None:
    assert found["faults"] == []
    assert found["module"] == "sip"
    assert found["packets"] / 2 < found["explained"] < found["packets"]


def test_where_it_keeps_ports_it_does_what_the_correct_module_does(tmp_path: Path) -> None:
    """Then From and To are right as well. And captures that lose audio say the same."""
    files = captures(tmp_path, KEEPING_PORTS)
    answer = imported(files, tmp_path / "ticket.md")
    assert (answer["module"], answer["faults"], answer["unexplained"]) == ("sip", [], 0)
    assert answer["explained"] == answer["packets"] > 20
    changes = [change for message in answer["messages"] for change in message["changes"]]
    assert len(changes) > 10
    assert {each["verdict"] for each in changes} == {"ok"}
    tapes = read(files[Side.INSIDE].read_bytes()), read(files[Side.OUTSIDE].read_bytes())
    found = judged(lossy(tapes, 0.1, 1, spared=[5060]), ())
    assert (found.faults, found.module) == ([], "sip")
