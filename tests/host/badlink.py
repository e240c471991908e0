"""A link that is slow and loses packets, between two namespaces: what `tc netem` does where the
kernel has it.

python -m tests.host.badlink DELAY LOSS NETNS NETNS

makes a device `bad` in each. What goes into one comes out of the other DELAY seconds later, but for
LOSS of it (0.01 is one packet in a hundred).
"""

from __future__ import annotations

import os
import random
import select
import sys
import time
from collections import deque

import pytun

from appliance.wires import netns

DEVICE = "bad"
LARGEST = 65_600  # bytes
SEED = 20


def opened(namespace: str) -> int:
    with netns.entered(namespace):
        device = pytun.TunTapDevice(name=DEVICE, flags=pytun.IFF_TUN | pytun.IFF_NO_PI)
        device.up()
    descriptor = os.dup(device.fileno())
    os.set_blocking(descriptor, False)
    return descriptor


def main(delay: float, loss: float, *namespaces: str) -> None:
    ends = [opened(namespace) for namespace in namespaces]
    other = dict(zip(ends, reversed(ends), strict=True))
    rng = random.Random(SEED)
    on_the_way: deque[tuple[float, int, bytes]] = deque()
    print("ready", flush=True)
    while True:
        wait = max(0.0, on_the_way[0][0] - time.monotonic()) if on_the_way else None
        for end in select.select(ends, [], [], wait)[0]:
            packet = os.read(end, LARGEST)
            if rng.random() >= loss:
                on_the_way.append((time.monotonic() + delay, other[end], packet))
        while on_the_way and on_the_way[0][0] <= time.monotonic():
            _, end, packet = on_the_way.popleft()
            os.write(end, packet)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
