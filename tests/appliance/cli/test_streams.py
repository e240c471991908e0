"""The standard streams of a program that somebody has started with some of them closed.

(What each command then says is in `test_init.py`.)
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sweep import sampled

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import os, sys
from appliance.cli import streams
streams.prepare()
opened = os.open("/dev/null", os.O_RDONLY)
os.write(int(sys.argv[1]), f"{opened > 2} {sys.stdin is not None}".encode())
"""


@pytest.mark.parametrize("closed", sampled(["<&- >&- 2>&-", "<&-", ">&-", "2>&-"], 4))
def test_no_file_gets_the_number_of_a_closed_stream(closed: str) -> None:
    """What is printed would go into it: into a device, or to a client."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as answer:
        subprocess.run(
            ["sh", "-c", f'exec "$0" -c "$1" {writer} {closed}', sys.executable, SCRIPT],
            pass_fds=[writer],
            cwd=ROOT,
            check=True,
            timeout=60,
        )
        os.close(writer)
        assert answer.read() == "True True"
