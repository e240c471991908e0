"""What is turned for a run, as a person types it."""

from __future__ import annotations

import pytest

from appliance.sim.scenario import Turns


@pytest.mark.parametrize(
    ("turns", "typed"),
    [
        (Turns(), ""),
        (Turns(alg="sip-poor:no-sdp"), "--alg sip-poor:no-sdp"),
        (Turns(profile="cgn", alg="off"), "--profile cgn --alg off"),
        (Turns(set={"nat.timeouts.udp": "30s"}), "--set nat.timeouts.udp=30s"),
        (Turns(set={"parties.pbx.comedia": True}), "--set parties.pbx.comedia=true"),
        (Turns(set={"nat.timeouts.udp": 30}), "--set nat.timeouts.udp=30"),
        (Turns(set={"alg.sip.ports": [5060, 5061]}), "--set 'alg.sip.ports=[5060,5061]'"),
        (
            Turns(set={"nat.static": [{"internal": "192.0.2.1", "external": "203.0.113.1"}]}),
            """--set 'nat.static=[{internal="192.0.2.1",external="203.0.113.1"}]'""",
        ),
    ],
)
def test_what_is_turned_can_be_typed(turns: Turns, typed: str) -> None:
    assert turns.options() == typed
