"""What a router did is recognised by doing the same: see `judge.py` for all faults everywhere."""

from __future__ import annotations

import pytest

from tests.appliance.forensics.judge import judged
from tests.appliance.forensics.situations import ALL, captured, lossy
from tests.support.sweep import sampled


@pytest.mark.parametrize("name", sampled(ALL, 6))
@pytest.mark.parametrize("spec", ["off", "sip"])
def test_where_nothing_is_wrong_nothing_is_named(name: str, spec: str) -> None:
    found = judged(*captured(name, spec))
    assert ([each.name for each in found.faults], found.left) == ([], 0)


SHOWN = [
    ("callid-oneway", "born"),  # an edit outwards
    ("via-not-restored", "born"),  # an edit inwards
    ("bad-checksum", "born"),  # no byte of the message
    ("sip-timer-short", "signs off"),  # time
    ("direct-media-block", "talks"),  # who is let in
    ("reply-port-lost", "sends from elsewhere"),  # ports
    ("second-phone-steals", "many sockets"),  # of another host
    ("drop-fragments", "below"),  # below messages
    ("tcp-no-seqadj", "streams"),  # a stream
]


@pytest.mark.parametrize(("fault", "name"), sampled([pytest.param(*each) for each in SHOWN], 9))
def test_a_fault_that_can_be_seen_is_named_with_evidence(fault: str, name: str) -> None:
    found = judged(*captured(name, f"sip-poor:{fault}"))
    named = {each.name: each for each in found.faults}
    assert fault in named
    assert (found.module, found.left) == ("sip-poor", 0)
    assert named[fault].evidence
    assert all(each.startswith("At ") and each.endswith(".") for each in named[fault].evidence)


LOST = [
    ("off", []),
    ("sip", []),
    ("sip-poor:stray-char", ["stray-char"]),
    ("sip-poor:no-sdp", ["no-sdp"]),
    ("sip-poor:via-not-restored", ["via-not-restored"]),
    ("sip-poor:bad-checksum", ["bad-checksum"]),
    ("sip-poor:content-length-stale", ["content-length-stale"]),
]


@pytest.mark.parametrize(("spec", "faults"), sampled([pytest.param(*each) for each in LOST], 3))
@pytest.mark.parametrize(("share", "spared"), [(0.01, []), (0.1, [5060])])
def test_captures_that_have_lost_packets_tell_the_same(
    spec: str, faults: list[str], share: float, spared: list[int]
) -> None:
    """One in a hundred of all, or one in ten of the audio."""
    tapes, sets = captured("speaks", spec)
    found = judged(lossy(tapes, share, 1, spared), sets)
    assert [each.name for each in found.faults] == faults


@pytest.mark.slow
def test_two_faults_of_one_router_are_found_together() -> None:
    found = judged(*captured("born", "sip-poor:stray-char,via-not-restored"))
    assert {*found.together} == {"stray-char", "via-not-restored"}
    assert found.left == 0


def test_the_evidence_says_what_is_there_and_what_should_be() -> None:
    (named,) = judged(*captured("born", "sip-poor:stray-char")).faults
    assert named.evidence[0] == (
        "At 0.000 s “REGISTER sip:203.0.113.9 SIP/2.0” from 203.0.113.1:5060 to 203.0.113.9:5060 "
        "on the outside: has “Via: SIP/2.0/UDP 203.0.113.1:5060;;branch=z9hG4bK1REGISTER” where a "
        "correct ALG writes “Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK1REGISTER”."
    )


@pytest.mark.slow
def test_another_kind_of_nat_is_no_fault() -> None:
    tapes, _ = captured("many sockets", "sip")
    found = judged(tapes, ())
    assert (found.faults, found.left) == ([], 0)
    assert found.kind == (("nat.filtering=endpoint-independent",), False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spec", "faults"),
    [
        ("registers", "off", []),
        ("registers", "sip", []),
        ("registers", "sip-poor:stray-char", ["stray-char"]),
        ("calls", "sip", []),  # most of its media are announced only
    ],
)
def test_with_ports_of_its_own_choice_a_router_is_judged_by_what_it_does_with_them(
    name: str, spec: str, faults: list[str]
) -> None:
    found = judged(*captured(name, spec, ("nat.ports=sequential",)))
    assert ([each.name for each in found.faults], found.left) == (faults, 0)
    assert found.explained == found.packets
    assert found.kind.has_its_ports


@pytest.mark.slow
def test_of_a_router_that_is_like_none_of_ours_no_fault_is_named() -> None:
    """What explains one packet in four by chance is no explanation."""
    (inside, outside), sets = captured("born", "sip-poor:stray-char")
    for side, tape in enumerate((inside, outside)):
        for at, (_, packet) in enumerate(tape.sightings):
            if at:
                packet.replace_payload(packet.payload + b"X-Router: %d" % side)
    found = judged((inside, outside), sets)
    assert (found.faults, found.together) == ([], [])
    assert found.left > 0
