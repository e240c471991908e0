"""Two adjacent external ports, where one internal port may have its own already (RFC 3550 11).

RTP and RTCP are announced as one: RTCP is on the port above, unless the message says otherwise. But
the two halves of a pair come to their mappings one by one: RTP of an earlier call may still have
one, or the phone has sent RTCP before its message. One internal port must never get two external
ones (RFC 4787 REQ-1): what it sends would leave by one, and be expected at the other. So the pair
is made of what there is, by the first line that fits:

    both halves, and they are neighbours      as they are
    a half whose neighbour is to be had       completed: the other half gets the port beside it
    a half that is announced already          no pair: somebody was told where it is
    else                                      a new pair, and both halves move to it

A half moves when nobody was told of its port: only flows of the inside stand on it, and those go on
by the announced port with their next packet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nat.endpoint import Endpoint
from nat.ports import HIGHEST_PORT

Pair = tuple[Endpoint, Endpoint]


class Half(NamedTuple):
    """The external endpoint that one internal port of a pair has; `stays` if it is announced."""

    external: Endpoint
    stays: bool


class NoPair(Exception):
    """An announced half has no free neighbour."""


def above(endpoint: Endpoint) -> Endpoint:
    """Where RTCP is, beside RTP. The port must not be the highest."""
    return endpoint._replace(port=endpoint.port + 1)


def complete(
    first: Half | None, second: Half | None, may_have: Callable[[int, Endpoint], bool]
) -> Pair | None:
    """The pair of which one half is there, or both are; None: a new one is to be chosen. Raises
    NoPair. `may_have` says whether the half 0 or 1 can get an external endpoint."""
    if first and first.external.port < HIGHEST_PORT:
        whole = first.external, above(first.external)
        if second and second.external == whole[1]:
            return whole
        if not (second and second.stays) and may_have(1, whole[1]):
            return whole
    if second and not (first and first.stays):
        below = second.external._replace(port=second.external.port - 1)
        if may_have(0, below):
            return below, second.external
    if (first and first.stays) or (second and second.stays):
        raise NoPair
    return None
