"""What each kind of setting accepts, in which form it is kept, and what is said otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings import kinds
from appliance.settings.kinds import (
    Address,
    Device,
    EndpointText,
    Fault,
    Flag,
    InterfaceAddress,
    Kind,
    ListOf,
    Name,
    Namespace,
    PortRange,
    Prefix,
    Records,
    Seconds,
    SecondsByPort,
    Spec,
    Text,
    Whole,
    Word,
)

PORTS = ListOf(Whole(1, 65535), 1, 8)
RECORDS = Records({"internal": Address(), "external": Address()})
SPEC = Spec(("off", "sip", "sip-poor"))
FIXED_ADDRESS = {"internal": "192.0.2.1", "external": "203.0.113.1"}


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        (SPEC, "sip-poor:no-sdp,c-only", "sip-poor:no-sdp,c-only"),
        (SPEC, "sip-poor:no-sdp@method=INVITE@nth=2", "sip-poor:no-sdp@method=INVITE@nth=2"),
        (ListOf(Fault()), "no-sdp, c-only", ["no-sdp", "c-only"]),
        (Flag(), True, True),
        (Flag(), "false", False),
        (Whole(68, 65535), 1500, 1500),
        (Whole(68, 65535), "1500", 1500),
        (Seconds(), "30s", 30.0),
        (Seconds(words=("auto",)), "auto", "auto"),
        (Word(("udp", "tcp")), "udp", "udp"),
        (Text("text", 10), "abc", "abc"),
        (Name(), "class-room_1", "class-room_1"),
        (Device(), "gn-in", "gn-in"),
        (Namespace(), "phones", "phones"),
        (Namespace(), "/proc/1/ns/net", "/proc/1/ns/net"),
        (Namespace(), "", ""),
        (Address(), "192.0.2.1", "192.0.2.1"),
        (Address(empty=True), "", ""),
        (InterfaceAddress(), "192.168.20.100/24", "192.168.20.100/24"),
        (InterfaceAddress(), "", ""),
        (Prefix(), "192.168.20.0/24", "192.168.20.0/24"),
        (Prefix(), "192.0.2.1", "192.0.2.1/32"),
        (EndpointText(), "192.0.2.1:5060", "192.0.2.1:5060"),
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
        (SPEC, "sip", "sip"),
        (SPEC, "sip-poor:no-sdp,callid-oneway", "sip-poor:no-sdp,callid-oneway"),
        (SPEC, "path/to/my_alg.py:MyAlg", "path/to/my_alg.py:MyAlg"),
    ],
)  # fmt: skip
def test_a_valid_value_is_kept_in_one_form(kind: Kind, written: object, kept: object) -> None:
    assert kind.parse(written) == kept


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
        (Text("a text", 3), "abcd", "longer than 3"),
        (Text("a text", 9), "a\x1b[2J", "not allowed"),
        (Text("a text", 9, empty=False), "", "must not be empty"),
        (Text("a text", 9), 7, "not a text"),
        (Name(), "../etc", "not a name"),
        (Name(), "-x", "not a name"),
        (Name(), "", "not a name"),
        (Name(), "x" * 33, "not a name"),
        (Device(), "eth0/1", "not allowed"),
        (Device(), "a-very-long-device", "longer than 15"),
        (Device(), "..", "not a device name"),
        (Namespace(), "a/b", "neither"),
        (Address(), "192.168.7.999", "not an IPv4 address"),
        (Address(), "192.168.7.1/24", "not an IPv4 address"),
        (Address(), 7, "not an IPv4 address"),
        (InterfaceAddress(), "192.168.7.1", "with a prefix"),
        (InterfaceAddress(), "192.168.7.1/33", "with a prefix"),
        (Prefix(), "192.168.20.1/24", 'did you mean "192.168.20.0/24"'),
        (Prefix(), "192.168.20.0/x", "not a network"),
        (Prefix(), None, "not a network"),
        (EndpointText(), "192.0.2.1", "not an endpoint"),
        (EndpointText(), "192.0.2.1:0", "port 0"),
        (EndpointText(), "192.0.2.1:70000", "not an endpoint"),
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
        (SPEC, "pour", "one of: off, sip, sip-poor"),
        (SPEC, "sip-por", 'did you mean "sip-poor"'),
        (SPEC, "sip:no-sdp", "not a module"),
        (SPEC, "sip-poor:", "not a module"),
        (SPEC, "sip-poor:no-spd", "did you mean 'no-sdp'"),
        (SPEC, "sip-poor:no-sdp@metod=INVITE", "metod"),
        (Fault(), "no-spd", "did you mean 'no-sdp'"),
        (Fault(), "no-sdp,c-only", "not a fault"),
        (Fault(), 7, "not a fault"),
        (SPEC, "sip-poor:a,,b", "not a module"),
        (SPEC, "my_alg.py", "lacks its class"),
        (SPEC, "my_alg.py:1x", "not the name of a class"),
        (SPEC, 7, "not a module"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_answered_with_a_sentence(
    kind: Kind, written: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        kind.parse(written)


ALL_KINDS: list[Kind] = [
    Flag(), Whole(0, 9), Seconds(), Word(("a", "b")), Text("x", 5), Name(), Device(), Namespace(),
    Address(), InterfaceAddress(), Prefix(), EndpointText(), PORTS, PortRange(), SecondsByPort(),
    RECORDS, SPEC,
]  # fmt: skip

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: type(kind).__name__)
@given(value=VALUES)
def test_no_value_makes_a_kind_fail_in_another_way(kind: Kind, value: object) -> None:
    """Whatever stands in the file: a value, or a sentence that can be printed."""
    said = "a value"
    try:
        kind.parse(value)
    except ValueError as error:
        said = str(error)
    assert 0 < len(said) < 500


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: type(kind).__name__)
def test_every_kind_has_a_schema(kind: Kind) -> None:
    assert kind.schema()


def test_values_in_messages_are_short_and_on_one_line() -> None:
    assert kinds.shown("a\nb\x1b[2J") == '"a\\nb\\u001b[2J"'
    assert len(kinds.shown("x" * 1000)) == 60
    assert kinds.shown(16**9999) == "this"
