"""What the appliance knows of FTP, and that it knows it from here alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from alg.base import Edit
from alg.compare import changes
from alg.ftp.application import AS_WRITTEN, FTP, soundness
from alg.ftp.correct import Ftp
from alg.ftp_poor.poor import FtpPoor

APPLIANCE = Path(__file__).parents[3] / "appliance"


@pytest.mark.parametrize(
    ("message", "sound"),
    [
        (b"PORT 192,168,20,100,156,65\r\n", 2),
        (b"USER a\r\n", 2),
        (b"PORT 192,168,20,100,156\r\n", 1),
        (b"227 Entering Passive Mode\r\n", 1),
        (b"PORT 192,168,20,100,156,65", 0),
        (b"INVITE sip:bob@203.0.113.9 SIP/2.0\r\n\r\n", 0),
        (b"", 0),
    ],
)
def test_a_message_is_as_sound_as_its_endpoint(message: bytes, sound: int) -> None:
    assert soundness(message) == sound


def test_a_place_that_should_have_stayed_has_a_reason() -> None:
    user = Edit(5, 6, b"b", "user", "my rule")
    (row,) = changes(b"USER a\r\n", FtpPoor(()), [user], Ftp(), [], FTP)
    assert (row.verdict, row.reason, row.rfc) == ("wrong", *AS_WRITTEN)


def test_its_correct_module_reads_it() -> None:
    correct = FTP.correct()
    assert isinstance(correct, Ftp)
    assert correct.application == FTP.name


@pytest.mark.parametrize("place", ["gateway", "datapath.py", "engine.py"])
def test_nothing_that_carries_its_messages_names_it(place: str) -> None:
    """A module brings everything that is its own."""
    root = APPLIANCE / place
    files = [root] if root.is_file() else sorted(root.glob("*.py"))
    assert files
    assert [path.name for path in files if "ftp" in path.read_text().lower()] == []
