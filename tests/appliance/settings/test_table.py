"""The table of settings, and what may be changed while packets flow."""

from __future__ import annotations

import pytest

from appliance.settings.table import SETTINGS, SettingError, Settings, nearest_key


def running() -> Settings:
    settings = Settings()
    settings.assign("inside.networks", ["192.168.20.0/24"], "FILE")
    settings.assign("outside.external", ["203.0.113.1"], "FILE")
    assert settings.complete() == []
    return settings


@pytest.mark.parametrize("key", SETTINGS)
def test_every_default_is_a_valid_value_and_says_what_it_is_for(key: str) -> None:
    setting = SETTINGS[key]
    assert Settings.parse(key, setting.default) == setting.default
    assert setting.help
    if setting.sample is not None:
        assert Settings.parse(key, setting.sample) is not None


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
        ("alg.dns.module", "off"),
        ("inside.device", "gn-in"),
        ("nat.port_range", [1024, 65535]),
    ],
)
def test_the_defaults_are_those_of_the_contract(key: str, default: object) -> None:
    assert Settings()[key] == default


def test_rfc4787_req10_no_alg_is_on_by_default() -> None:
    """RFC 4787 REQ-10: a NAT SHOULD have all of its ALGs for UDP turned off by default."""
    algs = [key for key in SETTINGS if key.startswith("alg.") and key.endswith(".module")]
    assert algs
    assert all(SETTINGS[key].default == "off" for key in algs)


def test_defaults_are_not_shared() -> None:
    Settings().values["alg.sip.ports"].append(1)
    assert Settings()["alg.sip.ports"] == [5060]


def test_a_section_is_read_without_its_name() -> None:
    section = Settings().section("alg.sip")
    assert section["module"] == "off"
    assert section["media_peers"] == "signalling"


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
    ("key", "value", "said"),
    [
        ("inside.device", "other", "cannot change while"),
        ("nat.timeouts.udp", "soon", "not a duration"),
        ("nat.timeouts.upd", "30s", 'did you mean "nat.timeouts.udp"'),
        ("nat.timeouts.udp_by_port.0", "30s", "nearest valid value is 1"),
        ("alg.sip.module", "pour", "is not known"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_leaves_everything_as_it_was(
    key: str, value: object, said: str
) -> None:
    settings = running()
    before = dict(settings.values), dict(settings.origins)
    with pytest.raises(SettingError, match=said):
        settings.change(key, value)
    assert (settings.values, settings.origins) == before


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("nat.udp_timeouts", "nat.timeouts"),
        ("nat.timeout.udp", "nat.timeouts.udp"),
        ("alg.sip.mode", "alg.sip.module"),
        ("alg.sip.modul", "alg.sip.module"),
        ("inside.netns_", "inside.netns"),
        ("outside.externals", "outside.external"),
    ],
)
def test_a_wrong_key_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    assert f'did you mean "{right}' in nearest_key(wrong)


def test_a_key_like_no_other_gets_no_guess() -> None:
    assert nearest_key("zzzz.qqqqqq") == ""
