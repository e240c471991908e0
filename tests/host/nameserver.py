"""A name server that knows one name, for dig.

python -m tests.host.nameserver ADDRESS
"""

from __future__ import annotations

import sys

from dnslib import RR
from dnslib.server import BaseResolver, DNSServer

ZONE = "phone.example. 60 IN A 192.0.2.55"


class OneName(BaseResolver):  # type: ignore[misc]
    def resolve(self, request, handler):  # type: ignore[no-untyped-def]
        reply = request.reply()
        reply.add_answer(*RR.fromZone(ZONE))
        return reply


def main(address: str) -> None:
    server = DNSServer(OneName(), address=address, port=53)
    print("ready", flush=True)
    server.start()


if __name__ == "__main__":
    main(sys.argv[1])
