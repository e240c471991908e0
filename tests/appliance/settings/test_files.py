"""Files, profiles and `--set`: which wins, and that every problem is told at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.settings import files as config
from appliance.settings import table
from appliance.settings.files import MOST_PROBLEMS, ConfigError

SMALL = """
[inside]
networks = ["192.168.20.0/24"]
[outside]
external = ["203.0.113.1"]
"""


Write = Callable[[str | bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "lab.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problems_of(path: Path, *sets: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        config.load(path, sets=sets)
    assert caught.value.exit_code == 2
    return dict(caught.value.problems)


def test_of_very_many_unknown_keys_some_are_told_and_all_are_counted(
    written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look for what may have been meant takes longer than all the rest: it is done only for
    those that are told."""
    looked_at: list[str] = []

    def nearest(key: str) -> str:
        looked_at.append(key)
        return ""

    monkeypatch.setattr(table, "nearest_key", nearest)
    unknown = "".join(f"k{number} = 1\n" for number in range(8_000))
    with pytest.raises(ConfigError) as caught:
        config.load(written(f"{unknown}{SMALL}[nat]\nparity = 7\n"))
    first, *lines = str(caught.value).splitlines()
    assert first.endswith(": 8001 problems")
    assert len(lines) == MOST_PROBLEMS + 1
    assert lines[-1] == f"  and {8_001 - MOST_PROBLEMS} more"
    assert len(looked_at) == MOST_PROBLEMS


# --- layers --------------------------------------------------------------------------------------


def test_what_the_file_does_not_say_is_the_default(written: Write) -> None:
    settings = config.load(written(SMALL))
    assert settings.values["nat.timeouts.udp"] == 300.0
    assert settings.origins["nat.timeouts.udp"] == "default"


def test_the_gateway_is_the_first_host_and_the_networks_that_of_the_address(written: Write) -> None:
    text = '[inside]\naddress = "192.168.20.100/24"\n[outside]\nexternal = ["203.0.113.1"]'
    settings = config.load(written(text))
    assert settings.values["inside.networks"] == ["192.168.20.0/24"]
    assert settings.values["inside.gateway"] == "192.168.20.1"


def test_a_profile_comes_first_and_keys_in_the_file_win_over_it(written: Write) -> None:
    path = written('profile = "symmetric"\n' + SMALL + '[nat]\nports = "sequential"')
    settings = config.load(path)
    assert settings.values["nat.mapping"] == "address-and-port-dependent"
    assert settings.origins["nat.mapping"] == "profile symmetric"
    assert settings.values["nat.ports"] == "sequential"
    assert settings.origins["nat.ports"] == str(path)


def test_a_profile_on_the_command_line_replaces_that_of_the_file(written: Write) -> None:
    settings = config.load(written('profile = "symmetric"\n' + SMALL), profile="rfc4787")
    assert settings.values["nat.mapping"] == "endpoint-independent"
    assert settings.values["profile"] == "rfc4787"


def test_set_wins_over_everything(written: Write) -> None:
    settings = config.load(
        written(SMALL + '[nat.timeouts]\nudp = "5m"'),
        sets=["nat.timeouts.udp=30s", "alg.sip.ports=5060,5061", "nat.timeouts.udp_by_port.7=1s"],
    )
    assert settings.values["nat.timeouts.udp"] == 30.0
    assert settings.origins["nat.timeouts.udp"] == "--set"
    assert settings.values["alg.sip.ports"] == [5060, 5061]
    assert settings.values["nat.timeouts.udp_by_port"] == {53: 30.0, 7: 1.0}


def test_a_table_of_ports_in_the_file_is_the_whole_table(written: Write) -> None:
    settings = config.load(written(SMALL + '[nat.timeouts.udp_by_port]\n123 = "60s"'))
    assert settings.values["nat.timeouts.udp_by_port"] == {123: 60.0}


def test_an_empty_table_of_ports_means_no_port_is_special(written: Write) -> None:
    settings = config.load(written(SMALL + "[nat.timeouts.udp_by_port]"))
    assert settings.values["nat.timeouts.udp_by_port"] == {}


def test_a_scenario_is_below_the_profile_of_the_command_line_and_set() -> None:
    table = {
        "inside": {"networks": ["192.168.20.0/24"]},
        "outside": {"external": ["203.0.113.1"]},
        "nat": {"mapping": "address-dependent", "timeouts": {"udp": "60s"}},
    }
    settings = config.for_scenario("story", table, "symmetric", ["nat.timeouts.udp=30s"])
    assert settings.values["nat.mapping"] == "address-and-port-dependent"
    assert settings.values["nat.timeouts.udp"] == 30.0
    assert settings.origins["inside.networks"] == "scenario story"


def test_a_scenario_may_name_a_profile_of_its_own() -> None:
    table = {**tomllib.loads(SMALL), "profile": "symmetric"}
    assert config.for_scenario("story", table).values["nat.ports"] == "random"


# --- problems ------------------------------------------------------------------------------------


def test_every_problem_is_told_at_once_with_its_key_and_the_nearest_valid_value(
    written: Write,
) -> None:
    found = problems_of(
        written(
            """
            profile = "symetric"
            [inside]
            networks = ["192.168.20.1/24"]
            mtu = 20
            [outside]
            device = "gn-in"
            external = ["203.0.113.1"]
            [nat]
            maping = "endpoint-independent"
            [nat.timeouts]
            udp = "soon"
            icmp = nan
            [alg.sip]
            module = "sip-por"
            ports = [1, 2, 3, 4, 5, 6, 7, 8, 9]
            """
        ),
        "nat.port_range=200-100",
        "nonsense",
    )
    assert 'did you mean "symmetric"' in found["profile"]
    assert 'did you mean "192.168.20.0/24"' in found["inside.networks"]
    assert "nearest valid value is 68" in found["inside.mtu"]
    assert "as inside.device is" in found["outside.device"]
    assert 'did you mean "nat.mapping"' in found["nat.maping"]
    assert "not a duration" in found["nat.timeouts.udp"]
    assert "not a duration" in found["nat.timeouts.icmp"]
    assert 'did you mean "sip-poor"' in found["alg.sip.module"]
    assert "1 to 8" in found["alg.sip.ports"]
    assert "[100, 200]" in found["nat.port_range"]
    assert "KEY=VALUE" in found["nonsense"]
    assert len(found) == 11


@pytest.mark.parametrize("value", ["0", "-1", "1e300", "nan", "inf", '"forever"', "true", "[]"])
def test_a_timeout_that_is_none_is_refused_by_name(written: Write, value: str) -> None:
    """Negative, zero, huge and not-a-number timeouts are refused with the field's name."""
    assert "nat.timeouts.udp" in problems_of(written(f"{SMALL}[nat.timeouts]\nudp = {value}"))


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("nat = 5\n" + SMALL, "nat", "is a section"),
        (SMALL + "[nat.mapping]\nx = 1", "nat.mapping", "is not known"),
        (SMALL + "[natt]\nmapping = 1", "natt.mapping", 'did you mean "nat.mapping"'),
        (SMALL + "[natt]", "natt", "unknown key"),
        (SMALL + '["\\u001b[2J"]\nx = 1', "\\u001b[2J.x", "unknown key"),
        ("profile = 5\n" + SMALL, "profile", "not a text"),
    ],
)
def test_what_is_in_the_wrong_place_is_named(
    written: Write, text: str, key: str, said: str
) -> None:
    assert said in problems_of(written(text))[key]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[inside", "not valid TOML"),
        (b"x = 1\nx = 2", "not valid TOML: Cannot overwrite"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x = " + b"[" * 100_000, "nested too deeply"),
        (b"x = " + b"9" * 10_000, "not valid TOML"),
        (b"#" * (config.LARGEST_FILE + 1), "too large"),
    ],
)
def test_a_file_that_is_no_configuration_is_a_sentence(
    written: Write, content: bytes, said: str
) -> None:
    assert said in problems_of(written(content))[""]


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    assert "No such file" in problems_of(tmp_path / "nothing.toml")[""]
    assert "directory" in problems_of(tmp_path)[""]


def test_the_report_names_the_file_and_counts(written: Write) -> None:
    path = written(SMALL + "[nat]\nparity = 7\nhairpin = 8")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    first, *rest = caught.value.report().split("\n")
    assert first == f"{path}: 2 problems"
    assert [line.split()[0] for line in rest] == ["nat.parity", "nat.hairpin"]


# --- profiles, sample, schema --------------------------------------------------------------------


@pytest.mark.parametrize("profile", [each["name"] for each in config.list_profiles()])
def test_every_profile_can_be_used_and_says_what_it_is(written: Write, profile: str) -> None:
    settings = config.load(written(SMALL), profile=profile)
    assert f"profile {profile}" in settings.origins.values()
    about = next(each for each in config.list_profiles() if each["name"] == profile)
    assert about["title"] != profile
    assert about["about"]


def test_an_unknown_profile_is_answered_with_the_nearest() -> None:
    with pytest.raises(LookupError, match="symmetric"):
        config.profile_text("symetric")
    with pytest.raises(LookupError):
        config.profile_text("../settings")


def test_a_profile_may_be_a_file(written: Write) -> None:
    own = written('title = "a router"\n[nat]\nhairpin = false')
    settings = config.for_scenario("a story", tomllib.loads(SMALL), profile=str(own))
    assert settings["nat.hairpin"] is False
    assert settings.origins["nat.hairpin"] == f"profile {own}"


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "No such file"), ("[nat", "not valid TOML"), ("[nat]\nprots = 1", "nat.ports")],
)
def test_what_is_wrong_in_the_file_of_a_profile_is_told(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "router.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        config.defaults(profile=str(path))


def test_a_mistake_in_the_file_of_a_profile_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "router.toml"
    path.write_text("[nat]\nprots = 1\nhairpin = 7")
    with pytest.raises(ConfigError) as error:
        config.for_scenario("a story", tomllib.loads(SMALL), profile=str(path))
    assert [each.key for each in error.value.problems] == [
        f"{path}: nat.prots",
        f"{path}: nat.hairpin",
    ]


def test_the_sample_can_be_used_as_it_is(written: Write) -> None:
    settings = config.load(written(config.sample()))
    assert settings.values["inside.networks"] == ["192.168.20.0/24"]


def test_every_optional_line_of_the_sample_can_be_used_too(written: Write) -> None:
    lines = config.sample().splitlines()
    optional = [line[:1] == "#" and line[:2] != "# " for line in lines]
    assert sum(optional) > 5
    bare = [line.lstrip("#") if used else line for line, used in zip(lines, optional, strict=True)]
    settings = config.load(written("\n".join(bare)))
    assert settings.values["inside.netns"] == "phones"
    assert settings.values["nat.forward"][0]["protocol"] == "udp"


def test_what_is_shown_gives_the_same_settings_again(written: Write) -> None:
    settings = config.load(written(SMALL), sets=["nat.timeouts.udp=90.5", "alg.sip.timeout=2h"])
    again = config.load(written(config.effective(settings)))
    assert again.values == settings.values


def test_defaults_are_the_sample_with_what_is_laid_over_it() -> None:
    settings = config.defaults("symmetric", ["nat.parity=true"])
    assert settings.values["nat.ports"] == "random"
    assert settings.values["nat.parity"] is True


def test_the_schema_knows_every_key_and_nothing_else() -> None:
    schema = config.schema()
    nat = schema["properties"]["nat"]
    assert nat["properties"]["mapping"]["enum"][0] == "endpoint-independent"
    assert nat["properties"]["timeouts"]["properties"]["udp"]["default"] == 300.0
    assert nat["additionalProperties"] is False
    assert "RFC 4787" in nat["properties"]["mapping"]["description"]
