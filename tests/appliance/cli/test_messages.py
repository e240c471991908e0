"""`glassnat alg lint`, and the message that `glassnat alg diff` takes out of a file."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alg.registry import APPLICATIONS
from tests.support.excerpts import INVITE, RINGING, WRAPPINGS, pcap, wrapped
from tests.support.packets import udp
from tests.support.sweep import sampled

Run = Callable[..., Any]

DAMAGED = INVITE.replace(b"Content-Length: 1", b"Content-Length: 9").replace(b"z9hG4bK", b"")
PHONE, SERVER = "192.168.20.100:5060", "192.0.2.9:5060"
CAPTURE = pcap(
    [udp(PHONE, SERVER, INVITE), udp(SERVER, PHONE, RINGING), udp(PHONE, SERVER, DAMAGED)]
)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[bytes], str]:
    def save(data: bytes) -> str:
        path = tmp_path / "message"
        path.write_bytes(data)
        return str(path)

    return save


def names(message: bytes) -> list[str]:
    return [each.name for each in APPLICATIONS["sip"].findings(message)]


# --- lint ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"), [(INVITE, 0), (DAMAGED, 1), (INVITE + RINGING, 0), (INVITE + DAMAGED, 1)]
)
def test_the_exit_code_says_whether_something_is_wrong(
    glassnat: Run, saved: Callable[[bytes], str], data: bytes, code: int
) -> None:
    assert glassnat("alg", "lint", saved(data)).code == code
    assert glassnat("alg", "lint", saved(data), "--json").code == code


@pytest.mark.parametrize("data", [b"", b"hello\n", b"\x16\x03\x01", pcap([]), b"x" * 70_000])
def test_without_a_message_there_is_nothing_to_be_right(
    glassnat: Run, saved: Callable[[bytes], str], data: bytes
) -> None:
    answer = glassnat("alg", "lint", saved(data))
    assert answer.code == 2
    assert "there is no message in it" in answer.err
    assert answer.out == ""


def test_all_findings_are_printed_with_their_source(
    glassnat: Run, saved: Callable[[bytes], str]
) -> None:
    """Also of a message that no module has touched: that is what it is for."""
    answer = glassnat("alg", "lint", saved(DAMAGED))
    first, *rest = answer.out.splitlines()
    assert first == "1: INVITE, line 1"
    assert [line.strip().partition(":")[0] for line in rest] == names(DAMAGED)
    assert (
        "    content-length: Content-Length is not the length of the body. (RFC 3261 20.14)" in rest
    )
    assert answer.err == f"1 message, {len(names(DAMAGED))} findings\n"


def test_as_json_each_message_has_its_findings(
    glassnat: Run, saved: Callable[[bytes], str]
) -> None:
    document = json.loads(glassnat("alg", "lint", saved(CAPTURE), "--json").out)
    assert [each["number"] for each in document["messages"]] == [1, 2, 3]
    last = document["messages"][2]
    assert last["message"].encode("latin-1") == DAMAGED
    assert [each["name"] for each in last["findings"]] == names(DAMAGED)
    assert {
        key: last[key] for key in ("protocol", "summary", "source", "destination", "transport")
    } == {
        "protocol": "sip",
        "summary": "INVITE",
        "source": PHONE,
        "destination": SERVER,
        "transport": "udp",
    }
    assert document["note"] == ""


def test_one_of_several_is_chosen(glassnat: Run, saved: Callable[[bytes], str]) -> None:
    file = saved(CAPTURE)
    assert glassnat("alg", "lint", file, "--message", "2").code == 0
    assert glassnat("alg", "lint", file, "--message", "3").code == 1
    answer = glassnat("alg", "lint", file, "--message", "4")
    assert answer.code == 2
    assert "3 messages in it" in answer.err


def test_another_protocol_has_findings_of_its_own(
    glassnat: Run, saved: Callable[[bytes], str]
) -> None:
    answer = glassnat("alg", "lint", saved(b"PORT 100,64,0,1,0,21\r\n"), "--json")
    (message,) = json.loads(answer.out)["messages"]
    assert message["protocol"] == "ftp"
    assert [each["name"] for each in message["findings"]] == ["private-address", "system-port"]


def test_hostile_text_is_not_drawn(glassnat: Run, saved: Callable[[bytes], str]) -> None:
    answer = glassnat("alg", "lint", saved(RINGING.replace(b"Ringing", b"\x1b[2J\x9b")))
    assert all(line.isprintable() for line in answer.out.splitlines())


def test_text_may_come_from_a_pipe(glassnat: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(wrapped("tcpdump -A", INVITE))))
    answer = glassnat("alg", "lint", "-")
    assert answer.code == 0
    assert answer.out == "1: INVITE, line 2 (tcpdump, line ends)\n    nothing wrong\n"


def test_a_file_that_is_not_there_is_said(glassnat: Run, tmp_path: Path) -> None:
    answer = glassnat("alg", "lint", str(tmp_path / "none"))
    assert answer.code == 2
    assert "No such file" in answer.err


# --- diff ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapping", sampled((name for name in WRAPPINGS if name != "as it is"), 6))
def test_a_module_is_given_the_message_and_nothing_around_it(
    glassnat: Run, saved: Callable[[bytes], str], wrapping: str
) -> None:
    answer = glassnat("alg", "diff", saved(wrapped(wrapping, INVITE)), "--json")
    document = json.loads(answer.out)
    assert document["before"].encode("latin-1") == INVITE
    assert document["verdict"] == "rewritten"
    assert answer.err.startswith("took message 1 of 1, line ")


def test_of_a_message_as_it_is_nothing_is_said(
    glassnat: Run, saved: Callable[[bytes], str]
) -> None:
    assert glassnat("alg", "diff", saved(INVITE), "--json").err == ""


def test_what_was_taken_and_undone_is_said(glassnat: Run, saved: Callable[[bytes], str]) -> None:
    text = wrapped("quoted", INVITE) + wrapped("quoted", RINGING)
    answer = glassnat("alg", "diff", saved(text), "--message", "2", "--json")
    assert json.loads(answer.out)["before"].encode() == RINGING
    line = INVITE.count(b"\n") + 1
    assert answer.err == (
        f"took message 2 of 2, line {line}; undone: quoting, line ends "
        "(--message N takes another, `glassnat alg lint` lists them)\n"
    )


@pytest.mark.parametrize(
    ("data", "count"), [(INVITE, "1 message in"), (b"hello", "no messages in")]
)
def test_a_message_that_is_not_there_is_said(
    glassnat: Run, saved: Callable[[bytes], str], data: bytes, count: str
) -> None:
    answer = glassnat("alg", "diff", saved(data), "--message", "2")
    assert answer.code == 2
    assert count in answer.err


def test_a_capture_says_who_is_inside(glassnat: Run, saved: Callable[[bytes], str]) -> None:
    host = "10.1.2.3:5062"
    message = INVITE.replace(b"192.168.20.100:5060", host.encode())
    file = saved(
        pcap([udp(host, "192.0.2.77:5060", message), udp("192.0.2.77:5060", host, RINGING)])
    )
    answer = glassnat("alg", "diff", file, "--json")
    assert json.loads(answer.out)["changes"][0]["before"] == host
    assert "--internal 10.1.2.3:5062: taken from the capture" in answer.err
    assert "--remote 192.0.2.77:5060: taken from the capture" in answer.err
    assert "--direction in: taken" in glassnat("alg", "diff", file, "--message", "2").err
    given = glassnat("alg", "diff", file, "--internal", PHONE, "--direction", "out")
    assert "--internal 10.1.2.3:5062: taken" not in given.err
    assert f"the message is from {host}, which is not --internal" in given.err


@pytest.mark.parametrize("own", ["10.1.2.3:5062", "100.64.7.7:5060", "169.254.9.9:5060"])
def test_an_inside_address_is_taken_from_the_message_and_said(
    glassnat: Run, saved: Callable[[bytes], str], own: str
) -> None:
    """RFC 1918, RFC 6598 and RFC 3927."""
    message = RINGING.replace(b"SIP/2.0 180 Ringing", b"OPTIONS sip:192.0.2.9 SIP/2.0")
    message = message.replace(b"CSeq: 1 INVITE", b"CSeq: 1 OPTIONS").replace(
        PHONE.encode(), own.encode()
    )
    answer = glassnat("alg", "diff", saved(message), "--json")
    (change,) = json.loads(answer.out)["changes"]
    assert (change["before"], change["after"]) == (own, "203.0.113.1:5060")
    assert answer.err == f"--internal {own}: taken from the message\n"


@pytest.mark.parametrize("options", [("--internal", "192.168.20.7:5060"), ("--direction", "in")])
def test_what_is_given_is_believed(
    glassnat: Run, saved: Callable[[bytes], str], options: tuple[str, str]
) -> None:
    own = INVITE.replace(b"192.168.20.100", b"192.168.20.222")
    answer = glassnat("alg", "diff", saved(own), *options, "--json")
    assert "taken from" not in answer.err
    told = "the message is from 192.168.20.222:5060, which is not --internal" in answer.err
    assert told is (options[0] == "--internal")


def test_the_inside_address_of_another_protocol(
    glassnat: Run, saved: Callable[[bytes], str]
) -> None:
    """The port of the control connection is not in the message: that of --internal stays."""
    file = saved(b"PORT 10,0,0,7,156,65\n")
    answer = glassnat("alg", "diff", file, "--alg", "ftp", "--remote", "192.0.2.9:21", "--json")
    assert json.loads(answer.out)["changes"][0]["after"] == "203,0,113,1,156,65"
    assert "--internal 10.0.0.7:5060: taken from the message" in answer.err


def test_text_that_is_too_long_for_a_message_is_said(
    glassnat: Run, saved: Callable[[bytes], str]
) -> None:
    answer = glassnat("alg", "diff", saved(RINGING[:-2] + b"X: y\r\n" * 12_000))
    assert answer.code == 2
    assert "more than 65507 bytes are no message" in answer.err
