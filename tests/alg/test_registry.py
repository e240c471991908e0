"""A SPEC names a module; a wrong one is answered with the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from alg.registry import APPLICATIONS, MODULES, SpecError, application_of, load, poor
from alg.sip_poor.poor import SipPoor


def test_every_listed_module_loads_under_its_name() -> None:
    for name, module in MODULES.items():
        assert load(name).name == name == module.name
        assert module.title
        assert module.does.endswith(".")


def test_every_application_has_a_correct_module_of_its_name() -> None:
    for name, application in APPLICATIONS.items():
        assert application.name == name == application.correct().name == load(name).name
        assert load(name).application == name


def test_the_poor_module_of_an_application_is_the_one_that_takes_faults() -> None:
    found = {name: poor(name) for name in (*APPLICATIONS, "gopher")}
    assert {name: module and module.name for name, module in found.items()} == {
        "sip": "sip-poor",
        "ftp": "ftp-poor",
        "dns": "dns-poor",
        "gopher": None,
    }


def test_faults_come_with_the_spec_or_from_the_scenario() -> None:
    """`sip-poor` alone takes the scenario's or profile's faults."""
    named = load("sip-poor:no-sdp, callid-oneway", ["unused"])
    assert isinstance(named, SipPoor)
    assert [fault.name for fault, _ in named.faults] == ["no-sdp", "callid-oneway"]
    given = load("sip-poor", ["no-sdp"])
    assert isinstance(given, SipPoor)
    assert [fault.name for fault, _ in given.faults] == ["no-sdp"]
    none = load("sip-poor:")
    assert isinstance(none, SipPoor)
    assert none.faults == []


def test_a_file_of_somebody_s_own_is_never_loaded_here(tmp_path: Path) -> None:
    """It runs in a process of its own, which the appliance starts."""
    file = tmp_path / "own.py"
    file.write_text("raise SystemExit")
    with pytest.raises(SpecError, match="in a process of its own"):
        load(f"{file}:Mine")


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("of", "did you mean 'off'"),
        ("zebra", "there are off"),
        ("sip:no-sdp", "did you mean 'sip-poor:no-sdp'"),
        ("sip-poor:no-sdb", "did you mean 'no-sdp'"),
        ("sip-poor:zebra", "alg list"),
        ("sip-poor:no-sdp@moon=full", "method, direction, nth, code"),
        ("", "is not a module"),
        ("off:no-sdp", "takes no faults"),
        ("ftp:no-seqadj", "did you mean 'ftp-poor:no-seqadj'"),
    ],
)
def test_a_wrong_spec_is_one_sentence(spec: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        load(spec)


def test_a_fault_is_one_of_the_module_s_own() -> None:
    with pytest.raises(SpecError, match="'no-sdp' is not a fault of ftp-poor"):
        load("ftp-poor:no-sdp")
    with pytest.raises(SpecError, match="did you mean 'open-to-all'"):
        load("ftp-poor:open-for-all")


def test_a_slot_takes_modules_of_its_own_application() -> None:
    with pytest.raises(SpecError, match="'ftp' does not read SIP; there are off, sip, sip-poor"):
        load("ftp", application="sip")
    with pytest.raises(SpecError, match="there are off, ftp, ftp-poor"):
        load("sip", application="ftp")
    with pytest.raises(SpecError, match="did you mean 'ftp-poor:no-seqadj'"):
        load("off:no-seqadj", application="ftp")


@pytest.mark.parametrize(
    ("spec", "message", "application"),
    [
        ("ftp-poor:no-seqadj", b"", "ftp"),
        ("sip", b"QUIT\r\n", "sip"),
        ("off", b"QUIT\r\n", "ftp"),
        ("off", b"\xff", "sip"),
        ("mine.py:Mine", b"227 Entering Passive Mode (192,0,2,1,8,1)\r\n", "ftp"),
    ],
)
def test_a_module_that_fits_every_slot_is_for_who_can_read_the_message(
    spec: str, message: bytes, application: str
) -> None:
    assert application_of(spec, message).name == application
