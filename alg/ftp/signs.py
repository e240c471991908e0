"""FTP that is not read, told by the endpoint of a data connection that an inside host announces."""

from __future__ import annotations

from alg.ftp.framing import NotFtp
from alg.ftp.message import Malformed, parse
from alg.hint import Glimpse, Hint, Sign, more_ports
from nat.reach import is_inside_only

PORTS, MODULE = "alg.ftp.ports", "alg.ftp.module"


def dialogue(seen: Glimpse) -> Hint | None:
    """It may be FTP: mail servers begin alike. What comes next will tell."""
    return None


def announcement(seen: Glimpse) -> Hint | None:
    """An inside host tells the other side where to connect to (PORT, EPRT, or the answer to PASV),
    and nobody translates it."""
    line = seen.head.partition(b"\n")[0] + b"\n"
    try:
        announced = parse(line).announcement()
    except (NotFtp, Malformed):
        return None
    if not seen.is_outward or announced is None or announced.address is None:
        return None
    if not is_inside_only(announced.address):
        return None
    verb = line.split()[0].decode("ascii", "replace").upper()
    says = f"FTP's {verb} tells the other side an inside address, where nobody outside can connect"
    if not seen.is_on(PORTS):
        port = seen.remote.port
        ports = seen.setting(PORTS)
        named = ", ".join(map(str, ports))
        return Hint(
            f"{says}: port {port} is not read, alg.ftp.ports names {named}",
            PORTS,
            more_ports(ports, port),
        )
    if seen.setting(MODULE) == "off":
        return Hint(
            f"{says}: this protocol carries addresses, and alg.ftp.module is off", MODULE, "ftp"
        )
    return None


SIGNS = (
    Sign(rb"(?:PORT|port|EPRT|eprt) |227[ -]", announcement, first=b"PpEe2"),
    # What is said before that (RFC 959 5.4): replies, and the commands of somebody who logs in.
    Sign(
        rb"[1-5][0-9]{2}[ -]|(?:USER|PASS|ACCT|HOST|AUTH|PBSZ|PROT|SYST|FEAT|OPTS|CLNT|PWD|XPWD|"
        rb"TYPE|CWD|NOOP|user|pass|syst|feat|pwd|type)[ \r]",
        dialogue,
        first=b"12345UPAHSFOCXTNuspft",
    ),
)
