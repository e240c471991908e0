"""Where an FTP message ends in a stream: a command is a line, a reply is one line or several
(RFC 959 4.2 and 5.3).

    227 Entering Passive Mode (192,168,20,10,8,1) CRLF          one line, one message

    211-Features: CRLF                                          three lines, one message:
    227 means nothing within a reply of several lines CRLF      up to the line that begins
    211 End CRLF                                                with the same code and a space

A stream is FTP from its first byte or it is not FTP, and every message must begin exactly where the
last one ended. This file never looks for a message in the middle of anything: an ALG that does can
be made to read a PORT command out of a web form (NAT slipstreaming, 2020). A stream that becomes
TLS (RFC 4217) ends here too: the first byte of a TLS record begins no message.
"""

from __future__ import annotations

from alg.ftp import grammar

LONGEST_LINE = 5000
"""Bytes: a path may have 4,096 on most systems."""

NEED_MORE = 0
"""Nothing speaks against FTP yet, but the message is not whole."""


class NotFtp(Exception):
    """This is not the beginning of an FTP message; the text says why."""


def frame(data: bytes) -> int:
    """How many bytes the first message of `data` takes, or NEED_MORE. Raises NotFtp."""
    begins = grammar.BEGINNING.match(data)
    if begins is None:
        if _may_become_one(data):
            return NEED_MORE
        raise NotFtp("it begins with neither a command nor a reply")
    if begins["verb"] is not None and begins["verb"].upper() not in grammar.VERBS:
        raise NotFtp("it begins with a word that is no command")
    end = _line_end(data, begins.end() - 1)
    if end and begins["more"] == b"-":
        return _last_line_end(data, begins["code"], end)
    return end


def _may_become_one(data: bytes) -> bool:
    truncated = grammar.TRUNCATED.match(data)
    if truncated is None:
        return False
    word = (truncated["verb"] or b"").upper()
    return any(verb.startswith(word) for verb in grammar.VERBS)


def _line_end(data: bytes, start: int) -> int:
    """Where the line that `start` lies in ends. It ends in CRLF and in nothing else: a file's name
    with a lone LF in it must not begin a reply of somebody's own making."""
    at = data.find(b"\n", start, LONGEST_LINE)
    if at < 0:
        if len(data) >= LONGEST_LINE:
            raise NotFtp("a line does not end")
        return NEED_MORE
    if data[at - 1 : at] != b"\r":
        raise NotFtp("a line ends in LF alone")
    return at + 1


def _last_line_end(data: bytes, code: bytes, first_end: int) -> int:
    """Where the line ends that has the code of the first one and a space behind it. Lines between
    may begin with any number (RFC 959 4.2)."""
    last = data.find(b"\r\n%b " % code, first_end - 2)
    if last < 0:
        return NEED_MORE
    end = data.find(b"\r\n", last + 2)
    return NEED_MORE if end < 0 else end + 2
