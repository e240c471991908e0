"""Golden pairs: SIP messages before and after the correct ALG, as data that a person can read.

One file is a group of like pairs. A message stands there once, with a mark at each change:

    Via: SIP/2.0/UDP «192.168.20.100:5060→203.0.113.1:1024»;branch=z9hG4bK1

Left of the arrow is what came, right of it what leaves; so a pair cannot differ in anything that is
not marked, and the marks are the changes expected, byte for byte. The keys of a pair:

    name, says       what it is called, and the rule that it shows, as a sentence
    message          the message with its marks; line ends are CRLF on the wire, or `line_end`
    fields           the names of the changed fields, in the order of the marks
    open             the pinholes that stand when it has passed, as "14254 <- 203.0.113.9"
    after            the pairs that have passed before it, oldest first: the history of the call
    reading          "message", or "malformed" or "opaque" for what cannot be edited safely
    direction, internal, external, remote, transport, map, settings     where it passes

`[defaults]` holds for all pairs of a file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from appliance.gateway.trial import Trial
from nat.endpoint import Direction, Endpoint
from tests.support.conversation import small_nat

FOLDER = Path(__file__).parent
PHONE, SEEN, SERVER = "192.168.20.100:5060", "203.0.113.1:1024", "203.0.113.9:5060"
MARK = re.compile("«([^«»→]*)→([^«»→]*)»")
KEYS = {
    *("name", "says", "message", "fields", "open", "after", "reading", "line_end", "encoding"),
    *("direction", "internal", "external", "remote", "transport", "map", "settings"),
}


class Change(NamedTuple):
    """What one mark says: a place in the message before, and both texts."""

    start: int
    end: int
    after: bytes


@dataclass(frozen=True)
class Pair:
    """One message, before and after. `values` are the keys of the file, defaults filled in."""

    group: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.values["name"])

    @property
    def says(self) -> str:
        return str(self.values["says"])

    @property
    def direction(self) -> Direction:
        return Direction(self.values["direction"])

    @property
    def remote(self) -> Endpoint:
        return Endpoint.parse(self.values.get("remote", SERVER))

    @property
    def history(self) -> list[Pair]:
        return [pairs()[name] for name in self.values.get("after", [])]

    @property
    def before(self) -> bytes:
        return self._bytes(MARK.sub(r"\1", self.values["message"]))

    @property
    def after(self) -> bytes:
        return self._bytes(MARK.sub(r"\2", self.values["message"]))

    @property
    def changes(self) -> list[Change]:
        found, position, text = [], 0, self.values["message"]
        start = 0
        for mark in MARK.finditer(text):
            start += len(self._bytes(text[position : mark.start()]))
            end = start + len(self._bytes(mark[1]))
            found.append(Change(start, end, self._bytes(mark[2])))
            position, start = mark.end(), end
        return found

    def context(self) -> Trial:
        """The small NAT before anything has passed; what is mapped stands from the beginning."""
        values = (self.history or [self])[0].values
        mapped = {
            Endpoint.parse(internal): Endpoint.parse(external)
            for pair in (*self.history, self)
            for internal, external in pair.values.get("map", {}).items()
        }
        return small_nat(
            self.direction,
            Endpoint.parse(values.get("internal", PHONE)),
            Endpoint.parse(values.get("external", SEEN)),
            self.remote,
            transport=values.get("transport", "udp"),
            settings=values.get("settings", {}),
            presets=mapped,
        )

    def _bytes(self, text: str) -> bytes:
        text = text.replace("\n", self.values.get("line_end", "\r\n"))
        return text.encode(self.values.get("encoding", "utf-8"))


@cache
def pairs() -> dict[str, Pair]:
    """All pairs by name, in the order of files and within them."""
    found: dict[str, Pair] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for values in document["pair"]:
            merged = {**document.get("defaults", {}), **values}
            assert set(merged) <= KEYS, f"{path.name}: {set(merged) - KEYS}"
            assert merged["name"] not in found, f"two pairs {merged['name']}"
            found[merged["name"]] = Pair(path.stem, merged)
    return found
