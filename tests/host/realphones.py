"""Real phones in alice's place: commands for `glassnat lab check --party alice=…`."""

from __future__ import annotations

import shlex
import wave
from math import pi, sin
from pathlib import Path
from struct import pack

SCENARIOS = Path(__file__).parent / "sipp"
ALICE = "192.168.20.100"
SECONDS = 20
"""Of tone: longer than any test."""
BARESIP = """
poll_method epoll
sip_listen {alice}:5060
module_path /usr/lib/baresip/modules
module stdio.so
module aufile.so
module g711.so
module_tmp account.so
module_app menu.so
audio_source aufile,{folder}/tone.wav
audio_player aufile,{folder}/heard.wav
audio_alert aufile,/dev/null
net_interface {interface}
"""


def baresip(folder: Path, *acts: tuple[float, str], interface: str = "gn-in") -> str:
    """baresip registers, takes every call, and sends a tone; beside that somebody types `acts`, at
    so many seconds each. It ends with its standard input, or as told by `/quit`."""
    folder.mkdir()
    (folder / "config").write_text(BARESIP.format(folder=folder, alice=ALICE, interface=interface))
    account = "<sip:alice@203.0.113.9>;regint=60;audio_codecs=PCMU;answermode=auto\n"
    (folder / "accounts").write_text(account)
    (folder / "contacts").write_text("")
    with wave.open(str(folder / "tone.wav"), "wb") as tone:
        tone.setparams((1, 2, 8000, 0, "NONE", ""))
        period = b"".join(pack("<h", round(8000 * sin(2 * pi * n / 20))) for n in range(20))
        tone.writeframes(period * (400 * SECONDS))
    lines, now = list[str](), 0.0
    end = () if acts and acts[-1][1] == "/quit" else ((float(SECONDS), "/quit"),)
    for at, typed in (*acts, *end):
        lines += [f"sleep {at - now}", f"echo {typed}"]
        now = at
    script = folder / "phone.sh"
    script.write_text(f"({'; '.join(lines)}) | baresip -4 -f {folder}\n")
    return f"sh {script}"


def sipp(folder: Path) -> str:
    """SIPp calls bob and hangs up, and sends audio to where his session description says."""
    folder.mkdir()
    (folder / "audio.ulaw").write_bytes(b"\xff" * 8000)
    command = (
        "sipp", "203.0.113.9:5060", "-sf", str(SCENARIOS / "call.xml"), "-s", "bob", "-m", "1",
        "-i", ALICE, "-mi", ALICE, "-p", "5060", "-nostdin",
    )  # fmt: skip
    return f"sh -c {shlex.quote(f'cd {folder} && exec {shlex.join(command)}')}"
