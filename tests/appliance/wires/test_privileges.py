"""After `give_up` a process can neither do more than its user, nor get it back."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from appliance.wires.privileges import PRECEDENCE, Account, caller, nobody, unprivileged


def _said_by(code: str) -> str:
    """In a process of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_whoever_carries_packets_runs_before_others_where_that_is_allowed() -> None:
    """Nothing happens where it is not; here the kernel says which."""
    code = "import os; from appliance.wires.privileges import PRECEDENCE, go_first; go_first()"
    code += "; print(os.nice(0) - PRECEDENCE, os.geteuid())"
    niceness, user = map(int, _said_by(code).split())
    if user == 0:
        assert niceness == os.nice(0)
    else:
        assert niceness in (os.nice(0), os.nice(0) - PRECEDENCE)


@pytest.mark.parametrize(("leads", "nice"), [("os.setsid(); ", PRECEDENCE), ("", 0)])
def test_a_session_of_its_own_runs_before_others_as_a_whole(leads: str, nice: int) -> None:
    """Niceness alone says nothing to other sessions, sched(7) "The autogroup feature"; a session
    that is somebody else's stays as it is."""
    code = f"import json, os; {leads}from appliance.wires.privileges import SESSION, go_first; "
    code += "look = lambda: SESSION.read_text().strip() if SESSION.exists() else ''; "
    code += "before = look(); go_first(); print(json.dumps([before, look(), os.geteuid()]))"
    before, after, user = json.loads(_said_by(code))
    if not before:  # a kernel without autogroups, or a control group that stands in their place
        assert not after
    else:
        assert after.split()[-1] == (str(nice) if user == 0 and nice else before.split()[-1])


def test_every_capability_is_gone_and_stays_gone() -> None:
    """In a process of its own, since there is no way back."""
    look = "print(open('/proc/self/status').read())"
    code = f"from appliance.wires.privileges import give_up; give_up(); {look}"
    status = _said_by(code)
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(facts[name], 16) == 0
    assert facts["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize(
    ("uid", "environment", "called", "becomes"),
    [
        (1000, {}, None, None),
        (1000, {"SUDO_UID": "1001", "SUDO_GID": "100"}, None, None),
        (0, {}, None, nobody()),
        (0, {"SUDO_UID": "1001", "SUDO_GID": "100"}, Account(1001, 100), Account(1001, 100)),
        (0, {"SUDO_UID": "1001"}, Account(1001, -1), Account(1001, nobody().gid)),
        (0, {"SUDO_UID": "0", "SUDO_GID": "0"}, Account(0, 0), nobody()),
        (0, {"SUDO_UID": "root", "SUDO_GID": "²"}, None, nobody()),
    ],
)
def test_root_becomes_the_caller_of_sudo_or_else_nobody(
    monkeypatch: pytest.MonkeyPatch,
    uid: int,
    environment: dict[str, str],
    called: Account | None,
    becomes: Account | None,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert caller() == called
    assert unprivileged() == becomes
