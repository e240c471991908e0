"""Which ALG modules and faults a setting may name, and what is said of the others."""

from __future__ import annotations

import pytest

from appliance.settings.kinds import Kind, ListOf
from appliance.settings.module_kinds import Fault, Spec

SPEC = Spec("sip")
NONE_BUT_OFF = Spec("gopher")
FAULT = Fault("sip")


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        (SPEC, "sip-poor:no-sdp,c-only", "sip-poor:no-sdp,c-only"),
        (SPEC, "sip-poor:no-sdp@method=INVITE@nth=2", "sip-poor:no-sdp@method=INVITE@nth=2"),
        (ListOf(FAULT), "no-sdp, c-only", ["no-sdp", "c-only"]),
        (SPEC, "sip", "sip"),
        (SPEC, "sip-poor:no-sdp,callid-oneway", "sip-poor:no-sdp,callid-oneway"),
        (SPEC, "path/to/my_alg.py:MyAlg", "path/to/my_alg.py:MyAlg"),
        (NONE_BUT_OFF, "off", "off"),
        (NONE_BUT_OFF, "path/to/my_alg.py:MyAlg", "path/to/my_alg.py:MyAlg"),
    ],
)
def test_a_valid_value_is_kept_in_one_form(kind: Kind, written: object, kept: object) -> None:
    assert kind.plain(kind.parse(written)) == kept


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        (SPEC, "pour", "one of: off, sip, sip-poor"),
        (SPEC, "sip-por", 'did you mean "sip-poor"'),
        (SPEC, "sip:no-sdp", "not a module"),
        (SPEC, "sip-poor:", "not a module"),
        (SPEC, "sip-poor:no-spd", "did you mean 'no-sdp'"),
        (SPEC, "sip-poor:no-sdp@metod=INVITE", "metod"),
        (FAULT, "no-spd", "did you mean 'no-sdp'"),
        (FAULT, "no-sdp,c-only", "not a fault"),
        (FAULT, 7, "not a fault"),
        (SPEC, "sip-poor:a,,b", "not a module"),
        (SPEC, "my_alg.py", "lacks its class"),
        (SPEC, "my_alg.py:1x", "not the name of a class"),
        (SPEC, 7, "not a module"),
        (NONE_BUT_OFF, "sip", "one of: off, FILE.py:CLASS"),
        (NONE_BUT_OFF, "off:no-sdp", "one of: off, FILE.py:CLASS"),
    ],
)
def test_an_invalid_value_is_answered_with_a_sentence(
    kind: Kind, written: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        kind.parse(written)


def test_the_schema_names_the_modules() -> None:
    assert SPEC.schema()["examples"] == ["off", "sip", "sip-poor"]
    assert FAULT.schema()["type"] == "string"
