"""FTP messages as places."""

from __future__ import annotations

import pytest

from alg.ftp.framing import NotFtp
from alg.ftp.message import Command, Malformed, Reply, parse, summary
from nat.endpoint import Endpoint

ELSEWHERE = Endpoint.parse("203.0.113.1:60000")


@pytest.mark.parametrize(
    ("data", "verb", "argument"),
    [
        (b"PASV\r\n", "PASV", b""),
        (b"PASV \r\n", "PASV", b""),
        (b"pOrT 1,2\r\n", "PORT", b"1,2"),
        (b"STOR a  b \r\n", "STOR", b"a  b "),
        (b"\xff\xf4\xff\xf2ABOR\r\n", "ABOR", b""),
    ],
)
def test_a_command_is_a_verb_and_an_argument(data: bytes, verb: str, argument: bytes) -> None:
    command = parse(data)
    assert isinstance(command, Command)
    assert (command.verb, command.argument) == (verb, argument)


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        (b"200\r\n", 200, b""),
        (b"200 \r\n", 200, b""),
        (b"227 ok (1,2)\r\n", 227, b"ok (1,2)"),
        (b"211-Features\r\n EPSV\r\n211 End\r\n", 211, b""),
        (b"\xff\xfc\x01220 hello\r\n", 220, b"hello"),
    ],
)
def test_a_reply_is_a_code_and_a_text(data: bytes, code: int, text: bytes) -> None:
    reply = parse(data)
    assert isinstance(reply, Reply)
    assert (reply.code, reply.data[reply.start : reply.end]) == (code, text)


@pytest.mark.parametrize("data", [b"", b"PASV", b"PASV\r", b"NOOP\r\nNOOP\r\n", b"HELO me\r\n"])
def test_anything_else_is_no_message(data: bytes) -> None:
    with pytest.raises(NotFtp):
        parse(data)


@pytest.mark.parametrize(
    ("data", "endpoint", "elsewhere"),
    [
        (b"PORT 192,0,2,1,4,210\r\n", "192.0.2.1:1234", b"PORT 203,0,113,1,234,96\r\n"),
        (b"EPRT |1|192.0.2.1|1234|\r\n", "192.0.2.1:1234", b"EPRT |1|203.0.113.1|60000|\r\n"),
        (b"227 ok =192,0,2,1,4,210\r\n", "192.0.2.1:1234", b"227 ok =203,0,113,1,234,96\r\n"),
        (b"229 ok (!!!1234!) now\r\n", "1234", b"229 ok (!!!60000!) now\r\n"),
    ],
)
def test_an_announcement_can_be_written_for_another_endpoint(
    data: bytes, endpoint: str, elsewhere: bytes
) -> None:
    found = parse(data).announcement()
    assert found is not None
    address, _, port = endpoint.rpartition(":")
    assert found.port == int(port)
    assert found.address == (Endpoint.parse(endpoint).address if address else None)
    assert data[: found.start] + found.written(ELSEWHERE) + data[found.end :] == elsewhere


@pytest.mark.parametrize("data", [b"LPRT 4,4,192,0,2,1,2,4,210\r\n", b"228 no\r\n", b"PASV\r\n"])
def test_most_messages_announce_nothing(data: bytes) -> None:
    assert parse(data).announcement() is None


@pytest.mark.parametrize("data", [b"PORT 1\r\n", b"EPRT x\r\n", b"227 no\r\n", b"229 no\r\n"])
def test_an_announcement_that_cannot_be_read_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data).announcement()


@pytest.mark.parametrize(
    ("data", "essence"),
    [
        (b"PORT 192,0,2,1,4,210\r\n", "PORT"),
        (b"PASS secret\r\n", "PASS"),
        (b"pass secret\r\n", "PASS"),
        (b"227 Entering Passive Mode (192,0,2,1,4,210).\r\n", "227 Entering Passive Mode"),
        (b"331 Password, please.\r\n", "331 Password, please"),
        (b"211-Features\r\n EPSV\r\n211 End\r\n", "211"),
        (b"230 " + b"a" * 900 + b"\r\n", "230 " + "a" * 60),
        (b"\x16\x03\x01", ""),
    ],
)
def test_the_essence_of_a_message_never_shows_a_password(data: bytes, essence: str) -> None:
    assert summary(data) == (essence, "")
