"""Live captures of the real appliance: what Wireshark finds in them, and what ends them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.lab import (
    EXTERNAL,
    GLASSNAT,
    PHONE,
    SERVER,
    WORLD,
    Appliance,
    Lab,
    tshark,
    verified,
)
from tests.support.programs import WITHOUT_CAPABILITIES, Program, run_in, running, until

pytestmark = [
    pytest.mark.host,
    pytest.mark.needs("ip", "ping", "iperf3", "tshark", "setpriv"),
]


def ping(lab: Lab, count: int = 3) -> None:
    run_in(lab.phones, "ping", "-c", str(count), "-i", "0.05", "-W", "2", WORLD)


def status(appliance: Appliance) -> dict[str, object]:
    answer: dict[str, object] = json.loads(appliance.ask("capture", "status", "--json"))
    return answer


def test_a_capture_named_in_the_configuration_has_both_sides_of_every_packet(
    lab: Lab, tmp_path: Path
) -> None:
    """It is whole when the appliance ends, which is no reason to lose what has passed."""
    path = tmp_path / "call.pcapng"
    with lab.appliance(more=f'[capture]\nfile = "{path}"') as appliance:
        until(lambda: status(appliance)["file"] == str(path))
        ping(lab)
    rows = tshark(path, "icmp", "frame.interface_name", "ip.src", "ip.dst", "frame.packet_id")
    sources = [(side, source) for side, source, _, _ in rows]
    assert sources.count(("inside", PHONE)) == sources.count(("outside", EXTERNAL)) == 3
    assert len({number for *_, number in rows}) == 6
    assert "glassnat 0." in path.read_bytes()[:40_000].decode("utf-8", "replace")


def test_super_packets_are_written_as_segments_with_right_checksums(
    lab: Lab, tmp_path: Path
) -> None:
    path = tmp_path / "bulk.pcapng"
    with lab.appliance() as appliance:
        appliance.ask("capture", "start", str(path))
        with running(lab.server, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
            run_in(lab.phones, "iperf3", "-c", SERVER, "-n", "4M")
        appliance.ask("capture", "stop")
        assert status(appliance)["file"] is None
        before = path.stat().st_size
        ping(lab)
        assert path.stat().st_size == before
    sizes = {int(size) for (size,) in tshark(path, "tcp", "ip.len")}
    assert max(sizes) == 1500
    assert verified(path) > 1000


def test_whoever_asks_opens_the_file_and_owns_it(lab: Lab, tmp_path: Path) -> None:
    """Root in name only may not write everywhere: the appliance's rights are of no use to it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    os.chown(closed, 65534, 65534)
    with lab.appliance() as appliance:
        command = appliance.command("capture", "start", str(closed / "call.pcapng"))
        done = subprocess.run(
            [*WITHOUT_CAPABILITIES, *command], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2
        assert "Permission denied" in done.stderr
        assert status(appliance)["file"] is None


def test_a_writer_that_is_killed_or_stopped_stops_no_packet(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    with lab.appliance() as appliance, running("", *appliance.command("watch")) as watch:
        appliance.ask("capture", "start", str(path))
        (writer,) = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _has_open(entry, path)
        ]
        os.kill(writer, signal.SIGSTOP)
        with running(lab.server, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
            run_in(lab.phones, "iperf3", "-c", SERVER, "-n", "100M")
        assert int(str(status(appliance)["lost"])) > 0
        os.kill(writer, signal.SIGKILL)
        watch.wait_for("its writer has gone away")
        ping(lab)
        appliance.ask("capture", "start", str(path))
        appliance.ask("capture", "stop")


def _has_open(process: Path, path: Path) -> bool:
    try:
        return any(os.readlink(each) == str(path) for each in (process / "fd").iterdir())
    except OSError:
        return False


def test_a_pipe_that_nobody_reads_any_more_ends_the_capture(lab: Lab) -> None:
    with lab.appliance() as appliance:
        pipe = subprocess.Popen(
            appliance.command("capture", "start", "-"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False,
        )  # fmt: skip
        assert pipe.stdout is not None
        assert pipe.stderr is not None
        assert pipe.stdout.read(4) == b"\n\r\r\n"
        pipe.stdout.close()
        until(lambda: status(appliance)["file"] is not None)
        ping(lab)
        assert pipe.wait(30) == 0
        said = pipe.stderr.read().decode()
        pipe.stderr.close()
        assert said.count("ended: Broken pipe") == 1
        ping(lab)
        assert status(appliance)["file"] is None


def test_a_file_that_is_deleted_ends_the_capture_and_nothing_else(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    with lab.appliance(more=f'[capture]\nfile = "{path}"') as appliance:
        until(lambda: status(appliance)["file"] is not None)
        path.unlink()
        ping(lab, 30)
        until(lambda: status(appliance)["file"] is None)
        ping(lab)
    assert appliance.program.text.count("the file was deleted") == 1


def test_a_file_that_cannot_be_written_is_said_at_once(lab: Lab) -> None:
    configuration = lab.write_configuration('[capture]\nfile = "/nowhere/x"')
    program = Program("", (*GLASSNAT, "run", "--config", str(configuration)))
    assert program.finish() == 2
    program.stop()
    assert "capture.file: /nowhere/x: No such file" in program.text
