"""From a scenario's tables to parties that can act, each with its own seeded randomness."""

from __future__ import annotations

from random import Random

from appliance.parties.agent import Habits
from appliance.parties.party import Party
from appliance.parties.pbx import Pbx, Switches
from appliance.parties.phone import Phone
from appliance.sim.scenario import PbxTable, PhoneTable
from nat.endpoint import Endpoint, parse_address


def party(name: str, table: PhoneTable | PbxTable, seed: int) -> Party:
    """The party `name`. Its branches, tags and SSRC depend on the seed and its own name only, so
    that one more party in a scenario leaves the others' bytes as they were."""
    rng = Random(f"{seed}/{name}")
    address = parse_address(table.address)
    habits = Habits(
        table.sip_port,
        table.rtp_port,
        table.answer_after,
        table.comedia,
        table.transport,
        table.segment,
    )
    if isinstance(table, PbxTable):
        switches = Switches(table.force_rport, table.qualify, table.max_expires)
        return Pbx(name, address, frozenset(table.users), rng, habits, switches)
    registrar = Endpoint.parse(table.registrar)
    return Phone(name, address, registrar, rng, habits, table.expires)
