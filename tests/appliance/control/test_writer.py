"""Who writes a capture down: frames in, a file out, and a word about how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.control.frames import LENGTH, Frame, encode
from appliance.control.writer import GONE, heading_of, open_file, write
from appliance.forensics.messages.capture import frames
from appliance.journal.events import Started
from tests.support.packets import A, R, assert_sound, udp

SETTINGS = {"capture.bytes": 1 << 20, "capture.files": 1}
STARTED = Started(wall=0.0, name="lab", mode="appliance", settings=SETTINGS)
DATA = udp(f"{A}:4000", f"{R}:5000", b"x" * 3000)
PACKET = Frame(1.0, 1, True, 7, DATA, False, 1000, ("why",), (0, 2))


class Connection:
    """Stands for a client: what the appliance sends, and what it is told."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = bodies
        self.told: list[object] = []

    def frames(self) -> Iterator[bytes]:
        yield from self.bodies

    def tell(self, do: str, ended: str) -> None:
        assert do == "capture"
        self.told.append(ended)


def body(frame: Frame) -> bytes:
    return encode(frame)[LENGTH:]


def test_a_super_packet_is_cut_here_and_what_is_missing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    file = open_file(path, STARTED, pytest.fail)
    connection = Connection(body(PACKET._replace(partial=True)), b"")
    write(connection, file)  # type: ignore[arg-type]
    found = [assert_sound(frame.data).payload for frame in frames(path.read_bytes())]
    assert found == [b"x" * 1000] * 3
    assert [tally.lost for tally in file.tallies] == [0, 2]
    assert connection.told == [""]


@pytest.mark.parametrize(
    ("path", "bodies", "why"),
    [
        ("{}/call.pcapng", (body(PACKET), b""), ""),
        ("{}/call.pcapng", (body(PACKET),), GONE),
        ("/dev/full", (body(PACKET), b""), "No space left on device"),
    ],
)
def test_the_appliance_hears_why_it_ended(
    tmp_path: Path, path: str, bodies: tuple[bytes, ...], why: str
) -> None:
    connection = Connection(*bodies)
    write(connection, open_file(path.format(tmp_path), STARTED, lambda _: None))  # type: ignore[arg-type]
    assert connection.told == [why]


def test_the_ring_is_the_appliances(tmp_path: Path) -> None:
    ring = {"capture.bytes": 65_536, "capture.files": 2}
    status = {"started": {"type": "started", "wall": 0.0, "name": "lab", "mode": "appliance",
                          "settings": ring}}  # fmt: skip
    file = open_file(tmp_path / "call.pcapng", heading_of(status), pytest.fail)
    write(Connection(*[body(PACKET)] * 60, b""), file)  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "call_00003.pcapng", "call_00004.pcapng",
    ]  # fmt: skip
