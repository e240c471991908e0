"""What is wrong with this FTP message? Run before and after an ALG, the findings that are new name
the damage to somebody who does not know FTP."""

from __future__ import annotations

from alg.base import Finding
from alg.ftp import grammar
from alg.ftp.framing import NotFtp
from alg.ftp.message import Malformed, parse
from nat.reach import is_inside_only

UNREADABLE = Finding(
    "unreadable-endpoint",
    "The endpoint of the data connection cannot be read, so no data connection will be made.",
    "RFC 959 5.3.2",
)
NO_ADDRESS = Finding(
    "no-address", "The address is 0.0.0.0, to which nobody can connect.", "RFC 1122 3.2.1.3"
)
PRIVATE_ADDRESS = Finding(
    "private-address",
    "The address is a private one, to which nobody outside that network can connect.",
    "RFC 1918 3",
)
SYSTEM_PORT = Finding(
    "system-port",
    "The port is below 1024, where no data connection belongs: a sign of a bounce attack.",
    "RFC 2577 3",
)


def findings(message: bytes) -> list[Finding]:
    """All that is wrong, whichever way the message goes. Nothing for what is not FTP at all."""
    try:
        announced = parse(message).announcement()
    except NotFtp:
        return []
    except Malformed:
        return [UNREADABLE]
    if announced is None:
        return []
    address, wrong = announced.address, []
    if address == 0:
        wrong.append(NO_ADDRESS)
    if address is not None and is_inside_only(address):
        wrong.append(PRIVATE_ADDRESS)
    if announced.port < grammar.LOWEST_PORT:
        wrong.append(SYSTEM_PORT)
    return wrong
