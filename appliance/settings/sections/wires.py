"""`[inside]` and `[outside]`: the two wires, and which addresses are whose."""

from __future__ import annotations

from appliance.settings.kinds import ListOf, Whole
from appliance.settings.network_kinds import Address, Device, InterfaceAddress, Namespace, Prefix
from appliance.settings.setting import Setting


def _wire(side: str, device: str, samples: tuple[str, str, str]) -> tuple[Setting, ...]:
    """The keys that both wires have."""
    namespace, address, route = samples
    return (
        Setting(
            f"{side}.device",
            Device(),
            device,
            "TUN device: created, or attached to if it exists",
        ),
        Setting(
            f"{side}.netns",
            Namespace(),
            "",
            "namespace the device is moved to (a name under /run/netns, or a path)",
            sample=namespace,
        ),
        Setting(
            f"{side}.address",
            InterfaceAddress(),
            "",
            "address of the kernel's end of the TUN",
            sample=address,
        ),
        Setting(
            f"{side}.routes",
            ListOf(Prefix()),
            [],
            "routes through the device, in that namespace",
            sample=[route],
        ),
        Setting(f"{side}.mtu", Whole(68, 65535), 1500, "largest packet, in bytes", "RFC 791"),
    )


WIRES = (
    *_wire("inside", "gn-in", ("phones", "192.168.20.100/24", "0.0.0.0/0")),
    Setting(
        "inside.networks",
        ListOf(Prefix()),
        [],
        "sources that count as internal; default: the network of `address`",
        "RFC 2827",
        sample=["192.168.20.0/24"],
    ),
    Setting(
        "inside.gateway",
        Address(empty=True),
        "",
        "the appliance's own address on this wire; default: first host of the first network",
        sample="192.168.20.1",
    ),
    *_wire("outside", "gn-out", ("world", "203.0.113.254/24", "203.0.113.0/24")),
    Setting(
        "outside.external",
        ListOf(Address()),
        [],
        "the NAT's external addresses; the appliance owns them, the kernel does not",
        live=True,
        sample=["203.0.113.1"],
    ),
)
