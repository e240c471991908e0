"""What can be chosen: the words for it, and defaults no shorter than the RFCs allow."""

from __future__ import annotations

import pytest

from nat.behavior import Dependence, Forward, Static, Timeouts
from nat.endpoint import ICMP, TCP, UDP, Endpoint, Network, parse_address
from tests.support.packets import EXTERNAL, A, R
from tests.support.rig import ADF, APDF, EIF, behavior

REMOTE = Endpoint.parse(f"{R}:5060")


@pytest.mark.parametrize(
    ("word", "remembered"),
    [
        ("endpoint-independent", ()),
        ("address-dependent", (REMOTE.address,)),
        ("address-and-port-dependent", (REMOTE.address, REMOTE.port)),
    ],
)
def test_a_behaviour_is_how_much_of_the_remote_is_remembered(
    word: str, remembered: tuple[int, ...]
) -> None:
    """RFC 4787 4.1 and 5."""
    assert Dependence.named(word).scope(REMOTE) == remembered


def test_a_behaviour_that_nobody_knows_is_no_behaviour() -> None:
    with pytest.raises(KeyError):
        Dependence.named("symmetric")


@pytest.mark.parametrize(
    ("timer", "seconds"),
    [
        ("udp_unanswered", 120),  # RFC 4787 REQ-5
        ("udp", 300),  # RFC 4787 REQ-5c
        ("tcp_established", 2 * 3600 + 4 * 60),  # RFC 5382 REQ-5
        ("tcp_transitory", 4 * 60),  # RFC 5382 REQ-5
        ("icmp", 60),  # RFC 5508 REQ-2
    ],
)
def test_a_default_timeout_is_not_shorter_than_its_rfc_says(timer: str, seconds: int) -> None:
    assert getattr(Timeouts(), timer) >= seconds


def test_tcp_is_filtered_like_the_rest_unless_it_is_said() -> None:
    """RFC 5382 REQ-3b."""
    alike, apart = behavior(filtering=ADF), behavior(filtering=EIF, tcp_filtering=APDF)
    assert [alike.filtering_of(protocol) for protocol in (UDP, TCP, ICMP)] == [ADF, ADF, ADF]
    assert [apart.filtering_of(protocol) for protocol in (UDP, TCP, ICMP)] == [EIF, APDF, EIF]


def test_an_address_is_ours_when_any_rule_shows_it_outside() -> None:
    inside = Endpoint.parse(f"{A}:80")
    ours = behavior(
        statics=[Static(inside.address, parse_address("203.0.113.10"))],
        forwards=[Forward(TCP, Endpoint.parse("203.0.113.20:80"), inside)],
    )
    shown = (EXTERNAL, "203.0.113.10", "203.0.113.20")
    assert ours.owned_addresses() == {parse_address(text) for text in shown}
    assert ours.shared_addresses() == [parse_address(EXTERNAL)]


def test_networks_say_who_is_inside_and_who_sees_inside_addresses() -> None:
    nat = behavior(untranslated=[Network.parse("10.0.0.0/8")])
    assert nat.is_internal(parse_address(A))
    assert not nat.is_internal(parse_address(EXTERNAL))
    assert nat.is_untranslated(parse_address("10.1.2.3"))
    assert not nat.is_untranslated(REMOTE.address)
