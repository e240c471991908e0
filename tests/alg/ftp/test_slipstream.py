"""NAT slipstreaming against FTP (the older sister of the attack on SIP): something makes an inside
host send what an ALG might take for PORT, so that one of its ports opens to the attacker.

The ALG cannot know who wrote the bytes. It can insist that a connection is FTP from its first byte
to its last, that each side speaks its own part, and that nothing but the host's own ports opens.
"""

from __future__ import annotations

import pytest

from nat.endpoint import Endpoint, Side
from tests.alg.ftp.control import EXTERNAL, HOST, SERVER, Control
from tests.support.packets import ACK

ATTACKER = SERVER._replace(port=4444)
SLIPPED = b"PORT 192,168,20,10,13,61\r\n"  # 3389, a remote desktop
EXTENDED = b"EPRT |1|192.168.20.10|3389|\r\n"
PASSIVE = b"227 Entering Passive Mode (192,168,20,10,13,61)\r\n"
SEGMENT = 1460
EVERYTHING = pytest.mark.parametrize("slipped", [SLIPPED, EXTENDED, PASSIVE])


def form(size: int = SEGMENT, line_end: bytes = b"\r\n") -> bytes:
    """The beginning of a web form that fills a segment."""
    head = b"POST / HTTP/1.1\r\nHost: 203.0.113.9:21\r\nContent-Length: 5000\r\n\r\n"
    return head + b"a" * (size - len(head) - len(line_end)) + line_end


def nothing_happened(control: Control) -> bool:
    """What was said is heard byte for byte, and nothing is open to anybody."""
    is_whole = (control.server.heard, control.client.heard) == (
        control.client.said,
        control.server.said,
    )
    ports = {3389, *(int(m["external"].rpartition(":")[2]) for m in control.nat.show("mappings"))}
    reached = [control.connects(ATTACKER, port) for port in ports - {40000, 21}]
    return is_whole and not control.open and not any(reached)


@EVERYTHING
@pytest.mark.parametrize("largest", [64, 100, 536, SEGMENT])
def test_a_web_form_is_no_ftp_wherever_it_is_cut(slipped: bytes, largest: int) -> None:
    """The server names a size at which the PORT begins a segment."""
    control = Control.outwards()
    said = form(5 * largest) + slipped
    control.line.say(control.client, said, *range(largest, len(said), largest))
    control.line.say(control.server, b"HTTP/1.1 200 OK\r\n\r\n")
    assert nothing_happened(control)


@EVERYTHING
def test_nor_behind_a_greeting(slipped: bytes) -> None:
    """The attacker's server speaks perfect FTP."""
    control = Control.outwards()
    control.line.say(control.server, b"220 ready\r\n")
    control.line.say(control.client, form() + slipped, SEGMENT)
    control.line.say(control.server, b"200 PORT command successful\r\n150 go\r\n")
    assert nothing_happened(control)


@EVERYTHING
def test_nor_when_it_is_sent_again_with_other_boundaries(slipped: bytes) -> None:
    """The first time the PORT lies within a segment, and the second time it begins one."""
    control = Control.outwards()
    filler = form(700)
    control.line.say(control.client, filler + slipped)
    control.line.repeat(control.client, len(filler), len(filler + slipped))
    assert nothing_happened(control)


@EVERYTHING
def test_nor_when_the_form_is_lost_and_the_port_comes_first(slipped: bytes) -> None:
    control = Control.outwards()
    filler = form()
    client = control.client
    client.said = filler + slipped
    control.line.repeat(client, len(filler), len(client.said))
    control.line.repeat(client, 0, len(filler))
    control.line.repeat(client, len(filler), len(client.said))
    assert nothing_happened(control)


@pytest.mark.parametrize(
    "request_line",
    [
        b"EPRT /1/192.168.20.10/3389/ HTTP/1.1\r\n",
        b"PORT /192,168,20,10,13,61 HTTP/1.1\r\n",
        b"USER /x HTTP/1.1\r\n",
    ],
)
def test_a_web_page_may_choose_the_method(request_line: bytes) -> None:
    """The first line can be made a command; the headers behind it end the reading."""
    control = Control.outwards()
    control.line.say(control.server, b"220 ready\r\n")
    said = request_line + b"Host: 203.0.113.9:21\r\n\r\n" + SLIPPED
    control.line.say(control.client, said, len(said) - len(SLIPPED))
    assert nothing_happened(control)


@pytest.mark.parametrize("first", [b"", b"USER a\r\n"])
def test_a_client_that_speaks_like_a_server_is_not_listened_to(first: bytes) -> None:
    """What follows such a reply is no command either."""
    control = Control.outwards()
    control.line.say(control.server, b"220 ready\r\n")
    control.line.say(control.client, first + PASSIVE + SLIPPED)
    assert nothing_happened(control)


def test_nor_is_a_server_that_speaks_like_a_client() -> None:
    control = Control.inwards()
    control.line.say(control.server, b"220 ready\r\n" + SLIPPED)
    control.line.say(control.client, b"PASV\r\n")
    control.line.say(control.server, PASSIVE)
    assert nothing_happened(control)


def test_a_server_outside_cannot_announce_for_its_client() -> None:
    """Whatever it replies, and whatever the client had asked."""
    control = Control.outwards()
    control.line.say(control.client, b"PASV\r\n")
    control.line.say(control.server, PASSIVE + SLIPPED)
    assert nothing_happened(control)


def test_a_client_outside_cannot_announce_for_the_server() -> None:
    control = Control.inwards()
    control.line.say(control.server, b"220 ready\r\n")
    control.line.say(control.client, SLIPPED + PASSIVE)
    assert nothing_happened(control)


def test_a_connection_whose_both_ends_have_the_port_is_nobody_s() -> None:
    """Who is the server then cannot be told, so nothing is opened."""
    control = Control.outwards(**{"alg.ftp.ports": [21, 40000]})
    control.line.say(control.client, SLIPPED)
    control.line.say(control.server, PASSIVE)
    assert nothing_happened(control)


@EVERYTHING
def test_a_connection_whose_beginning_was_not_seen_is_not_read(slipped: bytes) -> None:
    """The appliance starts, or forgets, in the middle of a connection."""
    control = Control.outwards()
    control.line.say(control.client, b"USER a\r\n")
    assert control.nat.engine.flush(control.nat.now).flushed == 1
    control.line.say(control.client, slipped)
    control.nat.take_all(Side.OUTSIDE)
    assert not control.open


@pytest.mark.parametrize("host", [b"192,168,20,11", b"192,168,20,1", b"203,0,113,1", b"127,0,0,1"])
def test_nothing_opens_for_another_host(host: bytes) -> None:
    control = Control.outwards()
    control.line.say(control.client, b"PORT %b,13,61\r\n" % host)
    assert nothing_happened(control)


@pytest.mark.parametrize("port", [0, 22, 139, 445, 1023])
def test_no_system_port_opens(port: int) -> None:
    control = Control.outwards()
    control.line.say(control.client, b"PORT 192,168,20,10,%d,%d\r\n" % divmod(port, 256))
    assert nothing_happened(control)


def test_a_true_client_works_and_opens_one_port_to_one_address() -> None:
    """What is left to an attacker who can make a host speak FTP from the first byte on."""
    control = Control.outwards()
    control.line.say(control.client, SLIPPED)
    assert control.open == [f"{HOST}:3389 <- 203.0.113.9:0"]
    stranger = Endpoint.parse("198.51.100.7:4444")
    assert control.connects(stranger, 3389) is None
    assert control.connects(ATTACKER, 3389) == Endpoint.parse(f"{HOST}:3389")
    again = control.nat.made(stranger, Endpoint.parse(f"{EXTERNAL}:3389"), ACK, sequence=1)
    assert control.nat.refuses(Side.OUTSIDE, again)
