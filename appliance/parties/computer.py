"""A computer with a softphone and a browser: one address, and one NAT before both.

What a page makes the browser send comes from the same host as what the softphone sends. That is all
that an attack needs whose aim is a port of the softphone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, ClassVar

from appliance.parties.party import Action, News, Order
from appliance.parties.phone import Phone, PhoneTraits
from appliance.parties.traits import about
from appliance.parties.web import Browser
from nat.endpoint import Endpoint


class ComputerTraits(PhoneTraits, tag="computer", kw_only=True):
    """Of a computer."""

    visits: Annotated[str, about("The endpoint of the web server whose page it opens.")]
    blocks_ports: Annotated[
        bool,
        about(
            "Send nothing to ports 5060 and 5061 for a page, as browsers do since the end of 2020 "
            "(Fetch 2.8)."
        ),
    ] = False

    def check(self) -> None:
        super().check()
        self.must_parse(Endpoint.parse, "visits")


class Computer(Phone):
    """The computer of the user `name`."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        **Phone.ORDERS,
        "visit": Order("open a page in the browser", lambda computer, *_: computer.visit()),
    }

    def __init__(self, name: str, traits: ComputerTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._browser = Browser(self, self.address, traits.blocks_ports, rng)
        self._visits = Endpoint.parse(traits.visits)

    def visit(self) -> None:
        self._browser.visit(self._visits)

    def hear(self, news: News, now: float) -> Sequence[Action]:
        if self._browser.hear(news):
            return self.actions()
        return super().hear(news, now)
