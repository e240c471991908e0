"""What is made is written down before, and read again after whatever happened."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from appliance.namespaces.between.record import (
    AlreadyUp,
    Facts,
    Record,
    Trace,
    names,
    path_of,
    read,
)
from tests.support.programs import until

FACTS = Facts("lab", "br-in", "br-out", "/run/glassnat/lab.sock")
ONE, TWO, THREE = (Trace("port", name) for name in ("one", "two", "three"))

pytestmark = pytest.mark.usefixtures("folder")


def test_what_was_expected_is_read_again_in_its_order() -> None:
    record = Record.begin(FACTS)
    record.expect(ONE, TWO)
    record.expect(THREE)
    assert read("lab") == (FACTS, [ONE, TWO, THREE])
    record.close()
    again = Record.open("lab")
    assert again is not None
    assert again.traces() == [ONE, TWO, THREE]
    again.end()


def test_what_was_not_made_is_not_undone() -> None:
    """It is somebody else's."""
    record = Record.begin(FACTS)
    record.expect(ONE)
    record.expect(TWO, THREE)
    record.withdraw()
    assert record.traces() == [ONE]
    record.end()


def test_two_of_one_name_cannot_be() -> None:
    record = Record.begin(FACTS)
    with pytest.raises(AlreadyUp, match="glassnat down lab") as refused:
        Record.begin(FACTS)
    assert refused.value.exit_code == 4
    record.end()


def test_it_is_gone_when_nothing_is_left() -> None:
    assert names() == []
    record = Record.begin(FACTS)
    assert names() == ["lab"]
    record.end()
    assert names() == []
    assert Record.open("lab") is None
    assert read("lab")[1] == []


@pytest.mark.parametrize("kept", [0, 1, 30])
def test_a_line_that_was_cut_off_says_nothing(kept: int) -> None:
    """What it was about was not begun."""
    Record.begin(FACTS).close()
    with path_of("lab").open("ab") as file:
        file.write(b'[["port", "one", ""]]\n' + b'[["namespace", "two", "and-so-on"]]\n'[:kept])
    assert read("lab")[1] == [ONE]
    path_of("lab").write_bytes(b'{"name": "la')
    assert read("lab") == (Facts("lab", "", "", ""), [])


def test_whoever_comes_waits_until_the_other_is_done(folder: Path) -> None:
    """Also for a command of a killed `up`, which has inherited the lock; and when that has taken
    all away, there is nothing to do."""
    record = Record.begin(FACTS)
    command = os.dup(record.lock)
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(Record.open("lab")))
    waiting.start()
    until(lambda: _opened(record.path) == 3)  # ours, the command's, and that of who waits
    record.end()
    waiting.join(0.05)
    assert waiting.is_alive()
    os.close(command)
    waiting.join()
    assert found == [None]


def _opened(path: Path) -> int:
    """How often this process has it open."""
    links = (os.path.realpath(each) for each in Path("/proc/self/fd").iterdir())
    return sum(each == str(path) for each in links)
