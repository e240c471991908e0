"""Every profile can be used, says where its values come from, and shows what it promises."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from appliance.settings import files as config
from appliance.settings import rfc
from nat.endpoint import Endpoint
from tests.support.world import OUTSIDE, X1, X2, A, B, World, Y

NAMES = [profile["name"] for profile in config.list_profiles()]
OF_THE_ISSUE = {
    "rfc4787", "linux", "cone-full", "cone-restricted", "cone-port-restricted", "symmetric", "cgn",
}  # fmt: skip
OF_DEVICES = {
    "mikrotik-routeros", "pfsense", "vpp", "pktkit", "common-router", "firebrick-fb2700",
    "fortigate", "cisco-asa", "cisco-ios", "sonicos", "check-point-firewall-1", "check-point-none",
    "speedtouch-780", "speedtouch-780-alg-off", "poor-quality", "technicolor", "fortigate-like",
    "junos-like", "siproxd-like",
}  # fmt: skip


def lines_of(name: str) -> list[str]:
    text = (
        files("appliance.settings").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    )
    return text.splitlines()


def test_nothing_is_missing() -> None:
    assert set(NAMES) >= OF_THE_ISSUE | OF_DEVICES


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_has_a_title_and_acts(name: str) -> None:
    table = tomllib.loads("\n".join(lines_of(name)))
    assert table["title"]
    assert table["about"].endswith(".")
    assert World(profile=name).out(A, X1)


def test_every_value_has_its_source() -> None:
    for name in NAMES:
        for line in lines_of(name):
            is_value = "=" in line and not line.startswith(("title", "about", "#"))
            assert not is_value or " # " in line, f"{name}: {line}"


@pytest.mark.parametrize(
    ("name", "unanswered", "answered"),
    [
        ("linux", 30, 120),
        ("mikrotik-routeros", 10, 180),
        ("pfsense", 60, 60),
        ("vpp", 300, 300),
        ("pktkit", 60, 60),
        ("firebrick-fb2700", 150, 150),
        ("fortigate", 180, 180),
        ("cisco-asa", 120, 120),
        ("cisco-ios", 300, 300),
        ("sonicos", 30, 30),
    ],
)
def test_how_long_udp_lives_behind_a_device(name: str, unanswered: float, answered: float) -> None:
    """The numbers that a phone's keep-alive must undercut."""
    for seconds, is_answered in ((unanswered, False), (answered, True)):
        for offset, is_open in ((-0.5, True), (0.5, False)):
            world = World(profile=name)
            external = world.out(A, X1)
            if is_answered:
                world.into(X1, external)
            world.wait(seconds + offset)
            assert world.lets_in(X1, external) is is_open


@pytest.mark.parametrize(
    ("name", "one_port", "x2", "y"),
    [
        ("cone-full", True, True, True),
        ("cone-restricted", True, True, False),
        ("cone-port-restricted", True, False, False),
        ("symmetric", False, False, False),
        ("pfsense", False, False, False),
        ("linux", True, False, False),
        ("mikrotik-routeros", True, False, False),
    ],
)
def test_what_a_stun_client_would_call_it(name: str, one_port: bool, x2: bool, y: bool) -> None:
    """RFC 3489's names: one port for all remotes? and who else may send to it?"""
    world = World(profile=name)
    external = world.out(A, X1)
    assert (world.lets_in(X2, external), world.lets_in(Y, external)) == (x2, y)
    if name == "linux":
        world.wait(31.0)  # what came unasked has taken its port away
        external = world.out(A, X1)
    assert ({external, world.out(A, X2), world.out(A, Y)} == {external}) is one_port


def test_linux_looks_symmetric_to_two_hosts_that_punch_holes() -> None:
    """A packet that comes too early takes the port away from its own sender, for 30 seconds."""
    world = World(profile="linux")
    usual = world.out(A, Y)
    assert usual.port == A.port
    world.refuses(OUTSIDE, world.made(X1, usual, None))
    assert world.out(A, X1).port != usual.port
    assert world.out(A, X2) == usual
    world = World(profile="linux")
    world.refuses(OUTSIDE, world.made(X1, usual, None))
    world.wait(31.0)
    assert world.out(A, X1) == usual


def test_linux_keeps_a_port_that_another_host_uses_towards_somebody_else() -> None:
    world = World(profile="linux")
    assert world.out(A, X1) == world.out(B, Y)
    assert world.out(B, X1).port != A.port


@pytest.mark.parametrize("name", ["rfc4787", "cgn"])
def test_profiles_of_standards_meet_every_must(name: str) -> None:
    settings = World(profile=name).engine.settings
    unmet = {row["id"] for row in rfc.report(settings) if not row["met"]}
    musts = {each.id for each in rfc.requirements() if each.level.startswith("MUST")}
    assert unmet & musts == {"RFC6888-REQ-9"}


def test_the_profile_of_rfc_4787_meets_all_of_rfc_4787() -> None:
    settings = World(profile="rfc4787").engine.settings
    assert all(row["met"] for row in rfc.report(settings) if str(row["id"]).startswith("RFC4787"))


@pytest.mark.slow
def test_a_subscriber_of_the_cgn_has_so_many_ports_and_no_more() -> None:
    world = World({"nat.limits.new_flows_per_second_per_host": 0}, profile="cgn")
    for port in range(2000, 3000):
        world.out(Endpoint(A.address, port), X1)
        world.into(X1, world.out(Endpoint(A.address, port), X1))
    world.put(OUTSIDE.other, world.made(Endpoint(A.address, 3000), X1, None))
    assert world.take(OUTSIDE.other).icmp == (3, 1)
    assert world.out(B, X1)
