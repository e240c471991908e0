"""A name server that knows one name, for dig and delv.

python -m tests.host.nameserver ADDRESS [signed]

Signed, it is 203.0.113.10, and `example.` has a key: signatures were made once (RFC 4034, by
OpenSSL, until 2038), and the other half of the key was thrown away.
"""

from __future__ import annotations

import sys

from dnslib import QTYPE, RR
from dnslib.server import BaseResolver, DNSServer

PLAIN = "phone.example. 60 IN A 192.0.2.55"
KEY = "257 3 15 2UWcAEIR4ciwvoESR1ppGXpGZKWvScnjav223nKci6E="
UNTIL = "20371231235959 20200101000000 63400 example."
SIGNED = f"""
phone.example. 60 IN A 203.0.113.10
phone.example. 60 IN RRSIG A 15 2 60 {UNTIL} (
  KHrc92fGee75HNRMjW+e87N7YWfb3Km/J1FOjkCjTWDw37NOHC/eqMxjC7JJ+8Ek71OjQ2AwRfchIpyADsj2Dg== )
example. 60 IN DNSKEY {KEY}
example. 60 IN RRSIG DNSKEY 15 1 60 {UNTIL} (
  IuvCVaOeYaJ6qvUqwYentNSLExLzmG6SMVK3rQLUAsrGaUHB49w4CCpV0SylHDnx4GkYsL+NJbZ88o345rtpAw== )
"""


class OneName(BaseResolver):  # type: ignore[misc]
    def __init__(self, zone: str) -> None:
        self._records = RR.fromZone(zone)

    def resolve(self, request, handler):  # type: ignore[no-untyped-def]
        """The records of the type that is asked for, and their signatures."""
        reply, asked = request.reply(), request.q.qtype
        reply.add_answer(*(each for each in self._records if asked in types(each)))
        return reply


def types(record: RR) -> tuple[int, int]:
    """Its own, and the one that it signs."""
    return record.rtype, record.rdata.covered if record.rtype == QTYPE.RRSIG else 0


def main(address: str, signed: str = "") -> None:
    server = DNSServer(OneName(SIGNED if signed else PLAIN), address=address, port=53)
    print("ready", flush=True)
    server.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
