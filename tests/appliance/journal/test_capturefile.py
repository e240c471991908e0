"""Captures are whole packets, whatever happens to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.forensics.messages.capture import frames
from appliance.journal.capture import Captured
from appliance.journal.capturefile import CaptureFile, Ring
from appliance.journal.events import Started
from nat.endpoint import Side
from nat.packet import Packet
from tests.support.limits import no_file_beyond
from tests.support.packets import ACK, A, R, tcp, udp

STARTED = Started(
    wall=1_735_689_600.0,
    name="lab",
    mode="simulation",
    title="A lesson",
    scenario="lesson",
    seed=3,
    settings={"nat.mapping": "address-dependent", "outside.external": ["203.0.113.1"]},
    parties={A: "alice"},
)
DATA = udp(f"{A}:4000", f"{R}:5000", b"hello")


def seen(t: float, data: bytes = DATA) -> Captured:
    return Captured(t, Side.INSIDE, False, 1, Packet.of(data), ("a comment",))


def test_the_file_begins_with_whose_packets_they_are(tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    CaptureFile(path, STARTED, pytest.fail).close()
    begun = path.read_bytes()
    for said in ("A lesson; scenario lesson, seed 3", 'nat.mapping = "address-dependent"'):
        assert said.encode() in begun
    for name in (b"\xc0\xa8\x14\x0aalice\0", b"\xcb\x00\x71\x01nat-outside\0"):
        assert name in begun


def test_a_super_packet_is_written_as_the_packets_that_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    file = CaptureFile(path, STARTED, pytest.fail)
    whole = Packet.of(tcp(f"{A}:4000", f"{R}:80", ACK, payload=bytes(2500)))
    whole.segment_size, whole.partial = 1000, True
    file.write(Captured(0.0, Side.OUTSIDE, True, 1, whole, ("one comment",)))
    file.close()
    assert [len(each.data) for each in frames(path.read_bytes())] == [1040, 1040, 540]
    assert path.read_bytes().count(b"one comment") == 1
    assert (file.tallies[Side.OUTSIDE].written, file.tallies[Side.INSIDE].written) == (3, 0)


def test_what_could_not_be_kept_is_counted_at_the_next_packet_and_in_the_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "call.pcapng"
    file = CaptureFile(path, STARTED, pytest.fail)
    file.lose(Side.INSIDE, 41)
    file.write(seen(0.0))
    file.write(seen(0.0))
    file.close()
    assert path.read_bytes().count((41).to_bytes(8, "little")) == 2
    assert file.tallies[Side.INSIDE].lost == 41


# --- what ends a capture -------------------------------------------------------------------------


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        CaptureFile(tmp_path / "nothing" / "call.pcapng", STARTED, pytest.fail)


def test_a_full_disk_ends_the_capture_with_one_warning() -> None:
    warnings: list[str] = []
    file = CaptureFile("/dev/full", STARTED, warnings.append)
    file.write(seen(0.0))
    file.write(seen(1.0))
    file.close()
    assert warnings == ["the capture in /dev/full ended: No space left on device"]


def test_half_a_packet_is_cut_off_again(tmp_path: Path) -> None:
    """A disk with room for half of the second packet: the kernel writes what fits."""
    warnings: list[str] = []
    path = tmp_path / "call.pcapng"
    file = CaptureFile(path, STARTED, warnings.append)
    file.write(seen(0.0))
    whole = path.stat().st_size
    with no_file_beyond(whole + 30):
        file.write(seen(1.0))
        file.write(seen(2.0))
    assert path.stat().st_size == whole
    assert warnings == [f"the capture in {path} ended: no space left"]


def test_a_deleted_file_ends_the_capture_at_the_next_look(tmp_path: Path) -> None:
    """What is written to a file without a name is lost, and takes room on the disk all the same."""
    warnings: list[str] = []
    path = tmp_path / "call.pcapng"
    file = CaptureFile(path, STARTED, warnings.append)
    file.write(seen(0.0))
    path.unlink()
    for moment in (0.5, 1.5, 2.5):
        file.write(seen(moment))
    assert warnings == [f"the capture in {path} ended: the file was deleted"]
    assert file.tallies[Side.INSIDE].written == 2


def test_a_file_becomes_no_longer_than_it_may(tmp_path: Path) -> None:
    warnings: list[str] = []
    path = tmp_path / "call.pcapng"
    file = CaptureFile(path, STARTED, warnings.append, Ring(2000))
    for number in range(100):
        file.write(seen(float(number)))
    file.close()
    assert 1000 < path.stat().st_size <= 2000
    assert len([*frames(path.read_bytes())]) == file.tallies[Side.INSIDE].written
    (warning,) = warnings
    assert "as long as it may be (2000 bytes, capture.bytes)" in warning


# --- a ring of files -----------------------------------------------------------------------------


def test_of_a_ring_the_newest_files_stay_each_whole(tmp_path: Path) -> None:
    file = CaptureFile(tmp_path / "call.pcapng", STARTED, pytest.fail, Ring(2000, 3))
    for number in range(60):
        file.write(seen(float(number)))
    file.close()
    kept = sorted(path.name for path in tmp_path.iterdir())
    last = int(kept[-1][5:10])
    assert last > 3
    assert kept == [f"call_{number:05}.pcapng" for number in (last - 2, last - 1, last)]
    for name in kept:
        data = (tmp_path / name).read_bytes()
        assert len(data) <= 2000
        assert b"alice" in data
        assert [*frames(data)]


def test_a_ring_whose_folder_is_gone_ends_with_one_warning(tmp_path: Path) -> None:
    warnings: list[str] = []
    folder = tmp_path / "captures"
    folder.mkdir()
    file = CaptureFile(folder / "call.pcapng", STARTED, warnings.append, Ring(2000, 3))
    file.write(seen(0.0))
    (folder / "call_00001.pcapng").unlink()
    folder.rmdir()
    for _ in range(40):
        file.write(seen(0.0))
    file.close()
    assert len(warnings) == 1
