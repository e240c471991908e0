"""Other external addresses while it is up: the outside namespace follows the appliance.

The appliance has no rights to do it, so whoever changes the setting does: `sudo glassnat set
outside.external`. What the namespace has is looked at, and not what it was given once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from appliance.namespaces.between.plan import TO_THE_APPLIANCE, netns_of
from appliance.namespaces.between.step import BRIDGE_END, Step
from appliance.settings.network_kinds import Interface
from appliance.wires import netns
from nat.endpoint import Network, Side, address_text, parse_address


def present(name: str) -> list[Interface]:
    """The external addresses that the outside namespace has now. Raises CommandError."""
    command = ["ip", "-n", netns_of(name, Side.OUTSIDE), "-json", "-4", "address", "show",
               "dev", BRIDGE_END]  # fmt: skip
    (device,) = [each for each in json.loads(netns.run(command)) if each]
    return [_interface(each["local"], each["prefixlen"]) for each in device["addr_info"]]


def steps(name: str, has: Sequence[Interface], wanted: Sequence[int]) -> Iterator[Step]:
    """What makes these the external addresses, and only these. A new one is taken to be in a
    network that is there already, if there is one."""
    known = {each.address: each for each in has}
    for address in wanted:
        if address not in known:
            home = next((each.network for each in has if address in each.network), None)
            prefix = 32 if home is None else home.prefix
            yield from _turn(name, "add", _interface(address_text(address), prefix))
    for address, interface in known.items():
        if address not in wanted:
            yield from _turn(name, "delete", interface)


def _turn(name: str, verb: str, interface: Interface) -> Iterator[Step]:
    external = address_text(interface.address)
    for words in (
        ("address", verb, str(interface), "dev", BRIDGE_END),
        ("rule", verb, "pref", "10", "to", external, "lookup", TO_THE_APPLIANCE),
        ("neighbour", verb, "proxy", external, "dev", BRIDGE_END),
    ):
        yield Step(("ip", "-n", netns_of(name, Side.OUTSIDE), *words))


def _interface(address: str, prefix: int) -> Interface:
    return Interface(parse_address(address), Network.parse(f"{address}/{prefix}"))
