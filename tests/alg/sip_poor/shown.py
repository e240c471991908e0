"""Is there a test for each fault of a file?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alg.fault import Faults


class Row(NamedTuple):
    """`message` goes out or into through the correct ALG and through one with `fault`: the lines
    that differ (`conftest.Pair`). None differ where the fault must leave a message alone."""

    fault: str
    way: str
    message: str
    difference: str


def not_shown(faults: Faults, tests: Mapping[str, object], rows: Iterable[Row] = ()) -> list[str]:
    """The faults that no row shows at work, and that no test is named after (`test_no_sdp_…`)."""
    names = {name.removeprefix("test_").replace("_", "-") for name in tests}
    at_work = {row.fault for row in rows if row.difference}
    return [
        fault.name
        for fault in faults
        if fault.name not in at_work and not any(name.startswith(fault.name) for name in names)
    ]
