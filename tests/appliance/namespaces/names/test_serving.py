"""The name server on real sockets of this machine, between a client and a resolver."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable

import pytest
from dnslib import RCODE, RR, DNSRecord

from appliance.namespaces.names.forwarding import Forwarding
from appliance.namespaces.names.hosts import parse
from appliance.namespaces.names.own import zones
from appliance.namespaces.names.serving import (
    MOST_CONNECTIONS_OF_A_HOST,
    Listening,
    Place,
    Server,
)

HERE = ("127.0.0.1", 0)
PBX = parse("pbx=192.168.20.10")
FAR = zones([parse("www.example.net=192.0.2.1")])
SECONDS = 20.0


def played(story: Callable[[Place], Awaitable[None]]) -> None:
    """With a server on this machine, whose resolver answers from `FAR`."""

    async def play() -> None:
        near, far = Listening(HERE), Listening(HERE)
        dice = random.Random(1)
        asked, asking = Forwarding(FAR, False, dice), Forwarding(zones([PBX]), True, dice)
        async with Server(far, asked, None), Server(near, asking, far.place):
            await asyncio.wait_for(story(near.place), SECONDS)

    asyncio.run(play())


async def by_udp(place: Place, query: bytes) -> DNSRecord:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        await loop.sock_sendto(client, query, place)
        return DNSRecord.parse(await loop.sock_recv(client, 65535))


async def heard(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))


async def by_tcp(place: Place, *queries: bytes) -> list[DNSRecord]:
    """All questions at once, on one connection."""
    reader, writer = await asyncio.open_connection(*place)
    for query in queries:
        writer.write(len(query).to_bytes(2) + query)
    answers = [DNSRecord.parse(await heard(reader)) for _ in queries]
    writer.close()
    return answers


def question(name: str) -> bytes:
    return bytes(DNSRecord.question(name).pack())


def addresses(said: DNSRecord) -> list[str]:
    return [str(each.rdata) for each in said.rr]


def test_our_names_and_the_resolver_s_are_answered_by_udp_and_tcp() -> None:
    async def story(place: Place) -> None:
        for name, address in (("pbx", "192.168.20.10"), ("www.example.net", "192.0.2.1")):
            assert addresses(await by_udp(place, question(name))) == [address]
        ours, far = await by_tcp(place, question("pbx"), question("www.example.net"))
        assert (addresses(ours), addresses(far)) == (["192.168.20.10"], ["192.0.2.1"])

    played(story)


def test_a_resolver_that_is_not_there_is_said_to_have_failed() -> None:
    """Nobody has that port, and the kernel says so: nobody waits for the end of the patience."""

    async def story(place: Place) -> None:
        assert (await by_udp(place, question("a.net"))).header.rcode == RCODE.SERVFAIL
        (said,) = await by_tcp(place, question("a.net"))
        assert said.header.rcode == RCODE.SERVFAIL

    async def play() -> None:
        near = Listening(HERE)
        forwarding = Forwarding(zones([PBX]), True, random.Random(1))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind(HERE)
            place = nobody.getsockname()
        async with Server(near, forwarding, place):
            await asyncio.wait_for(story(near.place), SECONDS)
        near.close()

    asyncio.run(play())


def test_a_false_answer_does_not_end_the_wait_for_the_true_one() -> None:
    """From the resolver's own port, but with another identifier (RFC 5452)."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        near = Listening(HERE)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
            resolver.setblocking(False)
            resolver.bind(HERE)
            forwarding = Forwarding((), True, random.Random(1))
            async with Server(near, forwarding, resolver.getsockname()):
                asking = asyncio.ensure_future(by_udp(near.place, question("a.net")))
                asked, source = await loop.sock_recvfrom(resolver, 65535)
                reply = DNSRecord.parse(asked).reply()
                reply.add_answer(*RR.fromZone("a.net. 60 IN A 192.0.2.7"))
                true = bytes(reply.pack())
                await loop.sock_sendto(resolver, bytes([true[0] ^ 1]) + true[1:], source)
                await loop.sock_sendto(resolver, true, source)
                assert addresses(await asyncio.wait_for(asking, SECONDS)) == ["192.0.2.7"]
        near.close()

    asyncio.run(story())


def test_of_one_host_s_connections_so_many_are_listened_to() -> None:
    async def story(place: Place) -> None:
        held = [await asyncio.open_connection(*place) for _ in range(MOST_CONNECTIONS_OF_A_HOST)]
        for reader, writer in held:  # each is at work, not only in the queue
            writer.write(len(question("pbx")).to_bytes(2) + question("pbx"))
            await reader.readexactly(2)
        with pytest.raises((EOFError, OSError)):
            await by_tcp(place, question("pbx"))
        for _, writer in held:
            writer.close()

    played(story)


def test_a_port_that_is_taken_is_an_error() -> None:
    taken = Listening(HERE)
    with pytest.raises(OSError, match="in use"):
        Listening(taken.place)
    taken.close()
