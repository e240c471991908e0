"""The correct FTP ALG through the whole appliance: what both ends hear, and which data connections
come through. (What each message becomes, one by one, is in `golden.toml`.)"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from alg.base import Edits, Reading
from alg.ftp.correct import WAITS_FOR, Ftp, reasons
from nat.endpoint import Endpoint
from tests.alg.ftp.control import (
    CLIENT,
    EXTERNAL,
    HOST,
    OUTSIDE_CLIENT,
    SERVER,
    STRANGER,
    Control,
)
from tests.alg.ftp.situations import answer, met, opened
from tests.support.packets import ACK

DATA = SERVER._replace(port=20)
PORT = b"PORT 192,168,20,10,156,65\r\n"
PORT_OUTSIDE = b"PORT 203,0,113,1,156,65\r\n"
PASSIVE = b"227 Entering Passive Mode (192,168,20,10,156,65).\r\n"
PASSIVE_OUTSIDE = b"227 Entering Passive Mode (203,0,113,1,156,65).\r\n"
DATA_PORT = Endpoint.parse(f"{HOST}:40001")


def greeted(control: Control) -> Control:
    control.greet()
    return control


@pytest.fixture
def outwards() -> Control:
    return greeted(Control.outwards())


@pytest.fixture
def inwards() -> Control:
    return greeted(Control.inwards())


# --- active mode, the client is inside -----------------------------------------------------


def test_active_mode_works(outwards: Control) -> None:
    """RFC 959 4.1.2: the server connects to the endpoint of the last PORT."""
    outwards.ask(PORT, b"200 ok\r\n")
    assert outwards.heard_last(outwards.server) == PORT_OUTSIDE
    outwards.ask(b"RETR file\r\n", b"150 here it comes\r\n")
    assert outwards.connects(DATA, 40001) == DATA_PORT
    outwards.ask(b"", b"226 done\r\n")
    assert outwards.client.heard == outwards.server.said
    assert outwards.counters["errors"] == 0


def test_so_does_its_extended_form(outwards: Control) -> None:
    outwards.ask(b"EPRT |1|192.168.20.10|40001|\r\n", b"200 ok\r\n")
    assert outwards.heard_last(outwards.server) == b"EPRT |1|203.0.113.1|40001|\r\n"
    assert outwards.connects(DATA, 40001) == DATA_PORT


@pytest.mark.parametrize(
    "settings",
    [
        {"nat.mapping": "address-and-port-dependent"},
        {"nat.filtering": "address-and-port-dependent"},
        {"nat.ports": "random", "nat.mapping": "address-dependent"},
        {"nat.ports": "sequential", "nat.filtering": "endpoint-independent"},
    ],
)
def test_whatever_the_behaviour_of_the_nat(settings: dict[str, str]) -> None:
    control = Control.outwards(**settings)
    control.greet()
    control.ask(PORT, b"200 ok\r\n")
    high, low = re.findall(rb"\d+", control.heard_last(control.server))[-2:]
    assert control.connects(DATA, int(high) * 256 + int(low)) == DATA_PORT


def test_the_server_may_connect_from_any_port(outwards: Control) -> None:
    """RFC 959 3.2 says port 20; servers without the right to it take another."""
    outwards.ask(PORT, b"200 ok\r\n")
    assert outwards.connects(SERVER._replace(port=61234), 40001) == DATA_PORT


def test_nobody_else_may_connect(outwards: Control) -> None:
    """RFC 2577 3: not for a third host, whatever the messages say."""
    outwards.ask(PORT, b"200 ok\r\n")
    assert outwards.connects(STRANGER, 40001) is None
    assert outwards.connects(DATA, 40001) == DATA_PORT


def test_a_port_is_for_one_connection(outwards: Control) -> None:
    """RFC 959 3.3: the connection ends with the file, and the next file has another."""
    outwards.ask(PORT, b"200 ok\r\n")
    assert outwards.open == [f"{DATA_PORT} <- 203.0.113.9:0"]
    outwards.connects(DATA, 40001)
    assert outwards.open == []


def test_off_the_server_is_told_a_private_address() -> None:
    control = Control.outwards("off")
    control.greet()
    control.ask(PORT, b"200 ok\r\n")
    assert control.heard_last(control.server) == PORT
    assert control.connects(DATA, 40001) is None


def test_off_says_what_was_missed() -> None:
    """The correct module runs dry beside it."""
    control = Control.outwards("off")
    control.greet()
    control.ask(PORT)
    assert control.nat.engine.slots["ftp"].observes
    assert control.counters["rewritten"] == 0
    assert control.open == []


def test_passive_mode_outwards_needs_no_help(outwards: Control) -> None:
    reply = b"227 Entering Passive Mode (203,0,113,9,156,65).\r\n"
    outwards.ask(b"PASV\r\n", reply)
    assert outwards.client.heard.endswith(reply)
    assert outwards.open == []


# --- passive mode, the server is inside ----------------------------------------------------


def test_passive_mode_inwards_works(inwards: Control) -> None:
    inwards.ask(b"PASV\r\n", PASSIVE)
    assert inwards.heard_last(inwards.client) == PASSIVE_OUTSIDE
    assert inwards.connects(STRANGER, 40001) is None
    assert inwards.connects(OUTSIDE_CLIENT._replace(port=50001), 40001) == DATA_PORT


def test_so_does_extended_passive_mode() -> None:
    control = Control.inwards(**{"nat.ports": "sequential"})
    control.greet()
    control.ask(b"EPSV\r\n", b"229 Entering Extended Passive Mode (|||40001|)\r\n")
    said = control.heard_last(control.client)
    assert said == b"229 Entering Extended Passive Mode (|||1024|)\r\n"
    assert control.connects(OUTSIDE_CLIENT._replace(port=50001), 1024) == DATA_PORT


def test_a_server_with_an_external_address_of_its_own() -> None:
    """1:1: every port of it is the same outside, and an expectation lets the client in."""
    control = Control.inwards(
        **{"nat.static": [{"internal": HOST, "external": EXTERNAL}], "nat.forward": []}
    )
    control.greet()
    control.ask(b"PASV\r\n", PASSIVE)
    assert control.heard_last(control.client) == PASSIVE_OUTSIDE
    assert control.connects(OUTSIDE_CLIENT._replace(port=50001), 40001) == DATA_PORT


def test_off_the_client_is_told_a_private_address() -> None:
    control = Control.inwards("off")
    control.greet()
    control.ask(b"PASV\r\n", PASSIVE)
    assert control.heard_last(control.client) == PASSIVE
    assert control.connects(OUTSIDE_CLIENT._replace(port=50001), 40001) is None


def test_active_mode_inwards_needs_no_help(inwards: Control) -> None:
    """The server inside connects out, as any host may."""
    inwards.ask(b"PORT 203,0,113,9,195,81\r\n", b"200 ok\r\n")
    assert inwards.heard_last(inwards.server) == b"PORT 203,0,113,9,195,81\r\n"
    assert inwards.open == []


def test_a_reply_that_nobody_asked_for_opens_nothing(inwards: Control) -> None:
    """A file's name may be made to look like a 227, if a server sends it as it stands."""
    inwards.ask(b"STAT\r\n", b"213-Status\r\n", b"213 End\r\n", PASSIVE)
    assert inwards.heard_last(inwards.client) == PASSIVE
    assert inwards.open == []


def test_a_reply_is_asked_for_once(inwards: Control) -> None:
    inwards.ask(b"PASV\r\n", PASSIVE, PASSIVE.replace(b"156,65", b"156,66"))
    assert inwards.open == [f"{DATA_PORT} <- 203.0.113.9:0"]


# --- until when ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [b"PORT 192,168,20,10,156,66\r\n", b"EPRT |1|192.168.20.10|40002|\r\n"]
)
def test_the_next_port_closes_the_last_one(outwards: Control, command: bytes) -> None:
    """RFC 959 3.2: a command that changes the port ends what was before."""
    outwards.ask(PORT, b"200 ok\r\n")
    outwards.ask(command, b"200 ok\r\n")
    assert outwards.open == [f"{HOST}:40002 <- 203.0.113.9:0"]
    assert outwards.connects(DATA, 40001) is None


@pytest.mark.parametrize("command", [b"PASV\r\n", b"EPSV\r\n", b"epsv 1\r\n"])
def test_so_does_passive_mode(outwards: Control, command: bytes) -> None:
    outwards.ask(PORT, b"200 ok\r\n")
    outwards.ask(command)
    assert outwards.open == []


def test_the_same_port_again_is_open_again(outwards: Control) -> None:
    """Many clients use one port for all their files."""
    for _ in range(3):
        outwards.ask(PORT, b"200 ok\r\n")
        assert outwards.open == [f"{DATA_PORT} <- 203.0.113.9:0"]


def test_a_transfer_goes_on_when_the_next_port_comes(outwards: Control) -> None:
    """The client may announce the next one while the last bytes of a file are on their way."""
    outwards.ask(PORT, b"200 ok\r\n")
    outwards.connects(DATA, 40001)
    outwards.nat.wait(1)
    outwards.ask(b"PORT 192,168,20,10,156,66\r\n", b"200 ok\r\n")
    into = Endpoint.parse(f"{EXTERNAL}:40001")
    assert outwards.nat.into(DATA, into, ACK, sequence=1) == DATA_PORT


@pytest.mark.parametrize("reply", [b"221 goodbye\r\n", b"421 too many of you\r\n"])
def test_what_is_unused_closes_with_the_control_connection(outwards: Control, reply: bytes) -> None:
    outwards.ask(PORT, b"200 ok\r\n")
    outwards.ask(b"QUIT\r\n", reply)
    assert outwards.open == []
    assert outwards.connects(DATA, 40001) is None


def test_a_transfer_outlives_quit(outwards: Control) -> None:
    """RFC 959 4.1.1: QUIT during a transfer lets it come to its end."""
    outwards.ask(PORT, b"200 ok\r\n")
    outwards.connects(DATA, 40001)
    outwards.nat.wait(1)
    outwards.ask(b"QUIT\r\n", b"221 goodbye\r\n")
    into = Endpoint.parse(f"{EXTERNAL}:40001")
    assert outwards.nat.into(DATA, into, ACK, sequence=1) == DATA_PORT


def test_it_closes_when_nobody_comes(outwards: Control) -> None:
    outwards.ask(PORT, b"200 ok\r\n")
    outwards.nat.wait(WAITS_FOR - 1)
    assert outwards.open == [f"{DATA_PORT} <- 203.0.113.9:0"]
    outwards.nat.wait(2)
    assert outwards.open == []
    assert outwards.connects(DATA, 40001) is None


def test_control_connections_have_their_own(outwards: Control) -> None:
    """Two to one server: the PORT of one does not close that of the other."""
    line = outwards.line
    second = type(line)(outwards.nat, CLIENT._replace(port=40500), SERVER, began=(7, 8))
    outwards.ask(PORT, b"200 ok\r\n")
    second.say(second.inner, PORT.replace(b"156,65", b"156,66"))
    assert outwards.open == [f"{HOST}:{port} <- 203.0.113.9:0" for port in (40001, 40002)]
    second.say(second.inner, b"QUIT\r\n")
    second.say(second.outer, b"221 goodbye\r\n")
    assert outwards.open == [f"{DATA_PORT} <- 203.0.113.9:0"]


def test_a_new_connection_between_the_same_ends_begins_anew(outwards: Control) -> None:
    """What the old one said (EPSV ALL, here) does not bind the new one."""
    outwards.ask(b"EPSV ALL\r\n", b"200 ok\r\n")
    line = outwards.line
    line.finish(outwards.client)
    line.finish(outwards.server)
    line.put(line.inner, line.inner.segment(ACK, len(line.inner.said) + 1))
    outwards.nat.wait(1)
    again = type(outwards.line)(outwards.nat, CLIENT, SERVER, began=(777_000, 888_000))
    control = Control(again, again.inner, again.outer)
    control.greet()
    control.ask(PORT, b"200 ok\r\n")
    assert control.heard_last(control.server) == PORT_OUTSIDE


def test_epsv_all_is_final(outwards: Control) -> None:
    """RFC 2428 4: the server must then refuse PORT and EPRT, so nothing is opened for one."""
    outwards.ask(b"EPSV ALL\r\n", b"200 ok\r\n")
    outwards.ask(PORT, b"501 no\r\n")
    assert outwards.heard_last(outwards.server) == PORT
    assert outwards.open == []


# --- streams -------------------------------------------------------------------------------


def test_a_command_may_be_cut_anywhere() -> None:
    for cut in range(1, len(PORT)):
        outwards = greeted(Control.outwards())
        outwards.ask(PORT, b"200 ok\r\n", cuts=(cut,))
        assert outwards.heard_last(outwards.server) == PORT_OUTSIDE, cut
        assert outwards.connects(DATA, 40001) == DATA_PORT, cut


@pytest.mark.slow
def test_so_may_a_reply() -> None:
    for cut in range(1, len(PASSIVE)):
        inwards = greeted(Control.inwards())
        inwards.line.say(inwards.client, b"PASV\r\n")
        inwards.line.say(inwards.server, PASSIVE, cut)
        assert inwards.heard_last(inwards.client) == PASSIVE_OUTSIDE, cut


@pytest.mark.parametrize(
    ("port_range", "longer"), [("[1024, 1123]", False), ("[60000, 60099]", True)]
)
def test_the_numbers_of_segments_follow_the_text(port_range: str, longer: bool) -> None:
    """Shorter and longer texts, one after the other, and both ends agree to the end. (`End` fails
    the test for bytes that do not fit together.)"""
    control = Control.outwards(**{"nat.port_range": port_range})
    control.greet()
    for number in range(20):
        port = b"%d,%d" % divmod(1024 + number if longer else 60_000 + number, 256)
        control.ask(b"PORT 192,168,20,10,%b\r\n" % port, b"200 ok\r\n")
    said, heard = len(control.client.said), len(control.server.heard)
    assert (heard > said) is longer
    assert control.client.acknowledged == said
    assert control.server.acknowledged == len(control.server.said)
    assert control.heard_last(control.server).startswith(b"PORT 203,0,113,1,")


@pytest.mark.parametrize(("begin", "stop"), [(0, 5), (40, 60), (30, 64), (50, 64)])
def test_a_retransmission_is_no_second_command(outwards: Control, begin: int, stop: int) -> None:
    outwards.line.say(outwards.client, PORT)
    seen = outwards.counters["seen"]
    outwards.line.repeat(outwards.client, begin, stop)
    outwards.ask(b"NOOP\r\n", b"200 ok\r\n", b"200 ok\r\n")
    assert outwards.counters["seen"] == seen + 3
    assert outwards.server.heard.endswith(PORT_OUTSIDE + b"NOOP\r\n")
    assert outwards.client.acknowledged == len(outwards.client.said)


def test_several_commands_may_come_in_one_segment(outwards: Control) -> None:
    outwards.ask(b"TYPE I\r\n" + PORT + b"RETR file\r\n")
    assert outwards.server.heard.endswith(b"TYPE I\r\n" + PORT_OUTSIDE + b"RETR file\r\n")


def test_an_abort_may_come_with_telnet_commands(outwards: Control) -> None:
    """RFC 959 4.1: IP, Synch, and then ABOR."""
    outwards.ask(b"\xff\xf4\xff\xf2ABOR\r\n", b"426 closed\r\n", b"226 aborted\r\n")
    outwards.ask(PORT, b"200 ok\r\n")
    assert outwards.heard_last(outwards.server) == PORT_OUTSIDE


@pytest.mark.parametrize("size", [8_000, 9_000, 30_000])
def test_a_reply_of_many_lines_arrives(outwards: Control, size: int) -> None:
    """One too long to be held is let go, with its connection."""
    listing = b"213-Status\r\n" + b" 227 (192,168,20,10,13,61)\r\n" * (size // 29) + b"213 End\r\n"
    outwards.ask(b"STAT\r\n")
    outwards.line.say(outwards.server, listing, *range(1000, len(listing), 1000))
    outwards.ask(b"NOOP\r\n", b"200 ok\r\n")
    assert outwards.client.heard == outwards.server.said
    assert (outwards.open, outwards.counters["errors"]) == ([], 0)


def test_tls_is_let_go(outwards: Control) -> None:
    """RFC 4217 4: after AUTH TLS and 234 nobody on the way can read any more."""
    hello, answer = b"\x16\x03\x01\x02\x00\x01" + PORT, b"\x16\x03\x03\x00\x7a\x02" + PASSIVE
    outwards.ask(b"AUTH TLS\r\n", b"234 go on\r\n")
    outwards.line.say(outwards.client, hello)
    outwards.line.say(outwards.server, answer)
    assert outwards.server.heard.endswith(hello)
    assert outwards.client.heard.endswith(answer)
    assert (outwards.counters["errors"], outwards.open) == (0, [])
    (flow,) = outwards.nat.show("flows")
    assert flow["alg"] is None


def test_an_earlier_edit_stays_in_the_numbers_when_tls_begins(outwards: Control) -> None:
    outwards.ask(PORT, b"200 ok\r\n")
    outwards.ask(b"AUTH TLS\r\n", b"234 go on\r\n")
    outwards.ask(b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x03\x00\x7a\x02")
    assert outwards.client.acknowledged == len(outwards.client.said)


# --- when there is no port -----------------------------------------------------------------


def test_without_a_free_port_the_message_passes_as_it_came() -> None:
    """Never a message that announces a port that is not open (I-E5)."""
    control = Control.outwards(**{"nat.limits.expectations_per_host": 1})
    control.greet()
    control.ask(PORT, b"200 ok\r\n")
    second = type(control.line)(control.nat, CLIENT._replace(port=40500), SERVER, began=(7, 8))
    wanted = PORT.replace(b"156,65", b"156,66")
    second.say(second.inner, wanted)
    assert second.outer.heard == wanted
    assert control.connects(DATA, 40002) is None


def test_a_229_can_name_no_other_address() -> None:
    """RFC 2428 3: the client connects to the address of the control connection."""
    context = met("server", "out", 'outside.external=["203.0.113.1","203.0.113.2"]')
    context.external = Endpoint.parse("203.0.113.2:21")
    with pytest.raises(Exception, match="another address"):
        answer(context, b"229 Entering Extended Passive Mode (|||40001|)\r\n")


# --- words ---------------------------------------------------------------------------------


def test_every_reason_is_a_sentence_with_its_rfc() -> None:
    file = Path(__file__).parents[3] / "alg" / "ftp" / "reasons.toml"
    assert list(reasons()) == list(tomllib.loads(file.read_text()))
    for rule, (sentence, rfc) in reasons().items():
        assert sentence.endswith(".")
        assert rfc.startswith("RFC ")
        assert Ftp().explain(rule) == (sentence, rfc)


def test_what_is_no_message_is_opaque() -> None:
    for data in (b"", b"\x16\x03\x01", b"PORT 192,168,20,100,156,65", b"NOOP\r\nNOOP\r\n"):
        said = answer(met(), data)
        assert (said.edits, said.reading) == ((), Reading.OPAQUE)


def test_only_the_correct_peer_is_asked_for_by_default() -> None:
    """`Ftp(peer)` is how a fault lets in somebody else."""
    context = met()
    said = Ftp(lambda _: None).inspect(b"PORT 192,168,20,100,156,65\r\n", context)
    assert isinstance(said, Edits)
    assert opened(context) == ["40001 <- None"]
