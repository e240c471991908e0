"""A thousand calls in each direction, over UDP and over TCP, through the correct ALG: none fails.

SIPp on both sides checks what it gets: an answer whose Via, Call-ID or tags are not its own, an ACK
or a BYE that finds nobody, a message over TCP that is cut in the wrong place, all fail a call.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.lab import EXTERNAL, PHONE, SERVER, Appliance, Lab
from tests.support.programs import PHONES, Program, run_in, until

pytestmark = pytest.mark.host

SCENARIOS = PHONES / "sipp"
CALLS = 1000
PER_SECOND = 150
TRANSPORTS = {"udp": "u1", "tcp": "t1"}
FORWARD = f"""
[[nat.forward]]
protocol = "tcp"
external = "{EXTERNAL}:5060"
internal = "{PHONE}:5060"
"""


@pytest.fixture
def appliance(lab: Lab) -> Iterator[Appliance]:
    with lab.appliance("--alg", "sip", more=FORWARD) as running:
        yield running


def sipp(lab: Lab, namespace: str, address: str, scenario: str, *options: str) -> Program:
    errors = lab.folder / f"{scenario}-{address}.err"
    return Program(
        namespace,
        ["sipp", *options, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", address, "-mi", address,
         "-p", "5060", "-nostdin", "-timeout", "60s", "-timeout_error",
         "-trace_err", "-error_file", str(errors)],
        folder=lab.folder,
    )  # fmt: skip


def call_many(lab: Lab, transport: str, caller: tuple[str, str], callee: tuple[str, str]) -> None:
    """`caller` and `callee` are a namespace and an address; the caller dials what it can reach."""
    target = SERVER if callee[1] == SERVER else EXTERNAL
    many = ("-t", TRANSPORTS[transport], "-m", str(CALLS), "-s", "bob")
    answering = sipp(lab, *callee, "load-answer", *many)
    try:
        until(lambda: ":5060" in run_in(callee[0], "ss", f"-{transport[0]}nlH"))
        calling = sipp(lab, *caller, "load-call", f"{target}:5060", "-r", str(PER_SECOND), *many)
        try:
            assert calling.finish(70) == 0, failures(lab, calling)
            assert answering.finish(10) == 0, failures(lab, answering)
        finally:
            calling.stop()
    finally:
        answering.stop()


def failures(lab: Lab, program: Program) -> str:
    """The last screen of a SIPp, and what either of them complained about first."""
    complaints = [file.read_text()[:3000] for file in lab.folder.glob("*.err")]
    return "\n".join([program.text[-3000:], *complaints])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_thousand_calls_out(lab: Lab, appliance: Appliance, transport: str) -> None:
    call_many(lab, transport, (lab.phones, PHONE), (lab.server, SERVER))
    all_is_well(appliance)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_thousand_calls_in(lab: Lab, appliance: Appliance, transport: str) -> None:
    """Over UDP to a phone that has registered, over TCP to a PBX that is forwarded to."""
    if transport == "udp":
        register(lab)
    call_many(lab, transport, (lab.server, SERVER), (lab.phones, PHONE))
    all_is_well(appliance)


def register(lab: Lab) -> None:
    """The phone registers, so that the outside has a way in."""
    once = ("-m", "1")
    registrar = sipp(lab, lab.server, SERVER, "registrar", *once)
    until(lambda: ":5060" in run_in(lab.server, "ss", "-unlH"))
    phone = sipp(lab, lab.phones, PHONE, "register", f"{SERVER}:5060", "-s", "alice", *once)
    try:
        assert phone.finish() == 0, phone.text
        assert registrar.finish() == 0, registrar.text
    finally:
        phone.stop()
        registrar.stop()


def all_is_well(appliance: Appliance) -> None:
    """Each call has seven messages, all were understood, and nothing of them is left open."""
    counters = appliance.show("counters")["alg"]["sip"]
    assert counters["rewritten"] >= 5 * CALLS
    assert counters["errors"] == counters["malformed"] == counters["refused"] == 0
    assert [one for one in appliance.show("expectations") if "media" in one["reason"]] == []
