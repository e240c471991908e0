"""How a connection comes to its end (RFC 9293 3.3.2, figure 5; 3.6)."""

from __future__ import annotations

import pytest

from appliance.sim.tcp_states import RECEIVING, SENDING, TRANSITIONS, State, Step

CLOSE, HEARD, ACKNOWLEDGED = Step.CLOSE, Step.FIN_HEARD, Step.FIN_ACKNOWLEDGED


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        ((CLOSE, ACKNOWLEDGED, HEARD), State.TIME_WAIT),
        ((CLOSE, HEARD, ACKNOWLEDGED), State.TIME_WAIT),
        ((HEARD, CLOSE, ACKNOWLEDGED), State.CLOSED),
    ],
    ids=["we close first", "both at once", "they close first"],
)
def test_whoever_closes_first_waits(steps: tuple[Step, ...], end: State) -> None:
    """RFC 9293 3.6, figures 12 and 13."""
    state = State.ESTABLISHED
    for step in steps:
        state = TRANSITIONS[step][state]
    assert state is end


def test_every_state_but_the_last_has_a_way_out() -> None:
    reached = {after for row in TRANSITIONS.values() for after in row.values()}
    left = {before for row in TRANSITIONS.values() for before in row}
    assert reached - left == {State.TIME_WAIT, State.CLOSED}


def test_who_has_heard_the_end_hears_no_more() -> None:
    """RFC 9293 3.10.7.4, seventh."""
    assert not RECEIVING & set(TRANSITIONS[HEARD].values())


def test_what_was_written_before_a_close_may_still_be_sent() -> None:
    """RFC 9293 3.10.4."""
    assert set(TRANSITIONS[CLOSE].values()) <= SENDING
