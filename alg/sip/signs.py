"""SIP that is not read, told by how it begins: on another port, or within TLS."""

from __future__ import annotations

from string import ascii_uppercase

from alg.hint import Glimpse, Hint, Sign, more_ports

PORTS = "alg.sip.ports"
AS_THEY_ARE = (
    "The addresses in its messages pass as they are, which is fine where the phone or the server "
    "copes with a NAT by itself"
)
TLS_PORT = 5061
"""RFC 3261 18.1.1 and 26.2.1."""


def on_another_port(seen: Glimpse) -> Hint | None:
    """Nothing is to be said of a port that is looked at: each message is told of there, whatever
    stands in the slot. (TCP on a port that is looked at for UDP alone has a hint of its own.)"""
    port, transport = seen.remote.port, seen.transport
    if not seen.is_on(PORTS):
        named = ", ".join(map(str, seen.setting(PORTS)))
        return Hint(
            f"SIP on port {port} is not read: alg.sip.ports names {named}. {AS_THEY_ARE}",
            PORTS,
            more_ports(seen.setting(PORTS), port),
        )
    if transport not in seen.setting("alg.sip.transports"):
        return Hint(
            f"SIP over {transport.upper()} is not read: alg.sip.transports does not name it. "
            f"{AS_THEY_ARE}",
            "alg.sip.transports",
            "udp,tcp",
        )
    return None


def within_tls(seen: Glimpse) -> Hint | None:
    """TLS that a client begins towards the port that SIP has for it."""
    return Hint(
        f"SIP over TLS (port {TLS_PORT}) cannot be read, and no ALG translates the addresses in "
        "it: the phone has to learn its outside one (STUN), or the server to answer to where "
        "messages and audio come from (rport)"
    )


SIGNS = (
    Sign(
        rb"(?:[A-Z]{3,20} (?i:sips?|tel):[^ \r\n]{1,200} |)SIP/2\.0[ \r]",
        on_another_port,
        first=ascii_uppercase.encode(),
    ),
    # A record of TLS whose first message is a ClientHello (RFC 8446 4 and 5.1).
    Sign(rb"\x16\x03[\x00-\x04][\x00-\xff]{2}\x01", within_tls, port=TLS_PORT),
)
