"""Filters of `show` in conntrack's manner: only the rows of this protocol, this host, this state.

Whoever keeps the table applies them, so that a client that asks for one flow of a hundred thousand
is sent one. A filter names a key of the row and the value it wants there:

    {"protocol": "udp", "internal": "192.168.20.0/24", "remote": ":5060", "state": "answered"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from appliance.journal.plain import split_endpoint
from appliance.settings.hints import nearest, one_of, shown
from appliance.settings.kinds import Whole
from nat.endpoint import PROTOCOL_NUMBERS, Endpoint, Network
from nat.tcp import TcpState

Row = Mapping[str, Any]
Fits = Callable[[Row], bool]
Test = Callable[[Any], bool]

PROTOCOLS = tuple(sorted(PROTOCOL_NUMBERS))
UDP_STATES = ("unanswered", "answered")
FLOW_STATES = tuple(dict.fromkeys((*UDP_STATES, *(state.value for state in TcpState))))

WHATS = ("flows", "mappings", "calls", "expectations", "counters", "settings", "rfc")
"""What `show` can be asked for."""
ONE_CALL = "call"
"""And this, which needs the name of one: its Call-ID."""
FILTERS = {
    "flows": ("protocol", "internal", "external", "remote", "state"),
    "mappings": ("protocol", "internal", "external"),
    "expectations": ("protocol", "internal", "external", "remote"),
    "calls": ("state",),
}
"""Which keys the rows of a `show` can be chosen by; what is not here has no filters."""
NAMES = FILTERS["flows"]


def wanted(what: str, filters: Mapping[str, object]) -> Fits:
    """Does a row of `show WHAT` fit all filters? Raises ValueError with a sentence."""
    tests = {name: _test(what, name, value) for name, value in filters.items()}
    return lambda row: all(test(row[name]) for name, test in tests.items())


def _test(what: str, name: str, value: object) -> Test:
    known = FILTERS.get(what, ())
    if name not in known:
        there_are = f"; there are: {', '.join(known)}{nearest(name, known)}" if known else ""
        raise ValueError(f"show {what} has no filter {shown(name)}{there_are}")
    if not isinstance(value, str):
        raise ValueError(f"{name}: {shown(value)} is not a text")
    try:
        if name in ("protocol", "state"):
            return _word(value, _words(what, name))
        return within(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def call_states() -> tuple[str, ...]:
    """What the conversations of all applications can come to. (They are looked up only now: most
    commands ask for no call.)"""
    from alg.registry import APPLICATIONS

    states = (state for each in APPLICATIONS.values() for state in each.states)
    return tuple(dict.fromkeys(states))


def _words(what: str, name: str) -> tuple[str, ...]:
    if name == "protocol":
        return PROTOCOLS
    return call_states() if what == "calls" else FLOW_STATES


def _word(value: str, words: tuple[str, ...]) -> Test:
    if value not in words:
        raise ValueError(one_of(value, words))
    return lambda cell: bool(cell == value)


def within(text: str) -> Test:
    """Is an endpoint (as text, or None for anybody) the one that `text` means?

    `192.0.2.1:5060` is one endpoint, `192.0.2.1` all of a host, `192.0.2.0/24` all of a network,
    `:5060` a port of anybody. Raises ValueError.
    """
    address, port = split_endpoint(text)
    try:
        network = Network.parse(address) if address else None
        number = None if port is None else Whole(0, 65535).parse(port)
        if network is None and number is None:
            raise ValueError("neither an address nor a port")
    except ValueError:
        raise ValueError(
            f"{shown(text)} is none of: an endpoint such as 192.0.2.1:5060, an address, "
            "a network such as 192.0.2.0/24, a port such as :5060"
        ) from None

    def fits(cell: str | None) -> bool:
        if cell is None:
            return False
        endpoint = Endpoint.parse(cell)
        here = network is None or endpoint.address in network
        return here and (number is None or endpoint.port == number)

    return fits
