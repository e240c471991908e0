"""Where a story is played: a namespace for each side, and the appliance between them.

    glassnat-lab-STORY-in              │ appliance │              glassnat-lab-STORY-out
    alice, carol, …   gn-in ───────────┘           └─────────── gn-out   pbx, stun, …

All hosts of a side are in one namespace, each by its own address, as in the simulation they are on
one link: among themselves they need no gateway. Outside there is no way to private addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.namespaces.between.plan import TUNS, netns_of
from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.step import Step
from appliance.namespaces.lab import second
from appliance.parties.carrier import CarrierTraits
from appliance.parties.traits import Traits
from appliance.settings.table import Settings
from appliance.sim.scenario import Scenario
from nat.endpoint import Network, Side, address_text, parse_address

PREFIX = "lab-"
ALONE = 32
"""The prefix length of a host that is on no network of its side."""
SMALLEST_NETWORK = 24
NEVER = 2**31 - 1  # milliseconds


class Rooms:
    """Of one story with these settings, which are the appliance's."""

    def __init__(self, story: Scenario, settings: Settings) -> None:
        self.story = story
        self.settings = settings
        self.second = second.of(story)

    @property
    def name(self) -> str:
        """Of the appliance, and of all that is made for it."""
        return f"{PREFIX}{self.story.name}"

    def namespace(self, side: Side) -> str:
        return self.of(self.story.name, side)

    @staticmethod
    def of(story: str, side: Side) -> str:
        """The namespace of a side of the story of that name."""
        return netns_of(f"{PREFIX}{story}", side)

    @property
    def between(self) -> str:
        """The namespace between two NATs, where there are two."""
        return f"glassnat-{self.name}-mid"

    def steps(self) -> Iterator[Step]:
        """What is made before the appliance."""
        for side in Side:
            namespace = self.namespace(side)
            yield Step(("ip", "netns", "add", namespace), (Trace("namespace", namespace),))
            yield Step(("ip", "-n", namespace, "link", "set", "lo", "up"))
            if not any(each.port_unreachable for each in self._hosts(side)):
                yield _without_port_unreachable(namespace)
        if self.second is not None:
            yield from self.second.room(self.between)

    def second_settings(self) -> Settings | None:
        """What the second NAT runs with, where there is one."""
        if self.second is None:
            return None
        address, *_ = self._addresses(Side.OUTSIDE)
        outside = self.namespace(Side.OUTSIDE)
        return self.second.settings(
            f"{self.name}-{self.second.name}", self.between, outside, address
        )

    def wires(self) -> list[str]:
        """The appliance's wires, as `--set` takes them: it makes the devices in the namespaces,
        with the first host's address."""
        inside, *_ = self._addresses(Side.INSIDE)
        outside, *_ = self._addresses(Side.OUTSIDE)
        leads_to = self.namespace(Side.OUTSIDE)
        if self.second is not None:
            outside, leads_to = second.FIRST_ADDRESS, self.between
        externals = ",".join(f"{external}/{ALONE}" for external in self._externals())
        return [
            f"name={self.name}",
            *(f"{side}.device={TUNS[side]}" for side in Side),
            f"inside.netns={self.namespace(Side.INSIDE)}",
            f"outside.netns={leads_to}",
            f"inside.address={inside}",
            "inside.routes=0.0.0.0/0",
            f"outside.address={outside}",
            f"outside.routes={externals}",
        ]

    def furniture(self) -> Iterator[Step]:
        """What follows when the devices are there: the other hosts' addresses."""
        for side in Side:
            for address in self._addresses(side)[1:]:
                yield self._at(side, "address", "add", address, "dev", TUNS[side])

    def _at(self, side: Side, *words: str) -> Step:
        return Step(("ip", "-n", self.namespace(side), *words))

    def _externals(self) -> list[str]:
        static = (rule.external for rule in self.settings["nat.static"])
        return [address_text(each) for each in (*self.settings["outside.external"], *static)]

    def _addresses(self, side: Side) -> Sequence[str]:
        """Of its hosts, each with the prefix length of its network; the NAT's neighbours first."""
        networks = self.settings["inside.networks"] if side is Side.INSIDE else self._near()
        found = []
        for address in (each for host in self._hosts(side) for each in host.addresses):
            network = next((each for each in networks if parse_address(address) in each), None)
            length = ALONE if network is None else network.prefix
            found.append((network is None, f"{address}/{length}"))
        return [address for _, address in sorted(found, key=lambda each: each[0])]

    def _hosts(self, side: Side) -> list[Traits]:
        """What stands on a side and is no NAT."""
        parties = self.story.parties.values()
        return [each for each in parties if each.wire is side and not _is_nat(each)]

    def _near(self) -> list[Network]:
        """The networks outside that external addresses are in, of whichever NAT is the last."""
        nats = [each.address for each in self.story.parties.values() if _is_nat(each)]
        return [_network_of(each) for each in nats or self._externals()]


def _is_nat(traits: Traits) -> bool:
    return isinstance(traits, CarrierTraits)


def _without_port_unreachable(namespace: str) -> Step:
    """Hosts that say nothing of closed ports, as those of the simulation: the kernel may send one
    such error to an address in so long a time (icmp_ratelimit, icmp(7))."""
    limit = f"net.ipv4.icmp_ratelimit={NEVER}"
    return Step(("ip", "netns", "exec", namespace, "sysctl", "-qw", limit))


def _network_of(address: str) -> Network:
    return Network.parse(f"{address}/{SMALLEST_NETWORK}")
