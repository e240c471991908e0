"""When the appliance ends by a fault of its own, it says so in a sentence, and what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from appliance.wires.ceiling import MIB, Fault, bytes_for, faults_explained
from appliance.wires.wire import WireGone


@pytest.mark.parametrize(
    ("given", "flows", "mebibytes"),
    [(0, 65_536, 512), (0, 1_000_000, 4162), (300 * MIB, 1_000_000, 300), (1, 65_536, 64)],
)
def test_the_ceiling_follows_the_flows_there_may_be_unless_it_is_given(
    given: int, flows: int, mebibytes: int
) -> None:
    assert bytes_for(given, flows) // MIB == mebibytes


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("flow"), "KeyError: 'flow'; start it again, and report it"),
        (OSError(28, "No space left"), "OSError: [Errno 28] No space left; start it again"),
        (RecursionError("too deep"), "RecursionError: too deep; start it again"),
    ],
)
def test_any_mistake_of_ours_is_a_sentence_and_exit_1(error: Exception, said: str) -> None:
    with pytest.raises(Fault) as caught, faults_explained(512 * MIB):
        raise error
    assert str(caught.value).startswith("the appliance has ended by a fault of its own: " + said)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)


def test_a_wire_that_has_gone_is_no_fault_of_ours() -> None:
    with pytest.raises(WireGone), faults_explained(512 * MIB):
        raise WireGone("the device gn-in has gone away")


def test_who_looks_for_the_place_gets_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GLASSNAT_DEBUG", "1")
    with pytest.raises(Fault), faults_explained(512 * MIB):
        raise KeyError("flow")
    assert "test_ceiling.py" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "taken"),
    [("little by little", "bytes(1000)"), ("at once", "bytes(1 << 30)")],
)
def test_more_memory_than_the_ceiling_is_a_sentence_that_names_the_settings(
    how: str, taken: str
) -> None:
    """In a process of its own, whose limit cannot be raised again."""
    code = (
        "from appliance.wires.ceiling import MIB, Ceiling, Fault, faults_explained\n"
        "kept, ceiling = [], Ceiling(128 * MIB)\n"
        "try:\n"
        "    with faults_explained(128 * MIB):\n"
        "        while True:\n"
        f"            kept.append({taken})\n"
        "            ceiling.check()\n"
        "except Fault as fault:\n"
        "    print(fault)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "the appliance has ended by a fault of its own: it needed more memory than its ceiling of "
        "128 MiB; start it again with a larger process.memory or a smaller nat.limits.flows\n"
    )
