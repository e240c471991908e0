"""Real phones through the ALG: SIPp inside is a naive phone, SIPp outside a registrar and a peer
that fix nothing. They send audio to where the SDP says, and calls to where the Contact says.

What arrives is counted on the wires by tcpdump and judged by tshark, not by the phones.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab import EXTERNAL, PHONE, SERVER, Appliance, Lab, capture, tshark, verified
from tests.support.programs import PHONES, Program, run_in, until

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ethtool", "tcpdump", "tshark", "sipp")]

SCENARIOS = PHONES / "sipp"
SILENCE = b"\xff" * 8000
"""A second of G.711."""
ENOUGH = 30
"""RTP packets: a second of audio is 50 of them."""


class Sipp:
    """One SIPp: a role played once. What it logs is in `log`."""

    def __init__(
        self, folder: Path, namespace: str, address: str, scenario: str, *options: str
    ) -> None:
        self.log_file = folder / f"{scenario}-{address}.log"
        (folder / "audio.ulaw").write_bytes(SILENCE)
        self.program = Program(
            namespace,
            ["sipp", *options, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", address,
             "-mi", address, "-p", "5060", "-m", "1", "-nostdin", "-timeout", "15s",
             "-timeout_error", "-trace_logs", "-log_file", str(self.log_file),
             "-trace_err", "-error_file", str(folder / f"{scenario}-{address}.err")],
            folder=folder,
        )  # fmt: skip

    def succeeded(self) -> bool:
        return self.program.finish() == 0

    @property
    def log(self) -> str:
        return self.log_file.read_text().strip()


def play(waiting: Sipp, calling: Sipp) -> None:
    """Both roles to their end; a failure shows what both said."""
    try:
        calling_succeeded, waiting_succeeded = calling.succeeded(), waiting.succeeded()
        said = f"{calling.program.text}\n{waiting.program.text}"
        assert calling_succeeded, said
        assert waiting_succeeded, said
    finally:
        calling.program.stop()
        waiting.program.stop()


def wait_until_bound(namespace: str) -> None:
    """Until a SIPp listens on port 5060."""
    until(lambda: ":5060" in run_in(namespace, "ss", "-unlH"))


class Telephony:
    """A phone inside and a peer outside, with captures of what passes on both wires."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.inside = lab.folder / "inside.pcap"
        self.outside = lab.folder / "outside.pcap"

    def register(self) -> tuple[str, str]:
        """What the phone and the registrar believe the phone's Contact to be."""
        registrar = self._outside("registrar")
        wait_until_bound(self.lab.server)
        phone = self._inside("register", f"{SERVER}:5060", "-s", "alice")
        play(registrar, phone)
        return phone.log, registrar.log

    def call_out(self) -> None:
        with self._captures():
            callee = self._outside("answer")
            wait_until_bound(self.lab.server)
            play(callee, self._inside("call", f"{SERVER}:5060", "-s", "bob"))

    def call_in(self, contact: str) -> None:
        """Call the phone by the Contact that the registrar believes."""
        user, _, target = contact.removeprefix("sip:").partition("@")
        with self._captures():
            phone = self._inside("answer")
            wait_until_bound(self.lab.phones)
            play(phone, self._outside("call", target, "-s", user))

    @contextlib.contextmanager
    def _captures(self) -> Iterator[None]:
        with (
            capture(self.lab.phones, "gn-in", self.inside),
            capture(self.lab.server, "to-world", self.outside),
        ):
            yield

    def _inside(self, scenario: str, *options: str) -> Sipp:
        return Sipp(self.lab.folder, self.lab.phones, PHONE, scenario, *options)

    def _outside(self, scenario: str, *options: str) -> Sipp:
        return Sipp(self.lab.folder, self.lab.server, SERVER, scenario, *options)

    def audio(self, file: Path, source: str, destination: str) -> int:
        """G.711 packets of 20 ms from one address to another in a capture."""
        route = f"ip.src == {source} and ip.dst == {destination}"
        return len(tshark(file, f"{route} and udp.length == 180 and not icmp"))


@pytest.fixture
def telephony(lab: Lab) -> Telephony:
    return Telephony(lab)


@pytest.fixture(params=[True, False], ids=["offload", "plain"])
def with_sip(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Appliance]:
    with lab.appliance("--alg", "sip", offload=request.param) as appliance:
        yield appliance


@pytest.fixture
def with_off(lab: Lab) -> Iterator[Appliance]:
    with lab.appliance("--alg", "off") as appliance:
        yield appliance


def test_off_the_registrar_believes_the_private_address(
    telephony: Telephony, with_off: Appliance
) -> None:
    """Calls for this phone would be sent to an address that means nothing outside."""
    _, believed = telephony.register()
    assert believed == f"sip:alice@{PHONE}:5060"


def test_off_the_audio_from_outside_is_sent_to_the_private_address(
    telephony: Telephony, with_off: Appliance
) -> None:
    """One-way audio: the callee hears the caller, and talks to nobody."""
    telephony.call_out()
    assert telephony.audio(telephony.outside, EXTERNAL, SERVER) >= ENOUGH
    assert telephony.audio(telephony.outside, SERVER, PHONE) >= ENOUGH
    assert telephony.audio(telephony.inside, SERVER, PHONE) == 0


def test_sip_the_registrar_believes_an_address_that_works_and_the_phone_sees_its_own(
    telephony: Telephony, with_sip: Appliance
) -> None:
    seen_by_phone, believed = telephony.register()
    assert believed == f"sip:alice@{EXTERNAL}:5060"
    assert seen_by_phone == f"sip:alice@{PHONE}:5060"


def test_sip_a_call_out_is_heard_both_ways(telephony: Telephony, with_sip: Appliance) -> None:
    telephony.call_out()
    heard_both_ways(telephony)
    nothing_private_outside(telephony)


def test_sip_a_call_in_is_heard_both_ways(telephony: Telephony, with_sip: Appliance) -> None:
    """The caller dials what the registrar believed."""
    _, believed = telephony.register()
    telephony.call_in(believed)
    heard_both_ways(telephony)
    nothing_private_outside(telephony)


def heard_both_ways(telephony: Telephony) -> None:
    assert telephony.audio(telephony.outside, EXTERNAL, SERVER) >= ENOUGH
    assert telephony.audio(telephony.inside, SERVER, PHONE) >= ENOUGH


PRIVATE = re.compile(rb"192\.168\.\d+\.\d+")


def nothing_private_outside(telephony: Telephony) -> None:
    """No packet and no message outside names an inside address, but for the Call-ID, which is an
    identifier and must not be touched (RFC 5853 3.3 tells what happens otherwise)."""
    assert verified(telephony.outside) > 2 * ENOUGH
    assert tshark(telephony.outside, "ip.addr == 192.168.0.0/16") == []
    messages = [bytes.fromhex(row[0]) for row in tshark(telephony.outside, "sip", "udp.payload")]
    assert len(messages) >= 6
    for message in messages:
        lines = message.split(b"\r\n")
        assert [line for line in lines if PRIVATE.search(line) and b"Call-ID" not in line] == []


def test_pinholes_close_with_the_call(telephony: Telephony, with_sip: Appliance) -> None:
    telephony.call_out()
    assert with_sip.show("expectations") == []


def test_the_module_changes_between_two_calls_of_a_running_appliance(
    telephony: Telephony, with_off: Appliance
) -> None:
    """Also for the flow that exists: the phone's signalling stays on the same one."""
    telephony.call_out()
    assert telephony.audio(telephony.inside, SERVER, PHONE) == 0
    with_off.ask("set", "alg.sip.module", "sip")
    telephony.call_out()
    heard_both_ways(telephony)


def test_every_message_is_told_with_its_changes(telephony: Telephony, with_sip: Appliance) -> None:
    """Each rewritten message is in the events, with a reason for each change."""
    telephony.register()
    counters = with_sip.show("counters")["alg"]["sip"]
    assert counters["seen"] == counters["rewritten"] == 2
    assert counters["errors"] == counters["malformed"] == 0
