"""FTP as an application: what the appliance must know of it (RFC 959, 2428)."""

from __future__ import annotations

from alg.base import Application
from alg.ftp.correct import Ftp
from alg.ftp.framing import NotFtp, frame
from alg.ftp.lint import findings
from alg.ftp.message import Malformed, parse, summary


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


FTP = Application("ftp", Ftp, frame, NotFtp, summary, soundness, findings, "one port")
