"""Both wires and the loop, with an engine that changes nothing: what the wires are worth alone.

python -m tests.host.passthrough INSIDE-JSON OUTSIDE-JSON [offload|plain]
"""

from __future__ import annotations

import json
import sys
from math import inf

from appliance.loop import Loop, Signals
from appliance.wires.tun import Place, open_wires
from appliance.wires.wire import WireError
from nat.drop import Drop
from nat.endpoint import Side
from nat.mapping import Arrival
from nat.packet import Packet
from nat.translator import Verdict
from tests.support.rig import Through


class Passthrough:
    def __init__(self) -> None:
        self.outbox: list[tuple[Side, Packet]] = []

    def handle(self, packet: Packet, side: Side, now: float) -> Verdict:
        is_ipv4 = packet.buffer[0] >> 4 == 4
        return Through(Arrival(side.other)) if is_ipv4 else Drop.NOT_IPV4

    def begin_turn(self) -> None:
        pass

    def not_sent(self, packet: Packet, side: Side, now: float) -> None:
        pass

    def own_not_sent(self, packet: Packet, now: float) -> None:
        pass

    def next_deadline(self) -> float:
        return inf

    def expire(self, now: float) -> None:
        pass


def main(inside: str, outside: str, offload: str = "offload") -> int:
    try:
        wires = open_wires(
            Place(**json.loads(inside)), Place(**json.loads(outside)), offload == "offload"
        )
        print(f"ready, offloads {wires[0].offloads:#x} {wires[1].offloads:#x}", flush=True)
        with Signals() as signals:
            return Loop(wires, Passthrough(), signals).run()
    except WireError as error:
        print(error, flush=True)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
