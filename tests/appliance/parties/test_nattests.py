"""What a phone makes of its NAT, against what the NAT is."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from appliance.journal.events import PartyLearnt
from appliance.parties import nattests, stun
from appliance.parties.nattests import Probe, Tests
from appliance.parties.stun import StunMessage
from appliance.sim.scenario import Turns
from appliance.sim.staging import simulation
from appliance.sim.stories import load_scenario
from nat.endpoint import Endpoint

LOCAL, SERVER = Endpoint.parse("192.168.20.100:50000"), Endpoint.parse("203.0.113.20:3478")
OUTSIDE, OTHER = Endpoint.parse("203.0.113.1:50000"), Endpoint.parse("203.0.113.21:3479")

INDEPENDENT, BY_ADDRESS, BY_BOTH = BEHAVIOURS = (
    "endpoint-independent", "address-dependent", "address-and-port-dependent",
)  # fmt: skip
TYPES = {
    (INDEPENDENT, INDEPENDENT): "a full cone",
    (INDEPENDENT, BY_ADDRESS): "a restricted cone",
    (INDEPENDENT, BY_BOTH): "a port-restricted cone",
    (BY_ADDRESS, INDEPENDENT): "a full cone",
    (BY_ADDRESS, BY_ADDRESS): "a symmetric one",
    (BY_ADDRESS, BY_BOTH): "a symmetric one",
    (BY_BOTH, INDEPENDENT): "a full cone",
    (BY_BOTH, BY_ADDRESS): "a symmetric one",
    (BY_BOTH, BY_BOTH): "a symmetric one",
}
"""What RFC 3489 calls a NAT that maps and filters so: three of nine are called what they are not,
because whoever lets anybody in is not asked how it maps."""

STUN_PHONE = load_scenario("stun-phone")
SHORT = msgspec.structs.replace(STUN_PHONE, script=STUN_PHONE.script[:1], duration=25.0)


def found(by: str, **turned: str) -> list[tuple[str, str, str]]:
    """What alice finds out, whom she has asked, and by which rule."""
    run = simulation(SHORT, Turns(set={"parties.alice.stun_tests": by, **turned}))
    run.run()
    learnt = [each for each in run.log.since(0) if isinstance(each, PartyLearnt)]
    return [
        (each.does, each.target, each.rfc) for each in learnt if each.does.endswith(nattests.AFTER)
    ]


@pytest.mark.parametrize(("mapping", "filtering"), TYPES)
def test_a_type_of_rfc_3489_for_each_mapping_and_filtering(mapping: str, filtering: str) -> None:
    """RFC 3489 10.1, RFC 4787 4.1, 5."""
    turned = {"nat.mapping": mapping, "nat.filtering": filtering}
    does = f"takes its NAT for {TYPES[mapping, filtering]} after asking"
    assert found("rfc3489", **turned) == [(does, str(SERVER), "RFC 3489 10.1")]


@pytest.mark.parametrize("mapping", BEHAVIOURS)
@pytest.mark.parametrize("filtering", BEHAVIOURS)
def test_rfc_5780_finds_what_the_nat_is(mapping: str, filtering: str) -> None:
    """RFC 5780 4.3, 4.4."""
    turned = {"nat.mapping": mapping, "nat.filtering": filtering}
    does = f"finds {mapping} mapping and {filtering} filtering after asking"
    assert found("rfc5780", **turned) == [(does, str(SERVER), "RFC 5780 4.3")]


def test_a_server_with_one_address_cannot_say() -> None:
    ((does, *_),) = found("rfc3489", **{"parties.stun.other_address": ""})
    assert does == nattests.UNKNOWN + nattests.AFTER


def an_answer(mapped: Endpoint = OUTSIDE) -> StunMessage:
    places = {stun.MAPPED_ADDRESS: mapped, stun.CHANGED_ADDRESS: OTHER}
    values = {name: stun.address_value(place) for name, place in places.items()}
    return StunMessage(stun.BINDING_RESPONSE, bytes(16), values)


def concluded(tests: Tests, answers: Sequence[StunMessage | None]) -> tuple[str, list[Probe]]:
    """What comes out of these answers, and what was asked."""
    asked = [next(tests), *map(tests.send, answers[:-1])]
    with pytest.raises(StopIteration) as end:
        tests.send(answers[-1])
    return end.value.value, asked


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([None], nattests.BLOCKED),
        ([an_answer(LOCAL), an_answer(LOCAL)], nattests.OPEN),
        ([an_answer(LOCAL), None], nattests.FIREWALL),
        ([an_answer(), None, None], nattests.UNKNOWN),
    ],
)
def test_where_there_is_no_nat_or_no_answer(answers: list[StunMessage | None], said: str) -> None:
    """RFC 3489 10.1."""
    assert concluded(nattests.by_rfc3489(LOCAL, SERVER), answers)[0] == said


def test_whether_the_port_is_the_same_for_others_is_asked_last_but_one() -> None:
    """RFC 3489 10.1: by then nothing has gone to the server's other port, from which test III is
    answered, or to its other address."""
    _, asked = concluded(nattests.by_rfc3489(LOCAL, SERVER), [an_answer(), None, an_answer(), None])
    both = stun.CHANGE_ADDRESS | stun.CHANGE_PORT
    assert asked == [(SERVER, 0), (SERVER, both), (OTHER, 0), (SERVER, stun.CHANGE_PORT)]
