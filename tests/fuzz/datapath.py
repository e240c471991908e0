"""A million mutated real packets at the datapath: nothing raises, nothing leaks, all adds up.

    python -m tests.fuzz.datapath --inputs 1000000 --seed 1

Each input goes into two engines: one gets it in a buffer of its own, the other from a wire, in the
one buffer that holds the rubbish of all earlier packets, with and without the kernel's promise to
complete checksums and to cut super-packets.

What is asserted for every input: no exception; the same bytes leave both engines; the virtio header
that leaves speaks of the packet that leaves; one packet at most goes on (or its fragments, or its
segments), and at most one ICMP of our own; what leaves by the outside wire comes from an external
address and what leaves by the inside wire goes to an inside one (invariant I-X4); lengths and
header checksums are right; a transport checksum is right exactly if it was; the books balance.
Every 20,000 inputs the tables are audited (`tests/nat/world.py`).
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from struct import pack, unpack_from
from typing import Any

from appliance.gateway.streams import Connection
from nat.endpoint import Direction, Side
from tests.support.audit import audit, audit_events
from tests.support.packets import (
    ACK,
    EXTERNAL,
    FIN,
    GATEWAY,
    MORE_FRAGMENTS,
    RST,
    SYN,
    URG,
    A,
    B,
    R,
    S,
    cut,
    dotted,
    icmp,
    ipv4,
    ping,
    pong,
    slow_checksum,
    tcp,
    transport_is_sound,
    udp,
    unreachable,
)
from tests.support.wired import WiredWorld
from tests.support.world import World

REGISTER = (
    b"REGISTER sip:198.51.100.7 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.20.10:5060;branch=z9hG4bK1;rport\r\n"
    b"From: <sip:alice@198.51.100.7>;tag=1\r\nTo: <sip:alice@198.51.100.7>\r\n"
    b"Call-ID: 1@192.168.20.10\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
    b"Contact: <sip:alice@192.168.20.10:5060>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
)
SDP = (
    b"v=0\r\no=alice 1 1 IN IP4 192.168.20.10\r\ns=-\r\nc=IN IP4 192.168.20.10\r\nt=0 0\r\n"
    b"m=audio 7000 RTP/AVP 0\r\na=rtcp:7001\r\n"
)
INVITE = (
    b"INVITE sip:bob@198.51.100.7 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.20.10:5060;branch=z9hG4bK2;rport\r\n"
    b"From: <sip:alice@198.51.100.7>;tag=1\r\nTo: <sip:bob@198.51.100.7>\r\n"
    b"Call-ID: 2@192.168.20.10\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
    b"Contact: <sip:alice@192.168.20.10:5060>\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: " + str(len(SDP)).encode() + b"\r\n\r\n" + SDP
)
ANSWER = INVITE.replace(b"INVITE sip:bob@198.51.100.7 SIP/2.0", b"SIP/2.0 200 OK").replace(
    b"192.168.20.10", b"203.0.113.1"
)


def seeds() -> list[tuple[Side, bytes]]:
    """Real packets of every kind, on the wire where they belong."""
    inside: list[bytes] = []
    outside: list[bytes] = []
    for port in (4000, 5060, 7000):
        inside += [udp(f"{A}:{port}", f"{R}:5060"), udp(f"{B}:{port}", f"{S}:53", checksum=0)]
        outside += [udp(f"{R}:5060", f"{EXTERNAL}:{port}"), udp(f"{S}:53", f"{EXTERNAL}:{port}")]
    for flags in (SYN, ACK, SYN | ACK, FIN | ACK, RST, RST | ACK):
        inside.append(tcp(f"{A}:4000", f"{R}:80", flags, options=b"\2\4\5\xb4"))
        inside.append(tcp(f"{A}:5060", f"{R}:5060", flags, payload=REGISTER[:40]))
        outside.append(
            tcp(f"{R}:80", f"{EXTERNAL}:4000", flags, sequence=2000, acknowledgement=1001)
        )
        outside.append(tcp(f"{R}:5060", f"{EXTERNAL}:5060", flags, payload=ANSWER))
    for message in (REGISTER, INVITE):
        inside.append(udp(f"{A}:5060", f"{R}:5060", message))
        inside += cut(udp(f"{A}:5060", f"{R}:5060", message * 4, identification=5), 200, 600)
    outside.append(udp(f"{R}:5060", f"{EXTERNAL}:5060", ANSWER))
    outside += cut(udp(f"{R}:5060", f"{EXTERNAL}:5060", ANSWER, identification=6), 64)
    inside += [ping(A, R), ping(B, R), ping(A, GATEWAY), ping(A, EXTERNAL), icmp(A, R, 13)]
    outside += [pong(R, EXTERNAL), ping(R, EXTERNAL), icmp(R, EXTERNAL, 5)]
    for quoted in (
        udp(f"{EXTERNAL}:4000", f"{R}:5060", ttl=60),
        tcp(f"{EXTERNAL}:4000", f"{R}:80"), ping(EXTERNAL, R),
        udp(f"{EXTERNAL}:4000", f"{R}:5060", options=b"\1\1\1\0"),
    ):  # fmt: skip
        outside += [unreachable(S, EXTERNAL, quoted), unreachable(R, EXTERNAL, quoted, 4, 1400)]
        outside.append(icmp(S, EXTERNAL, 11, 0, 0, quoted))
    inside.append(unreachable(A, R, udp(f"{R}:5060", f"{A}:4000")))
    inside += [udp(f"{A}:4000", f"{EXTERNAL}:4000"), udp(f"{B}:4000", f"{EXTERNAL}:4000")]
    inside += [
        udp(f"{A}:4000", f"{R}:5060", b"x" * 1472),
        udp(f"{A}:4000", f"{R}:5060", b"x" * 3000),
    ]
    inside += [ipv4(A, R, proto, b"x" * 30) for proto in (2, 47, 50, 132)]
    inside.append(udp(f"{A}:4000", f"{R}:5060", options=b"\x07\7\4" + b"\0" * 5))
    return [(Side.INSIDE, data) for data in inside] + [(Side.OUTSIDE, data) for data in outside]


class Mutator:
    """Changes a packet a little, and often makes its checksums right again: a fuzzer that cannot
    do that tests one `if`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.seeds = seeds()

    def next(self) -> tuple[Side, bytes]:
        rng = self.rng
        side, seed = rng.choice(self.seeds)
        data = bytearray(seed)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 4, 16))):
            self._mutate(data)
        if rng.random() < 0.1:
            del data[rng.randrange(len(data) + 1) :]
            if rng.random() < 0.8 and len(data) >= 4:
                data[2:4] = pack("!H", len(data))
        if rng.random() < 0.8:
            mend(data)
        if rng.random() < 0.03:
            side = side.other
        return side, bytes(data)

    def _mutate(self, data: bytearray) -> None:
        rng = self.rng
        if not data:
            return
        at = rng.randrange(min(len(data), rng.choice((20, 28, 48, len(data)))))
        choice = rng.random()
        if choice < 0.35:
            data[at] ^= 1 << rng.randrange(8)
        elif choice < 0.6:
            data[at] = rng.choice((0, 1, 4, 5, 6, 0x11, 0x45, 0x46, 0x7F, 0x80, 0xC0, 0xFF))
        elif choice < 0.7:
            data[at : at + 2] = rng.randbytes(2)
        elif choice < 0.8:
            data[6:8] = pack(
                "!H",
                rng.choice((0, MORE_FRAGMENTS, MORE_FRAGMENTS | 1, 1, 8, 0x4000, 0x8000, 0x1FFF)),
            )
        elif choice < 0.88:
            address = rng.choice((A, B, R, S, EXTERNAL, GATEWAY, "127.0.0.1", "224.0.0.1"))
            where = rng.choice((12, 16))
            data[where : where + 4] = bytes(int(part) for part in address.split("."))
        elif choice < 0.94:
            del data[at : at + rng.randrange(1, 9)]
        else:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))


def mend(data: bytearray) -> None:
    """Lengths and checksums, as far as the packet has any."""
    if len(data) < 20:
        return
    data[2:4] = pack("!H", len(data))
    header = min(max((data[0] & 15) * 4, 20), len(data))
    data[10:12] = b"\0\0"
    data[10:12] = pack("!H", slow_checksum(bytes(data[:header])))
    body = data[header:]
    at = {1: 2, 6: 16, 17: 6}.get(data[9])
    if at is None or len(body) < at + 2:
        return
    if data[9] == 17:
        body[4:6] = pack("!H", len(body))
    body[at : at + 2] = b"\0\0"
    pseudo = b"" if data[9] == 1 else bytes(data[12:20]) + pack("!HH", data[9], len(body))
    body[at : at + 2] = pack("!H", slow_checksum(pseudo + bytes(body)))
    data[header:] = body


class Talk:
    """The next segment of a connection that the NAT knows: what comes next, or nearly, in either
    direction, so that streams are read, held, edited and let go of."""

    WORDS = (
        REGISTER, INVITE, ANSWER, REGISTER * 3, b"\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nX: ", b"x" * 3000, b"x" * 65400, b"",
    )  # fmt: skip

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def next(self, world: World) -> tuple[Side, bytes] | None:
        rng = self.rng
        flows = [
            flow for flow in world.table.flows.values() if flow.tcp and flow.remote.port == 5060
        ]
        if not flows:
            return Side.INSIDE, self._opening(f"{A}:{rng.choice((4000, 5060))}", f"{R}:5060", SYN)
        flow = rng.choice(flows)
        outward = rng.random() < 0.6
        internal, external, remote = str(flow.mapping.internal), flow.mapping.external, flow.remote
        if str(remote).startswith(EXTERNAL):
            return None
        ends = (internal, str(remote)) if outward else (str(remote), str(external))
        side = Side.INSIDE if outward else Side.OUTSIDE
        slot = flow.inbound.slot
        direction = Direction.OUT if outward else Direction.IN
        if not isinstance(slot, Connection) or slot.ways[direction].began is None:
            return side, self._opening(*ends, SYN if outward else SYN | ACK)
        way, back = slot.ways[direction], slot.ways[Direction.IN if outward else Direction.OUT]
        if back.began is None:
            return side, self._opening(*ends, SYN | ACK)
        word = rng.choice(self.WORDS)
        begin = rng.randrange(len(word) + 1) if rng.random() < 0.3 else 0
        word = word[
            begin : begin + (65400 if rng.random() < 0.1 else rng.choice((1, 20, 500, 1400)))
        ]
        near = rng.choice((0, 0, 0, 0, 0, -1, -20, 1, 500))
        flags = rng.choice((ACK, ACK, ACK, ACK, ACK | FIN, ACK | RST, ACK | URG, RST))
        options = rng.choice((b"", b"", b"\1\1\5\x0a" + rng.randbytes(8), b"\1" * 40))
        heard = back.stream.shown(back.stream.received) - rng.choice((0, 0, 1, 100, 70000))
        return side, tcp(
            *ends, flags, sequence=way.number(way.stream.received + near),
            acknowledgement=back.number(heard),
            payload=word[: 65400 - len(options)], options=options,
        )  # fmt: skip

    def _opening(self, source: str, destination: str, flags: int) -> bytes:
        rng = self.rng
        segment = rng.choice((0, 64, 1460, 65535))
        return tcp(
            source, destination, flags, sequence=rng.choice((1000, 0xFFFFFF00)),
            acknowledgement=rng.choice((1001, 0xFFFFFF01)), options=pack("!BBH", 2, 4, segment),
        )  # fmt: skip


class Target:
    """Two engines under the same fire: one gets packets with a buffer of their own, the other from
    wires. What leaves them must be the same. `outcomes` counts what became of the inputs."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        rng = self.rng
        settings: dict[str, Any] = {
            "nat.mapping": rng.choice(MAPPING), "nat.filtering": rng.choice(MAPPING),
            "nat.ports": rng.choice(("preserve", "sequential", "random")),
            "nat.overloading": rng.random() < 0.3, "nat.hairpin": rng.random() < 0.8,
            "nat.poisoning": rng.random() < 0.3,
            "nat.eviction": rng.choice(("off", "unanswered-first")),
            "nat.mss_clamp": rng.random() < 0.3, "nat.refresh_inbound": rng.random() < 0.3,
            "nat.limits.flows": rng.choice((20, 2000)),
            "nat.limits.new_flows_per_second_per_host": 0,
            "outside.mtu": rng.choice((576, 1500, 65535)),
            "alg.sip.module": rng.choice(("off", "sip", "sip", "sip-poor:no-sdp")),
            "alg.sip.transports": ["udp", "tcp"], "nat.forward": [FORWARD],
        }  # fmt: skip
        self.worlds = (World(settings), WiredWorld(settings))
        self.talk = Talk(rng)
        for world in self.worlds:
            world.events.clear()
        self.outcomes: Counter[str] = Counter()

    def converse(self) -> tuple[Side, bytes] | None:
        """A segment for one of the connections there are, now and then."""
        return self.talk.next(self.worlds[0]) if self.rng.random() < 0.15 else None

    def throw(self, side: Side, data: bytes) -> None:
        rng = self.rng
        step = rng.choice(STEPS) if rng.random() < 0.001 else rng.choice((0.0, 0.0, 0.001, 0.1))
        for world in self.worlds:
            world.now += step
        size = rng.choice((8, 100, 536, 1448)) if rng.random() < 0.2 else 0
        partial = bool(size) or rng.random() < 0.2
        if len(data) < LEAST_SUPER_PACKET:
            size = 0  # how many packets it stands for is read before anything is checked
        if len(data) < 20 or data[9] not in (6, 17):
            partial, size = False, 0
        elif partial and rng.random() < 0.9:
            data = promise(data)
        tidy = rng.random() < 0.01
        plain, wired = (self._one(world, side, data, size, partial, tidy) for world in self.worlds)
        assert plain == wired, "another kind of buffer, other bytes"
        self.outcomes["passed" if plain else "stayed"] += 1
        for exit_side, packet in plain:
            self._judge(exit_side, packet)
        if not partial and data:
            self._judge_sums(data, [packet for _, packet in plain])

    def _one(
        self, world: World, side: Side, data: bytes, size: int, partial: bool, tidy: bool
    ) -> list[tuple[Side, bytes]]:
        said = sum(world.engine.nat.own_icmp.sent)
        left = world.send(side, data, size, partial)
        # (A super-packet of messages goes on as several datagrams, each for itself.)
        several = size and data[9] == 17
        if not several:
            assert sum(world.engine.nat.own_icmp.sent) <= said + 1, (
                "I-X5: one ICMP of our own at most"
            )
        whole = [packet for _, packet in left if not unpack_from("!H", packet, 6)[0] & 0x3FFF]
        assert several or len(whole) <= 1 or {packet[9] for packet in whole} == {6}, "I-X5"
        if tidy:
            world.at(world.now)
        return left

    def _judge(self, exit_side: Side, packet: bytes) -> None:
        source, destination = unpack_from("!II", packet, 12)
        assert unpack_from("!H", packet, 2)[0] == len(packet), packet.hex()
        assert slow_checksum(packet[: (packet[0] & 15) * 4]) == 0, packet.hex()
        if exit_side is Side.OUTSIDE:
            assert dotted(source) == EXTERNAL, packet.hex()
        else:
            assert dotted(destination).startswith("192.168.20."), packet.hex()

    def _judge_sums(self, data: bytes, left: list[bytes]) -> None:
        """Invariant I-X3: what came right leaves right, and nothing that was wrong becomes right.
        (Only of what came whole: a fragment's sum is its datagram's.)"""
        if not left or unpack_from("!H", data + bytes(8), 6)[0] & 0x3FFF:
            return
        for packet in left:
            if unpack_from("!H", packet, 6)[0] & 0x3FFF:
                continue
            if packet[9] == 1 and packet[(packet[0] & 15) * 4] in (3, 11, 12):
                assert transport_is_sound(packet), "an error is verified, or our own"
                continue
            came_right = transport_is_sound(data[: unpack_from("!H", data, 2)[0]])
            assert transport_is_sound(packet) is came_right, (data.hex(), packet.hex())


def promise(data: bytes) -> bytes:
    """The packet as a local program leaves it to the kernel: in the place of the checksum stands
    the sum of the pseudo header."""
    header = (data[0] & 15) * 4
    at = header + {6: 16, 17: 6}[data[9]]
    if header < 20 or len(data) < at + 2:
        return data
    pseudo = data[12:20] + pack("!HH", data[9], len(data) - header)
    return data[:at] + pack("!H", ~slow_checksum(pseudo) & 0xFFFF) + data[at + 2 :]


LEAST_SUPER_PACKET = 80
STEPS = (0.0, 6.0, 31.0, 299.9, 300.0, 8000.0, 1e6, -1.0, -100.0)
"""Seconds: time may stand, jump far, and (if somebody's clock is broken) go back."""
FORWARD = {"protocol": "udp", "external": f"{EXTERNAL}:7002", "internal": f"{B}:7000"}
MAPPING = ("endpoint-independent", "address-dependent", "address-and-port-dependent")
ROUND = 20_000


def run(inputs: int, seed: int) -> Counter[str]:
    """So many inputs, at a new engine every 20,000. Answers what became of them."""
    outcomes: Counter[str] = Counter()
    mutator = Mutator(random.Random(seed))
    for start in range(0, inputs, ROUND):
        target = Target(seed + start)
        for number in range(start, min(start + ROUND, inputs)):
            side, data = target.converse() or mutator.next()
            try:
                target.throw(side, data)
            except Exception:
                print(f"input {number} of seed {seed}: {side} {data.hex()}")
                raise
        outcomes += target.outcomes
        outcomes.update(target.worlds[0].drops())
        assert target.worlds[0].show("counters") == target.worlds[1].show("counters")
        for world in target.worlds:
            world.wait(10_000.0)  # longer than the clock has gone back
            audit(world)
            audit_events(world)
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description="Throw mutated packets at the datapath.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    started = time.perf_counter()
    outcomes = run(arguments.inputs, arguments.seed)
    seconds = time.perf_counter() - started
    for word, count in outcomes.most_common():
        print(f"{count:>9}  {word}")
    print(f"{arguments.inputs} inputs in {seconds:.0f} s")


if __name__ == "__main__":
    main()
