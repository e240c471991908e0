"""The command line as a function: arguments in, exit code and both streams out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from appliance.cli import main
from appliance.control import paths
from appliance.engine import Engine
from appliance.journal.events import Started
from appliance.journal.log import EventLog
from appliance.settings import files as config
from nat.endpoint import Side
from nat.packet import Packet
from tests.appliance.cli.served import Appliance


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def glassnat(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def run(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in err
        return Answer(ended.value.code, out, err)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path / "root")
    monkeypatch.setenv("SUDO_USER", "alice")
    return tmp_path / "glassnat"


@pytest.fixture
def appliance(folder: Path, udp_packet: Packet) -> Iterator[Appliance]:
    engine = Engine(config.defaults(), "lab", "appliance", EventLog(0.0))
    engine.log.emit(Started(wall=0.0, name="lab", mode="appliance"), 0.0)
    assert engine.handle(udp_packet, Side.INSIDE, 5.0)
    appliance = Appliance(folder / "lab.sock", engine)
    appliance.start()
    yield appliance
    appliance.stopping = True
    appliance.join()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "lab.toml"
    path.write_text(config.sample())
    return str(path)
