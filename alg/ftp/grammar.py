"""The productions of RFC 959 and RFC 2428 that an FTP ALG needs, under their names.

Every pattern is anchored at both ends of what it reads, and a number has one way to be written:
text that two readers could read as two endpoints is no endpoint here.
"""

from __future__ import annotations

import re

from nat.endpoint import Endpoint, parse_address

VERBS = frozenset(
    b"ABOR ACCT ADAT ALLO APPE AUTH CCC CDUP CONF CWD DELE ENC EPRT EPSV FEAT HELP HOST LANG LIST "
    b"LPRT LPSV MDTM MIC MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PBSZ PORT PROT PWD QUIT REIN "
    b"REST RETR RMD RNFR RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER "
    b"XCUP XCWD XMKD XPWD XRMD "
    b"AVBL CLNT COMB CSID DSIZ HASH MFCT MFF MFMT RANG THMB XCRC XMD5 XSHA XSHA1 XSHA256 XSHA512"
    .split()
)  # fmt: skip
"""The registry of RFC 5797 with RFC 7151, and what is widely used beside it. No method of HTTP is
among them; the one name of a header (Host) has a colon behind it there and none here."""

LONGEST_VERB = max(map(len, VERBS))

# Telnet commands that may stand before a line (RFC 959 4.1; RFC 854): one byte behind IAC, or two
# for WILL, WONT, DO and DONT. ABOR comes with IAC IP and IAC DM.
TELNET = rb"(?:\xff[\xf0-\xf9]|\xff[\xfb-\xfe].)*"

# The beginning of a command (RFC 959 5.3) or of a reply (4.2), as far as it tells which it is.
BEGINNING = re.compile(
    TELNET + rb"(?:(?P<code>[1-6][0-9][0-9])(?P<more>[ -]|\r)|(?P<verb>[A-Za-z][A-Za-z0-9]*)[ \r])",
    re.DOTALL,
)
# The same when there are too few bytes to tell.
TRUNCATED = re.compile(
    TELNET + rb"(?:\xff[\xfb-\xfe]?|[1-6]?|[1-6][0-9]{1,2}|(?P<verb>[A-Za-z][A-Za-z0-9]*))\Z",
    re.DOTALL,
)

_BYTE = rb"(?:0|[1-9][0-9]{0,2})"
_SIX = rb"(" + _BYTE + rb"(?:," + _BYTE + rb"){5})"

# host-port = h1,h2,h3,h4,p1,p2 (RFC 959 5.3.2): the whole argument of PORT
HOST_PORT = re.compile(_SIX + rb"\Z")
# The same within the text of a 227, with or without parentheses (RFC 1123 4.1.2.6)
HOST_PORT_IN_TEXT = re.compile(rb"(?<![0-9,.])" + _SIX + rb"(?![0-9,.])")

# <d>: any printable character by RFC 2428 2, here none that may stand in an address
_DELIMITER = rb"(?P<d>[!-\-/;-@\[-`{-~])"

# EPRT SP d net-prt d net-addr d tcp-port d (RFC 2428 2): the whole argument
EXTENDED_PORT = re.compile(
    _DELIMITER + rb"(?P<family>[0-9]{1,2})(?P=d)(?P<host>[0-9A-Fa-f.:]{1,64})(?P=d)"
    rb"(?P<port>[1-9][0-9]{0,4})(?P=d)\Z"
)
# (d d d tcp-port d) in the text of a 229 (RFC 2428 3)
EXTENDED_PASSIVE = re.compile(
    rb"\(" + _DELIMITER + rb"(?P=d)(?P=d)(?P<port>[1-9][0-9]{0,4})(?P=d)\)"
)

IPV4 = b"1"
"""`net-prt` of EPRT: the numbers of the registry of address families (RFC 2428 2)."""


LOWEST_PORT = 1024
"""RFC 2577 3: a data connection to a port below is an attack on what listens there."""


def host_port(text: bytes) -> Endpoint | None:
    """Six numbers as an endpoint; None when one of them is no byte."""
    numbers = [int(number) for number in text.split(b",")]
    if max(numbers) > 255:
        return None
    address = ".".join(map(str, numbers[:4]))
    return Endpoint(parse_address(address), numbers[4] << 8 | numbers[5])


def as_host_port(endpoint: Endpoint) -> bytes:
    """An endpoint as six numbers."""
    host, _, port = str(endpoint).rpartition(":")
    high, low = divmod(int(port), 256)
    return f"{host.replace('.', ',')},{high},{low}".encode()


def address(text: bytes) -> int | None:
    """An IPv4 address in dotted decimal, or None."""
    try:
        return parse_address(text.decode("ascii"))
    except ValueError:
        return None


def port(text: bytes) -> int | None:
    """The number of a port, or None when there is no such port."""
    number = int(text)
    return number if 0 < number <= 65535 else None
