"""The kernel's own SIP ALG (nf_conntrack_sip, nf_nat_sip) between two namespaces, to compare with.

    phone ─ veth ─ router (nftables: ct helper "sip", masquerade to port 1024) ─ veth ─ server
    192.168.20.100         203.0.113.1                                  203.0.113.9

The same endpoints as in the golden pairs, so that their messages can be sent through it.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from appliance.wires import netns
from nat.endpoint import Direction
from tests.golden.pairs import Pair
from tests.support.programs import run_in

PHONE, SERVER = ("192.168.20.100", 5060), ("203.0.113.9", 5060)
EXTERNAL = ("203.0.113.1", 1024)
PATIENCE = 0.15
"""Seconds until a datagram between two local namespaces is lost; it takes about 50 µs."""

RULES = """
table ip alg {
  ct helper sip {
    type "sip" protocol udp
    l3proto ip
  }
  chain assign {
    type filter hook prerouting priority -150
    udp dport 5060 ct helper set "sip"
  }
  chain translate {
    type nat hook postrouting priority srcnat
    udp sport 5060 oifname "outside" masquerade to :1024
  }
}
"""

NETFILTER, REQUEST_WITH_ANSWER = 12, 5  # NETLINK_NETFILTER, NLM_F_REQUEST | NLM_F_ACK
DELETE_CONNECTIONS, DELETE_EXPECTATIONS = 0x102, 0x202
EXPECTED = re.compile(r"src=(\S+) dst=(\S+) sport=\d+ dport=(\d+)(?!.*INACTIVE)")


class KernelAlg:
    """A router of the kernel's, and both its neighbours' sockets."""

    def __init__(self, router: str, phone: socket.socket, server: socket.socket) -> None:
        self._router = router
        self._phone = phone
        self._server = server

    def carry(self, pair: Pair) -> bytes | None:
        """What arrives of a pair's message after all that came before; None if nothing does."""
        self.forget()
        self._send(Direction.OUT, bytes(4))  # a keep-alive opens the mapping
        arrived = None
        for each in (*pair.history, pair):
            arrived = self._send(each.direction, each.before)
        return arrived

    def expectations(self) -> list[str]:
        """What the helper lets in to the external address now, as the golden pairs say it."""
        with netns.entered(self._router):
            text = Path("/proc/thread-self/net/nf_conntrack_expect").read_text()
        found = [EXPECTED.search(line) for line in text.splitlines()]
        return sorted(f"{one[3]} <- {one[1]}" for one in found if one and one[2] == EXTERNAL[0])

    def forget(self) -> None:
        """No connection and no expectation is left."""
        with netns.entered(self._router):
            netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
        with netlink:
            for kind in (DELETE_EXPECTATIONS, DELETE_CONNECTIONS):
                everything = struct.pack("=BBH", socket.AF_INET, 0, 0)
                length = 16 + len(everything)
                header = struct.pack("=IHHII", length, kind, REQUEST_WITH_ANSWER, 1, 0)
                netlink.send(header + everything)
                answer = netlink.recv(4096)
                (error,) = struct.unpack_from("=i", answer, 16)
                assert error == 0, os.strerror(-error)

    def _send(self, direction: Direction, message: bytes) -> bytes | None:
        """Through the router, from the one neighbour to the other."""
        outward = direction is Direction.OUT
        source, target = (self._phone, self._server) if outward else (self._server, self._phone)
        source.sendto(message, SERVER if outward else EXTERNAL)
        try:
            return target.recv(65536)
        except TimeoutError:
            return None


def _join(name: str, address: str, router: str, device: str, gateway: str) -> None:
    netns.run(["ip", "-n", name, "link", "add", "eth0", "type", "veth",
               "peer", "name", device, "netns", router])  # fmt: skip
    for namespace, wire, own in ((name, "eth0", address), (router, device, gateway)):
        netns.run(["ip", "-n", namespace, "address", "add", f"{own}/24", "dev", wire])
        netns.run(["ip", "-n", namespace, "link", "set", wire, "up"])
    netns.run(["ip", "-n", name, "route", "add", "default", "via", gateway])


def _socket(namespace: str, address: tuple[str, int]) -> socket.socket:
    with netns.entered(namespace):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE)
    made.bind(address)
    return made


@contextlib.contextmanager
def kernel_router(rules: str = RULES) -> Iterator[tuple[str, str, str]]:
    """The namespaces of phone, router and server, until the `with` is over. Raises CommandError or
    AssertionError where the kernel has no SIP helper."""
    names = [f"kernel-{os.getpid()}-{role}" for role in ("phone", "router", "server")]
    phone, router, server = names
    with contextlib.ExitStack() as undo:
        for name in names:
            undo.callback(netns.delete, name)
            netns.add(name)
        _join(phone, PHONE[0], router, "inside", "192.168.20.1")
        _join(server, SERVER[0], router, "outside", EXTERNAL[0])
        run_in(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        run_in(router, "nft", rules)
        yield phone, router, server


@contextlib.contextmanager
def kernel_alg() -> Iterator[KernelAlg]:
    """The router, and sockets of both its neighbours. Raises as `kernel_router`."""
    with (
        kernel_router() as (phone, router, server),
        _socket(phone, PHONE) as inner,
        _socket(server, SERVER) as outer,
    ):
        yield KernelAlg(router, inner, outer)
