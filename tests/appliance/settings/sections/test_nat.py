"""`[nat]`: every word of a configuration means something to the NAT, and the reverse."""

from __future__ import annotations

from appliance.settings.kinds import Choice
from appliance.settings.sections.nat import DEPENDENCE, NAT
from nat.behavior import Behavior, Dependence, PortPolicy, Refusal

KINDS = {setting.key: setting.kind for setting in NAT}


def meanings(key: str) -> list[object]:
    kind = KINDS[key]
    assert isinstance(kind, Choice)
    return list(kind.meanings.values())


def test_the_nat_can_do_nothing_that_has_no_word() -> None:
    assert meanings("nat.mapping") == meanings("nat.filtering") == list(Dependence)
    assert meanings("nat.tcp_filtering") == [None, *Dependence]
    assert meanings("nat.ports") == list(PortPolicy)
    assert meanings("nat.refusal") == list(Refusal)


def test_the_words_go_from_the_least_that_is_remembered_to_the_most() -> None:
    """`show rfc` asks which of two is stricter."""
    assert [meaning.value for meaning in DEPENDENCE.values()] == [0, 1, 2]


def test_the_defaults_are_those_of_the_nat() -> None:
    """What a `Behavior` does that nobody told anything, and what a configuration that says
    nothing asks for."""
    defaults = {setting.key: setting.kind.parse(setting.default) for setting in NAT}
    behavior = Behavior(networks=[], external=[])
    for key in ("mapping", "filtering", "tcp_filtering", "ports", "port_range", "overloading",
                "poisoning", "parity", "hairpin", "refresh_inbound", "port_rest", "mss_clamp",
                "refusal", "answer_syns", "eviction"):  # fmt: skip
        assert defaults[f"nat.{key}"] == getattr(behavior, key), key


def test_only_what_is_reached_without_translation_waits_for_a_restart() -> None:
    assert [setting.key for setting in NAT if not setting.live] == ["nat.no_translate"]
