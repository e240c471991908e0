"""Until a bridge lets packets through a port that is new to it.

Without STP that is at once. With it the bridge listens and learns first, 30 s by default, and
nothing passes meanwhile. The kernel tells when a port's state changes (rtnetlink(7)), so nobody has
to look again and again.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
from collections.abc import Callable, Sequence

from appliance.wires import netns

NEWS_OF_LINKS = 1  # RTMGRP_LINK
LONGEST_NEWS = 1 << 16
LOOKS, LOOK_EVERY = 50, 1.0
"""How often it is looked at the most, and the seconds after which it is without news."""


def wait_until_forwarding(ports: Sequence[str], on_waiting: Callable[[], None]) -> bool:
    """True when packets pass all of these ports; False when that takes too long. `on_waiting` is
    called when it is not so at once. Raises CommandError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as news:
        news.bind((0, NEWS_OF_LINKS))
        for look in range(LOOKS):
            if all(_state(port) == "forwarding" for port in ports):
                return True
            if not look:
                on_waiting()
            if select.select([news], [], [], LOOK_EVERY)[0]:
                with contextlib.suppress(OSError):  # more news than it could keep
                    news.recv(LONGEST_NEWS)
    return False


def _state(port: str) -> str:
    (link,) = json.loads(netns.run(["ip", "-json", "-details", "link", "show", "dev", port]))
    return str(link.get("linkinfo", {}).get("info_slave_data", {}).get("state", ""))
