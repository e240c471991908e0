"""Endpoints as FTP writes them."""

from __future__ import annotations

import pytest

from alg.ftp import grammar
from nat.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (b"192,0,2,1,0,0", "192.0.2.1:0"),
        (b"192,0,2,1,4,210", "192.0.2.1:1234"),
        (b"255,255,255,255,255,255", "255.255.255.255:65535"),
        (b"192,0,2,1,256,0", None),
        (b"999,0,2,1,4,210", None),
    ],
)
def test_six_numbers_are_an_endpoint(text: bytes, endpoint: str | None) -> None:
    """RFC 959 5.3.2: the high order bits of each first, as decimal numbers of a byte each."""
    found = grammar.host_port(text)
    assert found == (Endpoint.parse(endpoint) if endpoint else None)
    if found is not None:
        assert grammar.as_host_port(found) == text


@pytest.mark.parametrize("text", [b"1,2,3,4,5", b"1,2,3,4,5,6,7", b"01,2,3,4,5,6", b"1,2,3,4,5, 6"])
def test_anything_else_is_none(text: bytes) -> None:
    assert grammar.HOST_PORT.match(text) is None
    assert grammar.HOST_PORT_IN_TEXT.search(b"(%b)" % text) is None


@pytest.mark.parametrize("delimiter", [b"|", b"!", b"/", b"~", b"\\", b"-"])
def test_a_delimiter_is_any_sign(delimiter: bytes) -> None:
    """RFC 2428 2: one of the printable characters 33 to 126."""
    text = delimiter + delimiter.join((b"1", b"192.0.2.1", b"1234", b""))
    found = grammar.EXTENDED_PORT.match(text)
    assert found is not None
    assert found.group("family", "host", "port") == (b"1", b"192.0.2.1", b"1234")


@pytest.mark.parametrize("delimiter", [b".", b":", b"1", b"a", b"A", b" ", b"\x7f", b""])
def test_but_none_that_may_stand_in_an_address(delimiter: bytes) -> None:
    text = delimiter + delimiter.join((b"1", b"192.0.2.1", b"1234", b""))
    assert grammar.EXTENDED_PORT.match(text) is None


def test_two_delimiters_are_none() -> None:
    assert grammar.EXTENDED_PORT.match(b"|1|192.0.2.1!1234|") is None
    assert grammar.EXTENDED_PASSIVE.search(b"(||!1234|)") is None


def test_no_method_of_http_is_a_verb() -> None:
    """A web page may choose the method of a request; the first word decides what a stream is."""
    methods = b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND MKCOL COPY MOVE LOCK"
    assert not grammar.VERBS & set(methods.split())
