"""TFTP has no module: there are no addresses in its messages (RFC 1350). What it needs of a NAT is
that a server may answer from a port of its own choice, and here is what to say where it may not.
"""

from __future__ import annotations

from alg.hint import Glimpse, Hint, Sign

PORT = 69
STRICT = "address-and-port-dependent"
ANSWERS = "TFTP's server answers from another port than the one that was asked (RFC 1350 4)"


def request(seen: Glimpse) -> Hint | None:
    """A file is asked for, through a NAT that takes two ports of one server for two strangers."""
    if seen.transport != "udp" or not seen.is_outward:
        return None
    if seen.setting("nat.filtering") == STRICT:
        setting, value = "nat.filtering", "address-dependent"
        does = f"{setting} {STRICT} lets no such answer in"
    elif seen.setting("nat.mapping") == STRICT:
        setting, value = "nat.mapping", "address-dependent"
        does = f"with {setting} {STRICT} the server does not know the client again there"
    else:
        return None
    return Hint(f"{ANSWERS}, and {does}", setting, value)


SIGNS = (
    # Opcode 1 or 2, a file's name, and the mode of transfer (RFC 1350 5).
    Sign(rb"\x00[\x01\x02][^\x00]{1,200}\x00(?i:netascii|octet|mail)\x00", request, port=PORT),
)
