"""FTP that nobody reads is told by the endpoint that an inside host announces in it."""

from __future__ import annotations

import pytest

from alg.ftp.signs import SIGNS
from alg.hint import Hint
from tests.support.glimpses import NO_SIGN, Said, said

PORT = b"PORT 192,168,20,10,8,1\r\n"


def hinted(answer: Said) -> Hint:
    assert isinstance(answer, Hint)
    return answer


@pytest.mark.parametrize(
    "line",
    [
        PORT,
        b"EPRT |1|192.168.20.10|2049|\r\n",
        b"227 Passive (192,168,20,10,8,1)\r\n",
        PORT.lower(),
    ],
)
def test_an_inside_address_that_leaves_while_the_module_is_off_names_the_module(
    line: bytes,
) -> None:
    hint = hinted(said(SIGNS, line, 21))
    assert "this protocol carries addresses, and alg.ftp.module is off" in hint.sentence
    assert (hint.setting, hint.value) == ("alg.ftp.module", "ftp")


def test_on_another_port_it_names_the_ports() -> None:
    hint = hinted(said(SIGNS, PORT, 2121, alg__ftp__module="ftp"))
    assert "port 2121 is not read" in hint.sentence
    assert (hint.setting, hint.value) == ("alg.ftp.ports", "21,2121")


def test_with_the_module_on_there_is_nothing_to_say() -> None:
    assert said(SIGNS, PORT, 21, alg__ftp__module="ftp") is None


@pytest.mark.parametrize(
    "harmless",
    [
        b"PORT 203,0,113,1,8,1\r\n",
        b"PORT nonsense\r\n",
        b"227 no address\r\n",
        b"EPRT |2|::1|9|\r\n",
    ],
)
def test_what_names_no_inside_endpoint_needs_no_module(harmless: bytes) -> None:
    assert said(SIGNS, harmless, 21) is None


def test_what_comes_in_is_no_inside_host_s_announcement() -> None:
    assert said(SIGNS, b"227 Passive (192,168,1,1,8,1)\r\n", 21, outward=False) is None


@pytest.mark.parametrize("line", [b"220 ready\r\n", b"USER anonymous\r\n", b"331 password\r\n"])
def test_a_dialogue_that_may_become_ftp_is_looked_at_for_longer(line: bytes) -> None:
    assert said(SIGNS, line, 2121) is None


@pytest.mark.parametrize("other", [b"GET / HTTP/1.1\r\n", b"SSH-2.0-x\r\n", b"EHLO x\r\n", b"\0\1"])
def test_all_else_is_not(other: bytes) -> None:
    assert said(SIGNS, other, 2121) == NO_SIGN
