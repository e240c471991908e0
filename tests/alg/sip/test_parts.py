"""Everything is read before anything is done."""

from __future__ import annotations

import pytest

from alg.sip import fields, parts
from alg.sip.message import Malformed, parse

HEAD = b"INFO sip:a SIP/2.0\r\ni: 1\r\nCSeq: 1 INFO\r\n"


def read(headers: bytes) -> tuple[bytes, parts.Parts]:
    data = HEAD + headers + b"\r\n\r\n"
    return data, parts.read(parse(data))


def test_repeated_lines_equal_a_list() -> None:
    """RFC 3261 7.3.1."""
    for headers in (
        b"Via: SIP/2.0/UDP a\r\nv: SIP/2.0/UDP b\r\nm: <sip:c>\r\nContact: tel:1, <sip:d>",
        b"Via: SIP/2.0/UDP a, SIP/2.0/UDP b\r\nm: <sip:c>, tel:1, <sip:d>",
    ):
        data, found = read(headers)
        assert found.via is not None
        assert fields.text(data, found.via.sent_by.host) == b"a"
        assert [fields.text(data, c.where.host) for c in found.contacts] == [b"c", b"d"]


def test_what_is_not_there_is_none() -> None:
    _, found = read(b"Subject: nothing")
    assert (found.via, found.contacts, found.sender, found.recipient) == (None, [], None, None)
    assert (found.routes, found.sessions, found.contact_star) == ([], [], False)


@pytest.mark.parametrize(
    ("headers", "star"), [(b"m: *", True), (b"m: <sip:*@a>", False), (b"m: *\r\nm: *", False)]
)
def test_the_star_stands_alone(headers: bytes, star: bool) -> None:
    """RFC 3261 10.2.2."""
    assert read(headers)[1].contact_star is star


def test_routes_keep_their_names() -> None:
    _, found = read(b"Route: <sip:a>, <sip:b>\r\nPath: <sip:c>\r\nX-Route: <sip:d>")
    assert [name for name, _ in found.routes] == ["route", "route", "path"]


@pytest.mark.parametrize("name", [b"Via", b"Contact", b"Route", b"Record-Route"])
def test_a_quotation_mark_that_is_not_closed_is_malformed(name: bytes) -> None:
    with pytest.raises(Malformed):
        read(name + b': "a, b')
