"""Filters of `show`: which rows fit, and what is said about a filter that cannot be."""

from __future__ import annotations

import pytest

from appliance.control.filters import wanted, within

FLOW = {
    "protocol": "udp",
    "internal": "192.168.20.100:5060",
    "external": "203.0.113.1:40000",
    "remote": "203.0.113.9:5060",
    "state": "answered",
}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("192.168.20.100:5060", True),
        ("192.168.20.100:5061", False),
        ("192.168.20.100", True),
        ("192.168.20.10", False),
        ("192.168.20.0/24", True),
        ("192.168.21.0/24", False),
        ("192.168.20.0/24:5060", True),
        (":5060", True),
        (":506", False),
    ],
)
def test_an_endpoint_a_host_a_network_or_a_port(text: str, fits: bool) -> None:
    assert within(text)("192.168.20.100:5060") is fits


def test_nobody_in_particular_is_no_endpoint() -> None:
    """A pinhole for anyone has no remote to be chosen by."""
    assert not within("0.0.0.0/0")(None)


@pytest.mark.parametrize(
    "text", ["", ":", "alice", "192.168.20", "192.168.20.1:", "192.168.20.1:65536", "1.2.3.4/33"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is none of: an endpoint such as"):
        within(text)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("2001:db8::1", True),
        ("2001:db8::2", False),
        ("2001:db8::/32", True),
        ("[2001:db8::1]:5060", True),
        ("[2001:db8::1]:5061", False),
        ("[2001:db8::]:5060", False),
        (":5060", True),
        ("0.0.0.0/0", False),
    ],
)
def test_endpoints_of_the_second_family_are_chosen_as_others(text: str, fits: bool) -> None:
    """RFC 3986 3.2.2: with a port, an address of IPv6 stands in brackets."""
    assert within(text)("[2001:db8::1]:5060") is fits


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        ({}, True),
        ({"protocol": "udp", "state": "answered"}, True),
        ({"protocol": "udp", "state": "unanswered"}, False),
        ({"protocol": "tcp"}, False),
        ({"external": "203.0.113.1", "remote": ":5060"}, True),
        ({"external": "203.0.113.1", "remote": ":5061"}, False),
    ],
)
def test_a_row_fits_when_every_filter_does(chosen: dict[str, str], fits: bool) -> None:
    assert wanted("flows", chosen)(FLOW) is fits


@pytest.mark.parametrize(
    ("what", "chosen", "said"),
    [
        ("flows", {"protocol": "upd"}, 'protocol: "upd" is not known.*did you mean "udp"'),
        ("flows", {"state": "answerd"}, 'did you mean "answered"'),
        ("flows", {"intern": "192.0.2.1"}, 'has no filter "intern".*did you mean "internal"'),
        ("flows", {"internal": 7}, "internal: 7 is not a text"),
        ("mappings", {"state": "answered"}, 'show mappings has no filter "state"'),
        ("settings", {"protocol": "udp"}, 'show settings has no filter "protocol"$'),
        ("calls", {"state": "answered "}, 'did you mean "answered"'),
    ],
)
def test_what_is_wrong_names_the_nearest_right_word(
    what: str, chosen: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        wanted(what, chosen)
