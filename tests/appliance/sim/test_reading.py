"""A scenario is read, or everything that is wrong with it is told."""

from __future__ import annotations

import pytest

from appliance.parties.pbx import PbxTraits
from appliance.parties.phone import PhoneTraits
from appliance.sim.reading import read
from appliance.sim.scenario import ScenarioError
from tests.support.stories import CALL

KNOBS = 'knobs = ["nat.timeouts.udp", "parties.pbx.comedia"]'
GOOD = (
    CALL.replace("duration = 9", f"duration = 9\n{KNOBS}")
    + """
[[script]]
at = 3.0
set = { "nat.timeouts.udp" = "40s" }
[[steps]]
title = "Look"
predict = "what?"
see = "that"
shows = ["one-way audio"]
alg = "sip-poor:no-sdp"
[expect.off]
outcome = "one-way-audio"
[expect."a server that mends"]
alg = "off"
set = { "parties.pbx.comedia" = true }
outcome = "both-ways"
"""
)


def test_a_scenario_is_read_into_typed_tables() -> None:
    scenario = read(GOOD, "good")
    assert scenario.name == "good"
    assert isinstance(scenario.parties["alice"], PhoneTraits)
    assert isinstance(scenario.parties["pbx"], PbxTraits)
    assert scenario.settings["outside"] == {"external": ["203.0.113.1"]}


def test_an_expectation_is_about_the_module_that_it_is_named_after() -> None:
    """Unless it says which: then its name may be any words."""
    expect = read(GOOD, "good").expect
    assert expect["off"].alg == "off"
    assert expect["a server that mends"].alg == "off"
    assert expect["a server that mends"].sets() == ["parties.pbx.comedia=true"]


def test_a_step_is_a_run_that_can_be_typed() -> None:
    (step,) = read(GOOD, "good").steps
    assert step.options() == "--alg sip-poor:no-sdp"


def test_a_party_speaks_udp_unless_its_table_says_otherwise() -> None:
    alice = read(GOOD, "good").parties["alice"]
    assert isinstance(alice, PhoneTraits)
    assert (alice.transport, alice.segment, alice.port_unreachable) == ("udp", 0, False)


@pytest.mark.parametrize(
    ("before", "after", "key", "complaint"),
    [
        ('kind = "phone"', 'kind = "fone"', "parties.alice.kind", 'did you mean "phone"?'),
        ('title = "t"', "", "title", "is missing"),
        ('title = "t"', 'title = "t"\ntitel = "u"', "titel", 'did you mean "title"?'),
        ("duration = 9", 'duration = "ten"', "duration", '"ten" is not a duration'),
        ("duration = 9", "duration = ", "", "line 4"),
        ("duration = 9", "duration = -9", "duration", "more than 0"),
        ("duration = 9", "duration = nan", "duration", "more than 0"),
        ("duration = 9", "duration = 1e300", "duration", "at most 604800 seconds"),
        ("at = 0.0", "at = 0.0\nknobs = []", "script[1].knobs", "above the first table"),
        ("192.168.20.100", "192.168.20.1000", "parties.alice.address", "is not an IP address"),
        ("192.168.20.100", "192.168.21.9", "alice.address", "is not in inside.networks ("),
        ("203.0.113.9:5060", "203.0.113.9", "parties.alice.registrar", "is not an endpoint"),
        ('users = ["bob"]', "users = []", "parties.pbx.users", "it has none"),
        ('users = ["bob"]', "users = 5", "parties.pbx.users", "must be a list, not 5"),
        ('address = "203.0.113.9"', 'address = "192.168.20.100"', "pbx.address", "is alice's"),
        ('party = "alice"\ndo = "reg', 'party = "alicia"\ndo = "reg', "[1].party", '"alice"?'),
        ('do = "register"', 'do = "regster"', "script[1].do", 'did you mean "register"?'),
        ('whom = "bob"', 'whom = "bobby"', "script[2].whom", 'did you mean "bob"?'),
        ('whom = "bob"', "", "script[2].whom", "is missing: call needs to know whom"),
        ('do = "register"', 'do = "register"\nwhom = "bob"', "script[1].whom", "is not needed"),
        ("at = 0.0", "at = 11.0", "script[1].at", "not within the 9.0 s"),
        ("at = 0.0", "at = -1.0", "script[1].at", "not within the 9.0 s"),
        ("at = 0.0", "", "script[1].at", "is missing"),
        ('"nat.timeouts.udp" = "40s"', '"nat.timeouts.upd" = "40s"', "[4].set", "timeouts.udp"),
        ('"nat.timeouts.udp" = "40s"', '"nat.timeouts.udp" = "soon"', "script[4].set", "soon"),
        ('side = "inside"', 'side = "inside"\nrtp_port = 70000', "rtp_port", "is no port 70000"),
        ('side = "inside"', 'side = "inside"\nexpires = "soon"', "expires", "is not a duration"),
        ('side = "inside"', 'side = "inside"\nexpires = "1m9ms"', "expires", "a whole number"),
        ('side = "inside"', 'side = "inside"\nrtp_port = "x"', "alice.rtp_port", "a whole number"),
        ('users = ["bob"]', "users = [5]", "parties.pbx.users[0]", "must be a text, not [5]"),
        ('side = "inside"', 'side = "left"', "parties.alice.side", "left"),
        ('side = "inside"', 'side = "inside"\ntransport = "sctp"', "alice.transport", "sctp"),
        ('side = "inside"', 'side = "inside"\nsegment = -1', "alice.segment", "none has -1"),
        ('side = "inside"', 'side = "inside"\nsip_prot = 1', "alice.sip_prot", '"sip_port"?'),
        ("outside.external", "outside.extrenal", "settings.outside.extrenal", "outside.external"),
        ('"parties.pbx.comedia"]', '"parties.pbx.comdia"]', "knobs", '"comedia"?'),
        ('outcome = "one-way-audio"', 'outcome = "one-way"', "expect.off.outcome", "one-way-audio"),
        ("[expect.off]", "[expect.of]", "expect.of.alg", "'off'"),
        ("sip-poor:no-sdp", "sip-poor:no-spd", "steps[1].alg", "no-sdp"),
        ('"parties.pbx.comedia" = true', '"parties.pbx.comdia" = true', "expect", '"comedia"?'),
        ('see = "that"', "", "steps[1].see", "is missing"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_key(before: str, after: str, key: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as error:
        read(GOOD.replace(before, after, 1), "good")
    heading, *lines = str(error.value).splitlines()
    assert heading.startswith("scenario good: ")
    assert any(key in line and complaint in line for line in lines), lines


def test_seconds_of_a_file_may_have_units() -> None:
    """As those of the settings, and on the command line."""
    written = 'side = "inside"\nexpires = "1m30s"\nanswer_after = "500ms"'
    alice = read(GOOD.replace('side = "inside"', written, 1), "good").parties["alice"]
    assert isinstance(alice, PhoneTraits)
    assert (alice.expires, alice.answer_after) == (90, 0.5)


def test_all_mistakes_are_told_at_once() -> None:
    """Words that are not known, and what is wrong with the NAT's settings and with an outcome."""
    bad = GOOD.replace('title = "t"', "").replace('"phone"', '"fone"').replace("at = 1.0", "")
    bad = bad.replace("[settings]", "[settings]\nnat.timeout.udp = 1").replace(
        '"both-ways"', '"all-ways"'
    )
    with pytest.raises(ScenarioError) as error:
        read(bad, "bad")
    assert str(error.value).startswith("scenario bad: 5 problems")


def test_one_mistake_hides_no_other() -> None:
    """While a word, a type and a party are wrong, script, knobs, steps and turns are looked at."""
    bad = GOOD
    for before, after in (
        ("duration = 9", 'duration = "ten"'),
        ('kind = "phone"', 'kind = "fone"'),
        ('party = "alice"\ndo = "reg', 'party = "alicia"\ndo = "reeg'),
        ('do = "call"\nwhom', 'do = "caal"\nwho'),
        ('"parties.pbx.comedia"]', '"parties.pbx.comdia", "parties.alice.expires"]'),
        ("sip-poor:no-sdp", "sip-poor:no-spd"),
        ('"parties.pbx.comedia" = true', '"nat.timeouts.upd" = true'),
    ):
        assert before in bad
        bad = bad.replace(before, after, 1)
    with pytest.raises(ScenarioError) as error:
        read(bad, "bad", "bad/scenario.toml")
    heading, *lines = str(error.value).splitlines()
    assert heading == "bad/scenario.toml: 9 problems"
    assert {line.split("  ")[1] for line in lines} == {
        "duration",
        "parties.alice.kind",
        "script[1].party",
        "script[1].do",
        "script[2].who",
        "script[2].do",
        "knobs: parties.pbx.comdia",
        "steps[1].alg",
        "expect.a server that mends.set.nat.timeouts.upd",
    }
