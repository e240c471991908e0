"""Stories that many tests play."""

from __future__ import annotations

from functools import cache

from appliance.sim.scenario import Scenario
from appliance.sim.stories import list_scenarios

CALL = """
title = "t"
lesson = "l"
duration = 9
[settings]
inside.networks = ["192.168.20.0/24"]
inside.gateway = "192.168.20.1"
outside.external = ["203.0.113.1"]
[parties.alice]
kind = "phone"
side = "inside"
address = "192.168.20.100"
registrar = "203.0.113.9:5060"
[parties.pbx]
kind = "pbx"
side = "outside"
address = "203.0.113.9"
users = ["bob"]
[[script]]
at = 0.0
party = "alice"
do = "register"
[[script]]
at = 1.0
party = "alice"
do = "call"
whom = "bob"
[[script]]
at = 6.0
party = "alice"
do = "hang-up"
"""
"""The smallest story with a call, as TOML: alice, inside, registers, calls bob and hangs up."""
ALICE_IS_CALLED = CALL.replace('at = 1.0\nparty = "alice"', 'at = 1.0\nparty = "pbx"').replace(
    'whom = "bob"', 'whom = "alice"'
)
"""The same call from outside, by the server's user; she hangs up."""


@cache
def shelf() -> tuple[Scenario, ...]:
    """The stories that come with the program, read once for all tests: not to be changed."""
    return tuple(list_scenarios())
