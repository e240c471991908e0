"""How far an address means something.

Some addresses are given out anew in every network, so that nobody outside of one can send to them.
A message that leaves a NAT with such an address in it leads its reader nowhere.
"""

from __future__ import annotations

from nat.endpoint import Network

_EVERYWHERE_ANOTHER = tuple(
    map(
        Network.parse,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # private: RFC 1918 3
            "100.64.0.0/10",  # between a carrier's NAT and its customers: RFC 6598 7
            "169.254.0.0/16",  # of one link: RFC 3927 1
        ),
    )
)


def is_inside_only(address: int) -> bool:
    """Does the address mean something only within its own network?"""
    return any(address in network for network in _EVERYWHERE_ANOTHER)
