"""After `give_up` a process can neither do more than its user, nor get it back."""

from __future__ import annotations

import subprocess
import sys


def test_every_capability_is_gone_and_stays_gone() -> None:
    """In a process of its own, since there is no way back."""
    look = "print(open('/proc/self/status').read())"
    code = f"from appliance.privileges import give_up; give_up(); {look}"
    status = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(facts[name], 16) == 0
    assert facts["NoNewPrivs"].strip() == "1"
