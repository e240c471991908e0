"""The table of settings, and what may be changed while packets flow."""

from __future__ import annotations

import pytest

from appliance.settings.table import SETTINGS, SettingError, Settings, nearest_key
from nat.behavior import Dependence, Forward, PortPolicy
from nat.endpoint import UDP, Endpoint, parse_address


def running() -> Settings:
    settings = Settings()
    settings.assign("inside.networks", ["192.168.20.0/24"], "FILE")
    settings.assign("outside.external", ["203.0.113.1"], "FILE")
    assert settings.complete() == []
    return settings


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("nat.mapping", "endpoint-independent"),
        ("nat.filtering", "address-dependent"),
        ("nat.timeouts.udp", 300.0),
        ("nat.timeouts.udp_unanswered", 120.0),
        ("nat.timeouts.tcp_established", 7440.0),
        ("nat.timeouts.udp_by_port", {53: 30.0}),
        ("nat.limits.flows", 65536),
        ("alg.sip.module", "off"),
        ("alg.sip.timeout", "auto"),
        ("alg.ftp.module", "off"),
        ("alg.ftp.ports", [21]),
        ("alg.dns.module", "off"),
        ("inside.device", "gn-in"),
        ("nat.port_range", [1024, 65535]),
    ],
)
def test_the_defaults_are_as_documented(key: str, default: object) -> None:
    assert Settings().written(key) == default


def test_what_is_written_may_be_changed_without_changing_the_settings() -> None:
    settings = Settings()
    settings.written("alg.sip.ports").append(1)
    settings.values["alg.sip.ports"].append(1)
    settings.section("nat.timeouts")["udp_by_port"][7] = 1.0
    with pytest.raises(TypeError):
        settings.values["alg.sip.ports"] = [1]  # type: ignore[index]
    assert settings.written("alg.sip.ports") == SETTINGS["alg.sip.ports"].default == [5060]
    assert settings["nat.timeouts.udp_by_port"] == {53: 30.0}


def test_a_copy_is_changed_alone() -> None:
    settings = running()
    copy = settings.copy()
    copy.assign("nat.ports", "random", "set")
    assert settings["nat.ports"] is PortPolicy.PRESERVE
    assert settings.origins["nat.ports"] == "default"


def test_a_section_is_read_without_its_name() -> None:
    section = Settings().section("alg.sip")
    assert section["module"] == "off"
    assert section["media_peers"] == "signalling"


def test_a_value_is_there_for_the_program_and_for_people() -> None:
    """The program works with what the value means; a file, an event and JSON have the words."""
    settings = running()
    external = Endpoint(parse_address("203.0.113.1"), 5060)
    internal = Endpoint(parse_address("192.168.20.10"), 5060)
    forward = {"protocol": "udp", "external": str(external), "internal": str(internal)}
    assert settings.assign("nat.forward", [forward], "FILE") == [forward]
    assert settings["nat.forward"] == (Forward(UDP, external, internal),)
    assert settings.written("nat.forward") == settings.values["nat.forward"] == [forward]
    assert settings["nat.mapping"] is Dependence.ENDPOINT_INDEPENDENT
    assert settings.values["nat.mapping"] == "endpoint-independent"


def test_a_change_acts_and_remembers_who_made_it() -> None:
    settings = running()
    assert settings.change("nat.timeouts.udp", "30s", "alice") == 30.0
    assert settings["nat.timeouts.udp"] == 30.0
    assert settings.origins["nat.timeouts.udp"] == "alice"


def test_one_entry_of_the_table_of_ports_can_be_changed() -> None:
    settings = running()
    settings.change("nat.timeouts.udp_by_port.123", "60s")
    assert settings["nat.timeouts.udp_by_port"] == {53: 30.0, 123: 60.0}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("nat.timeouts.udp", "5m"),
        ("nat.mapping", "endpoint-independent"),
        ("nat.timeouts.udp_by_port.53", 30),
        ("outside.external", "203.0.113.1"),
    ],
)
def test_the_value_that_is_there_already_changes_nothing(key: str, value: object) -> None:
    """The answer is the value, as after a change; where it came from stays as it was."""
    settings = running()
    before = dict(settings.forms), dict(settings.origins)
    assert settings.change(key, value) == settings.written(settings.name_of(key))
    assert (settings.forms, settings.origins) == before


FORWARD = '[{protocol = "udp", external = "203.0.113.1:5060", internal = "192.168.20.10:5060"}]'
STATIC = '[{internal = "192.168.20.10", external = "203.0.113.10"}]'


@pytest.mark.parametrize(("key", "value"), [("nat.forward", FORWARD), ("nat.static", STATIC)])
def test_rules_for_single_hosts_can_be_changed_while_packets_flow(key: str, value: str) -> None:
    settings = running()
    (rule,) = settings.change(key, value)
    assert rule["internal"].startswith("192.168.20.10")
    assert settings.change(key, "[]") == []


def test_an_address_that_a_rule_needs_cannot_be_taken_away() -> None:
    settings = running()
    settings.change("nat.forward", FORWARD)
    with pytest.raises(SettingError, match=r"nat.forward: entry 1: .* outside.external"):
        settings.change("outside.external", ["203.0.113.2"])
    assert settings.written("outside.external") == ["203.0.113.1"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("inside.device", "other", "cannot change while"),
        ("nat.timeouts.udp", "soon", "not a duration"),
        ("nat.timeouts.upd", "30s", 'did you mean "nat.timeouts.udp"'),
        ("nat.timeouts.udp_by_port.0", "30s", "nearest valid value is 1"),
        ("alg.sip.module", "pour", "is not known"),
        ("alg.ftp.module", "sip", "is not known; one of: off, "),
        ("alg.ftp.module", "ftp-poor:no-such-fault", "is not"),
        ("alg.dns.module", "ftp", "is not known; one of: off, "),
        ("nat.forward", FORWARD.replace("203.0.113.1:", "203.0.113.7:"), "outside.external"),
        ("nat.forward", FORWARD.replace("192.168.20.10", "10.0.0.1"), "not in inside.networks"),
        ("nat.forward", '[{protocol = "udp"}]', "entry 1: external is missing"),
        ("nat.static", STATIC.replace("203.0.113.10", "192.168.20.9"), "RFC 4787 REQ-7"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_leaves_everything_as_it_was(
    key: str, value: object, said: str
) -> None:
    settings = running()
    before = dict(settings.forms), dict(settings.origins)
    with pytest.raises(SettingError, match=said):
        settings.change(key, value)
    assert (settings.forms, settings.origins) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("outside.external", ["203.0.113.1", "2001:db8::1"]),
        ("inside.networks", ["2001:db8::/64"]),
        ("inside.gateway", "2001:db8::1"),
        ("inside.address", "2001:db8::1/64"),
        ("inside.routes", ["::/0"]),
        ("nat.static", [{"internal": "192.168.20.10", "external": "2001:db8::2"}]),
        (
            "nat.forward",
            [{"protocol": "udp", "external": "203.0.113.1:5", "internal": "[2001:db8::1]:5"}],
        ),
    ],
)
def test_an_address_of_the_second_family_is_refused_in_one_sentence(
    key: str, value: object
) -> None:
    """Whichever setting it stands in: nothing behind the settings ever sees one."""
    with pytest.raises(SettingError, match=r"^IPv6 is not translated yet$"):
        Settings().assign(key, value, "FILE")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("nat.udp_timeouts", "nat.timeouts.udp"),
        ("nat.udp_timeout", "nat.timeouts.udp"),
        ("nat.tcp_timeout", "nat.timeouts.tcp_"),
        ("nat.flows", "nat.limits.flows"),
        ("NAT.MAPPING", "nat.mapping"),
        ("nat.timeout.udp", "nat.timeouts.udp"),
        ("alg.sip.mode", "alg.sip.module"),
        ("alg.sip.modul", "alg.sip.module"),
        ("inside.netns_", "inside.netns"),
        ("outside.externals", "outside.external"),
    ],
)
def test_a_wrong_key_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    mark = "" if right.endswith("_") else '"'
    assert f'did you mean "{right}{mark}' in nearest_key(wrong)


@pytest.mark.parametrize("word", ["nat.profile", "nat.colour", "nat.speed", "outside.ip", "._"])
def test_a_section_alone_makes_no_key_the_nearest(word: str) -> None:
    assert nearest_key(word) == ""


def test_a_key_like_no_other_gets_no_guess() -> None:
    assert nearest_key("zzzz.qqqqqq") == ""
