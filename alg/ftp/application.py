"""FTP as an application: what the appliance must know of it (RFC 959, 2428)."""

from __future__ import annotations

from alg.base import Application, Reason
from alg.ftp.correct import Ftp
from alg.ftp.framing import NotFtp, frame
from alg.ftp.lint import findings
from alg.ftp.message import Malformed, parse, summary
from alg.ftp.signs import SIGNS
from nat.endpoint import Endpoint
from nat.reach import is_inside_only


def soundness(message: bytes) -> int:
    """0 for what is not one FTP message, 1 for one whose endpoint should be there and cannot be
    read, and 2 for all others."""
    try:
        parse(message).announcement()
    except NotFtp:
        return 0
    except Malformed:
        return 1
    return 2


def inside_endpoint(message: bytes) -> Endpoint | None:
    """The address of the data connection that an inside host announces. The port of the connection
    that it says so on is not in the message."""
    try:
        announced = parse(message).announcement()
    except (NotFtp, Malformed):
        return None
    if announced is None or announced.address is None or not is_inside_only(announced.address):
        return None
    return Endpoint(announced.address, 0)


AS_WRITTEN = Reason(
    "Only the endpoint of a data connection of the inside host is translated; all else must arrive "
    "as it was written.",
    "RFC 959 4.1.2",
)

FTP = Application(
    "ftp",
    Ftp,
    frame,
    NotFtp,
    summary,
    soundness,
    findings,
    opens="one port",
    why_it_stays=lambda message, at: AS_WRITTEN,
    signs=SIGNS,
    inside_endpoint=inside_endpoint,
)
