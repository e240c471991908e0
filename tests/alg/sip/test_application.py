"""SIP as the appliance sees it: one row that brings everything of the protocol."""

from __future__ import annotations

from alg.registry import APPLICATIONS, MODULES, load, names
from alg.sip.application import SIP, soundness

REQUEST = b"OPTIONS sip:bob@example.net SIP/2.0\r\n"
HEADERS = (
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:alice@example.net>;tag=1\r\nTo: <sip:bob@example.net>\r\n"
    b"Call-ID: c1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def test_the_correct_twin_is_the_module_of_that_name() -> None:
    assert SIP.correct().name == "sip"
    assert load("sip").application == SIP.name


def test_every_module_fits_the_slot_of_its_application() -> None:
    assert set(APPLICATIONS) == {SIP.name, *(each.application for each in MODULES.values())} - {""}
    assert names(SIP.name) == ["off", "sip", "sip-poor"]


def test_less_of_a_broken_message_can_be_read() -> None:
    """The parts that say where answers go count one each; what is not SIP counts nothing."""
    whole = soundness(REQUEST + HEADERS)
    assert soundness(REQUEST + HEADERS.replace(b"192.0.2.1:5060", b"192.0.2.1:x")) == whole - 1
    assert soundness(b"GET / HTTP/1.1\r\n\r\n") == 0


def test_a_stream_of_other_bytes_is_refused_by_the_exception_that_is_declared() -> None:
    try:
        SIP.frame(b"GET / HTTP/1.1\r\n\r\n")
    except SIP.not_a_message as reason:
        assert str(reason)
    else:
        raise AssertionError("HTTP was taken for SIP")
