"""The second NAT of a story, in reality: another appliance, between the first and the outside.

    -in        │ appliance │         -mid          │ appliance │         -out
    alice  gn-in ─┘     └─ gn-out   router   gn-next ─┘     └─ gn-out   pbx

It has what the party `carrier` has in the simulation, and no ALG. The room between the two is a
plain router, so a packet's TTL falls by three.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.namespaces.between.plan import TUNS
from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.step import Step
from appliance.parties.carrier import CarrierTraits
from appliance.settings import files as configuration
from appliance.settings.table import Settings
from appliance.sim.scenario import Scenario
from nat.endpoint import Network, Side, address_text

TUN = "gn-next"
"""Its inside device, in the room between the two."""
FIRST_ADDRESS = "192.0.0.8/32"
"""Of the first one's device in that room: an address that nobody else has (RFC 7600 4.8)."""


def of(story: Scenario) -> SecondNat | None:
    """The second NAT of a story, if there is one."""
    for name, traits in story.parties.items():
        if isinstance(traits, CarrierTraits):
            return SecondNat(name, traits)
    return None


class SecondNat:
    """The party `name` of a story."""

    def __init__(self, name: str, traits: CarrierTraits) -> None:
        self.name = name
        self._traits = traits

    def settings(self, appliance: str, room: str, outside: str, address: str) -> Settings:
        """What it runs with, when it is called `appliance`: from the namespace `room` to the
        namespace `outside`, where its device has this address."""
        traits = self._traits
        return configuration.for_scenario(
            appliance,
            {},
            sets=[
                f"name={appliance}",
                f"inside.device={TUN}",
                f"inside.netns={room}",
                f"inside.address={self._last_host}/32",
                f"inside.networks={traits.network}",
                "inside.routes=0.0.0.0/0",
                f"outside.device={TUNS[Side.OUTSIDE]}",
                f"outside.netns={outside}",
                f"outside.address={address}",
                f"outside.external={traits.address}",
                f"outside.routes={traits.address}/32",
                f"nat.mapping={traits.mapping}",
                f"nat.filtering={traits.filtering}",
                f"nat.ports={traits.ports}",
                f"nat.timeouts.udp={traits.udp}",
                f"nat.timeouts.udp_unanswered={traits.udp_unanswered}",
            ],
        )

    @property
    def _last_host(self) -> str:
        """Of the network behind it: the first NATs are more likely to have one of the first."""
        network = Network.parse(self._traits.network)
        return address_text((network.broadcast or network.address + 1) - 1)

    @staticmethod
    def room(namespace: str) -> Iterator[Step]:
        """What is made before the appliances."""
        yield Step(("ip", "netns", "add", namespace), (Trace("namespace", namespace),))
        assignments = (
            "net.ipv4.ip_forward=1",
            *(f"net.ipv4.conf.{each}.rp_filter=0" for each in ("all", "default")),
        )
        yield Step(("ip", "netns", "exec", namespace, "sysctl", "-qw", *assignments))
