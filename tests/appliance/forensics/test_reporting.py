"""What is said of a router: as JSON, as a profile that loads, as a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.forensics import observed
from appliance.forensics.diagnosis import Diagnosis, diagnose
from appliance.forensics.observed import Observed
from appliance.forensics.replaying import networks_of
from appliance.forensics.reporting import document, page, profile, sentences
from appliance.forensics.sides import Sides, joined
from appliance.settings import files as configuration
from nat.endpoint import Network
from tests.appliance.forensics.situations import SIP, captured


@pytest.fixture(scope="module")
def found() -> tuple[Sides, Diagnosis, list[Observed]]:
    tapes, sets = captured("born", "sip-poor:stray-char")
    sides = joined(*tapes, [Network.parse(text) for text in networks_of(tapes[0])])
    diagnosis = diagnose(sides, SIP, [5060], sets)
    return sides, diagnosis, [*observed.messages(sides, diagnosis.correct, SIP)]


def test_the_document_has_what_was_promised(
    found: tuple[Sides, Diagnosis, list[Observed]],
) -> None:
    said = json.loads(json.dumps(document(*found)))
    assert {"mappings", "messages", "unpaired", "faults", "profile"} <= said.keys()
    assert said["unpaired"] == {"inside": 0, "outside": 0}
    (fault,) = said["faults"]
    assert fault["name"] == "stray-char"
    assert fault["evidence"]
    message = said["messages"][0]
    assert {"before", "after", "direction", "changes"} <= message.keys()
    assert (message["direction"], ";;" in message["after"]) == ("out", True)
    assert [mapping["external"] for mapping in said["mappings"]] == ["203.0.113.1:5060"]


def test_the_profile_does_the_same(
    found: tuple[Sides, Diagnosis, list[Observed]], tmp_path: Path
) -> None:
    """It is a file of settings like any other."""
    path = tmp_path / "router.toml"
    path.write_text(f"{configuration.sample()}\n")
    text = profile(found[1])
    assert 'module = "sip-poor"\nfaults = ["stray-char"]' in text
    plain = "".join(line for line in text.splitlines(True) if not line.startswith("title"))
    (tmp_path / "only.toml").write_text(
        plain + '[inside]\nnetworks = ["192.168.20.0/24"]\n[outside]\nexternal = ["203.0.113.1"]\n'
    )
    settings = configuration.load(tmp_path / "only.toml")
    assert (settings["alg.sip.module"], settings["alg.sip.faults"]) == ("sip-poor", ("stray-char",))


def test_a_person_reads_sentences(found: tuple[Sides, Diagnosis, list[Observed]]) -> None:
    said = [*sentences(*found)]
    assert "The router does what sip-poor:stray-char does." in said
    assert any(each.startswith("192.168.20.10:5060 was 203.0.113.1:5060 outside") for each in said)
    assert any(each.startswith("stray-char: Slips a second semicolon") for each in said)


def test_the_page_is_for_a_ticket(found: tuple[Sides, Diagnosis, list[Observed]]) -> None:
    text = page(*found)
    assert text.startswith("# What the router changes\n\nThe router does what sip-poor:stray-char")
    assert "| udp | 192.168.20.10:5060 | 203.0.113.1:5060 |" in text
    assert "## stray-char" in text
    assert "wrong:" in text
    assert '```toml\ntitle = "As the router in the captures"' in text
