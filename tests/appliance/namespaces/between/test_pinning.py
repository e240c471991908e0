"""The filter of one port, one address. (What it drops: `tests/host/test_up_options.py`.)"""

from __future__ import annotations

from appliance.namespaces.between import pinning


def test_it_is_one_command_in_the_namespace_alone() -> None:
    """A person can read it, and paste it: one line, nothing but nft."""
    command = pinning.step("room").command
    assert command[:5] == ("ip", "netns", "exec", "room", "nft")
    (rules,) = command[5:]
    assert "\n" not in rules
    assert 'device "to-bridge"' in rules


def test_what_is_remembered_is_bounded_and_forgotten() -> None:
    rules = pinning.step("room").command[-1]
    assert rules.count(f"size {pinning.REMEMBERED}") == rules.count("timeout 1h;") == 2
