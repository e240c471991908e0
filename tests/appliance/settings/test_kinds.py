"""What each kind of setting accepts, in which form it is kept, and what is said otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings.kinds import (
    Choice,
    Flag,
    Kind,
    ListOf,
    Name,
    PortRange,
    Records,
    Seconds,
    SecondsByPort,
    Text,
    Whole,
    Word,
)
from appliance.settings.network_kinds import Address
from appliance.settings.table import SETTINGS
from nat.behavior import Dependence, Static
from nat.endpoint import parse_address

PORTS = ListOf(Whole(1, 65535), 1, 8)
RECORDS = Records(Static, {"internal": Address(), "external": Address()})
MAPPING = Choice({"endpoint-independent": Dependence.ENDPOINT_INDEPENDENT, "none": None})
FIXED_ADDRESS = {"internal": "192.0.2.1", "external": "203.0.113.1"}


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        (Flag(), True, True),
        (Flag(), "false", False),
        (Whole(68, 65535), 1500, 1500),
        (Whole(68, 65535), "1500", 1500),
        (Seconds(), "30s", 30.0),
        (Seconds(words=("auto",)), "auto", "auto"),
        (Word(("udp", "tcp")), "udp", "udp"),
        (MAPPING, "none", "none"),
        (Text("text", 10), "abc", "abc"),
        (Name(), "class-room_1", "class-room_1"),
        (PORTS, [5060, 5061], [5060, 5061]),
        (PORTS, "5060, 5061", [5060, 5061]),
        (PORTS, "[5060]", [5060]),
        (ListOf(Address()), "", []),
        (PortRange(), [1024, 65535], [1024, 65535]),
        (PortRange(), "1024-2047", [1024, 2047]),
        (PortRange(), "[1, 2]", [1, 2]),
        (PortRange(), "1024, 2047", [1024, 2047]),
        (SecondsByPort(), {"53": "30s", "123": 60}, {53: 30.0, 123: 60.0}),
        (SecondsByPort(), '{53 = "30s"}', {53: 30.0}),
        (SecondsByPort(), "", {}),
        (RECORDS, [FIXED_ADDRESS], [FIXED_ADDRESS]),
        (RECORDS, '[{internal = "192.0.2.1", external = "203.0.113.1"}]', [FIXED_ADDRESS]),
    ],
)  # fmt: skip
def test_a_valid_value_is_kept_in_one_form(kind: Kind, written: object, kept: object) -> None:
    assert kind.plain(kind.parse(written)) == kept
    assert kind.plain(kind.parse(kept)) == kept


@pytest.mark.parametrize(
    ("kind", "written", "form"),
    [
        (MAPPING, "endpoint-independent", Dependence.ENDPOINT_INDEPENDENT),
        (MAPPING, "none", None),
        (PORTS, "5060, 5061", (5060, 5061)),
        (PortRange(), "1024-2047", (1024, 2047)),
        (ListOf(Address()), ["192.0.2.1"], (parse_address("192.0.2.1"),)),
        (RECORDS, [FIXED_ADDRESS],
         (Static(parse_address("192.0.2.1"), parse_address("203.0.113.1")),)),
    ],
)  # fmt: skip
def test_the_program_gets_what_it_works_with(kind: Kind, written: object, form: object) -> None:
    """Parsed once: nothing behind a kind reads text again."""
    assert kind.parse(written) == form


def test_the_addresses_in_a_value_can_be_asked_for() -> None:
    """Whoever wants to know about all addresses need not know the kinds."""
    one, other = parse_address("192.0.2.1"), parse_address("203.0.113.1")
    assert list(RECORDS.addresses(RECORDS.parse([FIXED_ADDRESS]))) == [one, other]
    assert list(ListOf(Address()).addresses((one, other))) == [one, other]
    assert list(PORTS.addresses((5060,))) == []


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        (Flag(), "yes", "neither true nor false"),
        (Flag(), 1, "neither true nor false"),
        (Whole(68, 65535), 20, "nearest valid value is 68"),
        (Whole(68, 65535), 2**70, "nearest valid value is 65535"),
        (Whole(68, 65535), 1500.0, "not a whole number"),
        (Whole(68, 65535), True, "not a whole number"),
        (Whole(68, 65535), "٣٣٣", "not a whole number"),
        (Seconds(), 0, 'nearest valid value is "1ms"'),
        (Seconds(), "100000h", 'nearest valid value is "720h"'),
        (Seconds(), "-3s", "not a duration"),
        (Seconds(words=("auto",)), "atuo", 'did you mean "auto"'),
        (Word(("udp", "tcp")), "sctp", "one of: udp, tcp"),
        (Word(("udp", "tcp")), 5, "one of: udp, tcp"),
        (MAPPING, "endpoint-indep", 'did you mean "endpoint-independent"'),
        (MAPPING, [], "is not known"),
        (Text("a text", 3), "abcd", "longer than 3"),
        (Text("a text", 9), "a\x1b[2J", "not allowed"),
        (Text("a text", 9, empty=False), "", "must not be empty"),
        (Text("a text", 9), 7, "not a text"),
        (Name(), "../etc", "not a name"),
        (Name(), "-x", "not a name"),
        (Name(), "", "not a name"),
        (Name(), "x" * 33, "not a name"),
        (PORTS, list(range(1, 10)), "1 to 8 are allowed"),
        (PORTS, [], "1 to 8 are allowed"),
        (PORTS, [5060, 5060], "twice"),
        (PORTS, 5060, r"write \[5060\]"),
        (PORTS, "[5060", "not valid TOML"),
        (PortRange(), [2000, 1000], r"did you mean \[1000, 2000\]"),
        (PortRange(), [0, 1000], "nearest valid value is 1"),
        (PortRange(), "5060", "not a range"),
        (SecondsByPort(), {"0": "30s"}, "nearest valid value is 1"),
        (SecondsByPort(), {"53": "soon"}, 'port "53": "soon" is not a duration'),
        (SecondsByPort(), 7, "not a table"),
        (RECORDS, [{"internal": "192.0.2.1", "extrenal": "x"}],
         '"extrenal" is not a key here; did you mean "external"'),
        (RECORDS, [{"internal": "192.0.2.1"}], "entry 1: external is missing"),
        (RECORDS, {}, "two brackets"),
        (RECORDS, [7], "entry 1: 7 is not a table"),
        (RECORDS, 7, "not a list"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_answered_with_a_sentence(
    kind: Kind, written: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        kind.parse(written)


ALL_KINDS: list[Kind] = [
    Flag(), Whole(0, 9), Seconds(), Word(("a", "b")), MAPPING, Text("x", 5), Name(), PORTS,
    PortRange(), SecondsByPort(), RECORDS,
]  # fmt: skip

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(value=VALUES)
def test_no_value_makes_a_kind_fail_in_another_way(value: object) -> None:
    """Whatever stands in the file: a value, or a sentence that can be printed."""
    for kind in (*ALL_KINDS, *(setting.kind for setting in SETTINGS.values())):
        said = "a value"
        try:
            kind.parse(value)
        except ValueError as error:
            said = str(error)
        assert 0 < len(said) < 500, kind


def test_every_kind_has_a_schema() -> None:
    assert all(kind.schema() for kind in ALL_KINDS)
