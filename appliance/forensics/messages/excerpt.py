"""One message as it was found, and what was done to get it."""

from __future__ import annotations

from typing import NamedTuple

from alg.base import Application
from nat.endpoint import Endpoint


class Way(NamedTuple):
    """How a message went, where a capture says so."""

    transport: str
    source: Endpoint
    destination: Endpoint

    def __str__(self) -> str:
        return f"{self.transport.upper()} {self.source} to {self.destination}"


class Excerpt(NamedTuple):
    """`where` names the place in the file ("line 12"), `done` what was taken away or mended, each
    in a few words; nothing for a message that stood there as it is. `way` is None for text."""

    data: bytes
    application: Application
    where: str
    done: tuple[str, ...] = ()
    way: Way | None = None
