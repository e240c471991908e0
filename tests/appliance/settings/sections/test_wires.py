"""`[inside]` and `[outside]`: two wires alike, each with what only its side has."""

from __future__ import annotations

from appliance.settings.sections.wires import WIRES

KEYS = {setting.key for setting in WIRES}


def test_both_wires_are_described_alike() -> None:
    inside, outside = (
        {key.partition(".")[2] for key in KEYS if key.startswith(f"{side}.")}
        for side in ("inside", "outside")
    )
    assert inside - outside == {"networks", "gateway"}
    assert outside - inside == {"external"}


def test_a_wire_is_opened_once_and_only_the_external_addresses_change() -> None:
    assert [setting.key for setting in WIRES if setting.live] == ["outside.external"]
