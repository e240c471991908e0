"""The floor of the language: two TUN devices and the shortest Python loop that copies between them.

No NAT, no counters, nothing looked at. What the appliance loses against this is what it costs; so
it runs with the same precedence.

    python -m tests.bench.bare INSIDE-JSON OUTSIDE-JSON
"""

from __future__ import annotations

import io
import json
import select
import sys

from appliance.wires.privileges import go_first
from appliance.wires.tun import Place, open_wires

BURST = 64


def copy(inside: int, outside: int) -> None:
    """For ever, whatever is in a read goes into a write of the other, virtio header included; by
    the cheapest calls that Python has (a file answers None where nothing waits)."""
    frame = memoryview(bytearray(10 + 65536))
    files = {
        descriptor: io.FileIO(descriptor, "r+", closefd=False) for descriptor in (inside, outside)
    }
    other = {inside: outside, outside: inside}
    poll = select.epoll()
    for descriptor in other:
        poll.register(descriptor, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            read, write = files[descriptor].readinto, files[other[descriptor]].write
            for _ in range(BURST):
                size = read(frame)
                if size is None:
                    break
                write(frame[:size])


def main(inside: str, outside: str) -> None:
    wires = open_wires(Place(**json.loads(inside)), Place(**json.loads(outside)))
    go_first()
    print("ready", flush=True)
    copy(wires[0].fileno(), wires[1].fileno())


if __name__ == "__main__":
    main(*sys.argv[1:])
