"""A name server that knows one name, for dig.

python -m tests.host.nameserver ADDRESS [SIGNED]

With SIGNED the name leads to that address, and a signature stands beside it.
"""

from __future__ import annotations

import sys

from dnslib import RR
from dnslib.server import BaseResolver, DNSServer

ZONE = "phone.example. 60 IN A {}"
SIGNATURE = "phone.example. 60 IN RRSIG A 8 2 60 20380101000000 20200101000000 1 example. AAAA"


class OneName(BaseResolver):  # type: ignore[misc]
    def __init__(self, zone: str) -> None:
        self._zone = zone

    def resolve(self, request, handler):  # type: ignore[no-untyped-def]
        reply = request.reply()
        reply.add_answer(*RR.fromZone(self._zone))
        return reply


def main(address: str, signed: str = "") -> None:
    zone = f"{ZONE.format(signed)}\n{SIGNATURE}" if signed else ZONE.format("192.0.2.55")
    server = DNSServer(OneName(zone), address=address, port=53)
    print("ready", flush=True)
    server.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
