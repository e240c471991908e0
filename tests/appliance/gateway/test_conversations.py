"""What time alone does to calls and registrations is told as it happens."""

from __future__ import annotations

from appliance.journal.events import CallState
from tests.fuzz.datapath import INVITE, REGISTER
from tests.support.packets import EXTERNAL, A, R, udp
from tests.support.world import World


def test_a_registration_that_runs_out_is_told_when_it_does() -> None:
    """RFC 3261 10.3; promise: `show calls` does not say registered for longer than was granted."""
    world = World({"alg.sip.module": "sip"})
    sent = world.pass_out(udp(f"{A}:5060", f"{R}:5060", REGISTER))
    assert sent is not None
    granted = sent.payload.replace(b"REGISTER sip:198.51.100.7 SIP/2.0", b"SIP/2.0 200 OK")
    granted = granted.replace(b"Contact:", b"Expires: 60\r\nContact:")
    world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:5060", granted))
    assert world.show("calls")[0]["expires_in"] == 60.0
    world.wait(59.0)
    assert world.show("calls")[0]["state"] == "registered"
    world.wait(1.0)
    assert [event.state for event in world.told(CallState)] == [
        "registering",
        "registered",
        "expired",
    ]
    assert world.told(CallState)[-1].t == 60.0
    assert world.show("calls")[0]["state"] == "expired"


def test_a_call_that_nobody_answers_is_told_after_its_transaction() -> None:
    """RFC 3261 17.1.1.2: 64 * T1."""
    world = World()
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    world.wait(40.0)
    trying, unanswered = world.told(CallState)
    assert (trying.state, unanswered.state, unanswered.t) == ("trying", "unanswered", 32.0)


def test_a_call_is_found_in_whichever_slot_it_is() -> None:
    world = World()
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    (row,) = world.show("calls")
    found = world.engine.conversations.find(row["call"], 0.0)
    assert found is not None
    assert found.row["call"] == row["call"]
    assert world.engine.conversations.find("another", 0.0) is None
