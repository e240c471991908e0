"""What a sign is shown, and the value that a hint proposes."""

from __future__ import annotations

from alg.hint import more_ports
from appliance.settings.table import SETTINGS


def test_a_proposed_list_of_ports_is_one_that_can_be_set() -> None:
    proposed = more_ports([5060, 5080], 5070)
    assert SETTINGS["alg.sip.ports"].kind.parse(proposed) == (5060, 5080, 5070)
