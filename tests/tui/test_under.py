"""One message under several modules is what a run with each would let out."""

from __future__ import annotations

from appliance.journal.events import MessagePassed
from tests.tui.test_simulated import simulation
from tui.simulated import SimulationFeed
from tui.under import number_of, under_each

KEY = "alg.sip.module"


def test_it_is_the_same_message_of_each_run_and_none_where_it_was_never_sent() -> None:
    feed = SimulationFeed(simulation)
    feed.finish()
    messages = [each for each in feed.simulation.log.since(0) if isinstance(each, MessagePassed)]
    invite = next(each for each in messages if each.summary == "INVITE")
    assert number_of(invite, messages) == 1
    specs = ["off", "sip", "sip-poor:callid-oneway"]
    off, sip, poor = under_each(feed.plans({KEY: specs}), invite, 1)
    assert off == ("off", invite.before)
    assert sip.after is not None
    assert "c=IN IP4 203.0.113.1\r\n" in sip.after
    assert poor.after is None, "nobody calls who could not register"
