"""What every test may rely on: host tests that cannot run say why, and CI accepts no skip.

Tests may run on two processors (`pytest -n 2 --dist worksteal -m "not host"`, or `--half 1` beside
`--half 2`), but for those that drive the real appliance: they use up the machine, and some measure
it.

Properties are tried with a few examples each, the same ones every time, so that everybody runs all
tests and a failure is due to the change under test; and with many new ones when
`HYPOTHESIS_PROFILE=long` is set.
"""

from __future__ import annotations

import gc
import os
import shutil
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("short", max_examples=30, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--half",
        type=int,
        choices=(1, 2),
        help="only every second file of tests, from the first or the second on: for two processors",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--half`, what the other process has. Files that stand together, and cost about the
    same, are dealt in turn."""
    half = config.getoption("half")
    if half is None or not collection_path.match("test_*.py"):
        return None
    files = _files_of_tests()
    return (collection_path in files and files[collection_path] % 2 != half - 1) or None


@cache
def _files_of_tests() -> dict[Path, int]:
    """All of them by their number."""
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    return {path: number for number, path in enumerate(files)}


def _obstacle(item: pytest.Item) -> str:
    """Why a test marked `host` or `needs` cannot run here, or nothing."""
    if item.get_closest_marker("host") and os.geteuid() != 0:
        return "needs root: network namespaces and TUN devices"
    if item.get_closest_marker("host") and not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    programs = [word for marker in item.iter_markers("needs") for word in marker.args]
    missing = [program for program in programs if shutil.which(program) is None]
    return f"needs {', '.join(missing)}, which is not installed" if missing else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        obstacle = _obstacle(item)
        if obstacle:
            item.add_marker(pytest.mark.skip(reason=obstacle))


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: the collector need not look at them again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = len(terminalreporter.stats.get("skipped", []))
    if skipped and os.environ.get("GLASSNAT_SKIPS_FAIL"):
        terminalreporter.write_line(f"{skipped} skipped: counted as failures", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skips = reporter.stats.get("skipped") if reporter else None
    if skips and os.environ.get("GLASSNAT_SKIPS_FAIL") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
