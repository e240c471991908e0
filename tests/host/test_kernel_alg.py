"""The kernel's own SIP ALG beside ours: the same messages, compared byte for byte.

Where the two differ, `tests/golden/kernel/differences.toml` says so and why; a difference that is
not there fails here, and so does one that is there and not true any more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from appliance.wires.netns import CommandError
from tests.golden.differences import comparable, differences, other_lines, ours
from tests.golden.pairs import Pair
from tests.host.kernel import KernelAlg, kernel_alg

pytestmark = pytest.mark.host

COMPARED = comparable()


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelAlg]:
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(kernel_alg())
        except (AssertionError, CommandError) as error:
            pytest.skip(f"no SIP helper in this kernel: {str(error).strip().splitlines()[-1]}")
        yield made


@pytest.mark.parametrize("pair", COMPARED, ids=[pair.name for pair in COMPARED])
def test_the_kernel_does_the_same_or_the_difference_is_known(kernel: KernelAlg, pair: Pair) -> None:
    message, expectations = ours(pair)
    arrives = {name: lines for each in differences() for name, lines in each.arrives.items()}
    opens = {name: lines for each in differences() for name, lines in each.opens.items()}
    arrived = kernel.carry(pair)
    if pair.name not in arrives:
        assert arrived == message
    elif arrives[pair.name] is None:
        assert arrived is None
    else:
        assert arrived is not None
        assert other_lines(arrived, message) == arrives[pair.name]
    assert kernel.expectations() == opens.get(pair.name, expectations)


def test_a_difference_is_about_pairs_that_there_are() -> None:
    named = {name for each in differences() for name in (*each.arrives, *each.opens)}
    assert named <= {pair.name for pair in COMPARED}
