"""Inside header values, with examples from RFC 3261 and RFC 4475."""

from __future__ import annotations

import pytest

from alg.sip import fields
from alg.sip.message import Header, Malformed


def header(data: bytes, name: bytes = b"contact") -> Header:
    return Header(name, 0, len(data), 0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a", [b"a"]),
        (b"a,b", [b"a", b"b"]),
        (b"a, ", [b"a", b" "]),
        (b"a,", [b"a", b""]),
        (b'"x,y" <a,b>, c', [b'"x,y" <a,b>', b" c"]),
    ],
)
def test_values_are_separated_by_commas(data: bytes, expected: list[bytes]) -> None:
    """RFC 3261 7.3.1."""
    assert [data[slice(*span)] for span in fields.elements(data, header(data))] == expected


@pytest.mark.parametrize("data", [b'"a, b', b"<a, b", b"a, <b", b'a, "b'])
def test_what_is_opened_must_be_closed(data: bytes) -> None:
    with pytest.raises(Malformed, match="not closed"):
        fields.elements(data, header(data))


def test_a_list_equals_lines_also_in_their_number() -> None:
    most = b"," * 127
    assert len(fields.elements(most, header(most))) == 128
    with pytest.raises(Malformed, match="more than 128"):
        fields.elements(most + b",", header(most + b","))


@pytest.mark.parametrize(
    ("data", "transport", "host", "port", "parameters"),
    [
        (b"SIP/2.0/UDP 192.0.2.1", b"udp", b"192.0.2.1", b"", {}),
        (b" sip/2.0/tcp a.b:5060;rport", b"tcp", b"a.b", b"5060", {b"rport": b""}),
        (
            b'SIP  / 2.0\r\n /UDP\r\n    192.0.2.2;Branch=z9;x = "q;"',
            b"udp",
            b"192.0.2.2",
            b"",
            {b"branch": b"z9", b"x": b'"q;"'},
        ),
        (b"SIP/2.0/UDP [2001:db8::9:1]:1;a", b"udp", b"[2001:db8::9:1]", b"1", {b"a": b""}),
        (b"SIP/2.0/TLS h : 7 (comment)", b"tls", b"h", b"7", {}),
    ],
)
def test_a_via_is_read(
    data: bytes, transport: bytes, host: bytes, port: bytes, parameters: dict[bytes, bytes]
) -> None:
    """RFC 3261 20.42; white space as in RFC 4475 3.1.1.1."""
    via = fields.via(data, (0, len(data)))
    assert via is not None
    assert via.transport == transport
    assert fields.text(data, via.sent_by.host) == host
    assert fields.text(data, via.sent_by.port) == port
    assert {name: fields.text(data, span) for name, span in via.parameters.items()} == parameters


@pytest.mark.parametrize(
    "data", [b"", b"SIP/2.0/UDP", b"SIP/3.0/UDP a", b"SIP/2.0/UDP a b", b"SIP/2.0/UDP a:b"]
)
def test_what_is_no_via_is_none(data: bytes) -> None:
    assert fields.via(data, (0, len(data))) is None


@pytest.mark.parametrize(
    ("data", "uri", "host", "port"),
    [
        (b"<sip:a@h>", b"sip:a@h", b"h", b""),
        (b'"q <x> \\" q" <SIPS:h:1;p?q=r>;tag=1', b"SIPS:h:1;p?q=r", b"h", b"1"),
        (
            b"A Name <sip:u;x=1:p@192.0.2.1:5060>",
            b"sip:u;x=1:p@192.0.2.1:5060",
            b"192.0.2.1",
            b"5060",
        ),
        (b" sip:a@h:5 ;tag=1", b"sip:a@h:5", b"h", b"5"),
        (b"sip:192.0.2.1;x=a@b", b"sip:192.0.2.1", b"192.0.2.1", b""),
        (b"<sip:[2001:db8::1]:5060>", b"sip:[2001:db8::1]:5060", b"[2001:db8::1]", b"5060"),
    ],
)
def test_an_address_is_read(data: bytes, uri: bytes, host: bytes, port: bytes) -> None:
    found = fields.address(data, (0, len(data)))
    assert found is not None
    assert fields.text(data, found.uri) == uri
    assert fields.text(data, found.where.host) == host
    assert fields.text(data, found.where.port) == port
    assert found.secure is uri.lower().startswith(b"sips")


def test_without_brackets_parameters_belong_to_the_header() -> None:
    """RFC 3261 20.10."""
    bare, bracketed = b"sip:a@h;expires=5", b"<sip:a@h;x=1>;expires=5"
    for data, own in ((bare, {}), (bracketed, {b"x": b"1"})):
        found = fields.address(data, (0, len(data)))
        assert found is not None
        assert fields.text(data, found.parameters[b"expires"]) == b"5"
        assert {k: fields.text(data, v) for k, v in found.uri_parameters.items()} == own


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"*",
        b"<tel:+41>",
        b"tel:+41",
        b"<sip:a@h",
        b"<sip:a@@h>",
        b"<sip:a b@h>",
        b"<sip:h b@i>",
        b"sip:h b",
        b"<sip:h:port>",
        b"<sip:>",
        b"sip:",
        b'"never closed <sip:a@h>',
        b"http://h",
    ],
)
def test_what_is_no_sip_address_is_none(data: bytes) -> None:
    assert fields.address(data, (0, len(data))) is None


def test_the_first_of_two_parameters_counts() -> None:
    data = b";a=1;A=2;b ; =3;c"
    found = fields.parameters(data, 0, len(data))
    assert {name: fields.text(data, span) for name, span in found.items()} == {
        b"a": b"1",
        b"b": b"",
    }
    assert found[b"b"] == fields.MISSING
