"""A figure with what it must reach and what it aims at, and those that compare contestants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Medians = Mapping[str, Mapping[str, float]]
"""medians[contestant][measure]"""


@dataclass(frozen=True, slots=True)
class Figure:
    """`must` and `aim` are bounds on the side that `more` says is the good one."""

    title: str
    unit: str
    value: float
    must: float
    aim: float
    more: bool

    def line(self) -> str:
        good = self.value >= self.must if self.more else self.value <= self.must
        sign = "≥" if self.more else "≤"
        verdict = "" if good else "   MISSED"
        bounds = f"must {sign} {self.must:g}, aim {sign} {self.aim:g}"
        return f"{self.title:58} {self.value:>10.4g} {self.unit:12} {bounds}{verdict}"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measure of ours, over the same measure of the best of some others."""

    title: str
    measure: str
    others: Sequence[str]
    must: float
    aim: float
    more: bool = True

    def of(self, medians: Medians) -> Figure | None:
        """None when somebody did not take part."""
        ours = medians.get("glassnat", {}).get(self.measure)
        theirs = [
            row[self.measure]
            for name in self.others
            if self.measure in (row := medians.get(name, {}))
        ]
        if ours is None or len(theirs) < len(self.others):
            return None
        best = max(theirs) if self.more else min(theirs)
        return Figure(self.title, "", ours / best, self.must, self.aim, self.more)


SLIRP = ("slirp65520", "slirp1500")
RATIOS = (
    Ratio("TCP out, against the kernel's masquerade", "tcp_out", ("kernel",), 0.75, 1.0),
    Ratio("TCP in, against the kernel's masquerade", "tcp_in", ("kernel",), 0.75, 1.0),
    Ratio("TCP out, against the bare copy loop", "tcp_out", ("bare",), 0.88, 0.95),
    Ratio("TCP in, against the bare copy loop", "tcp_in", ("bare",), 0.88, 0.95),
    Ratio("TCP out, against slirp4netns at its best MTU", "tcp_out", SLIRP, 2.0, 3.0),
    Ratio("TCP in, against slirp4netns at its best MTU", "tcp_in", SLIRP, 2.0, 3.0),
    Ratio("172-byte UDP, against the bare copy loop", "small_udp", ("bare",), 0.70, 0.85),
    Ratio("172-byte UDP, against slirp4netns", "small_udp", SLIRP, 1.0, 1.1),
    Ratio("172-byte UDP, against pasta", "small_udp", ("pasta",), 0.8, 1.0),
    Ratio("round trip, against the bare copy loop", "round_trip", ("bare",), 1.3, 1.1, more=False),
)


def compared(medians: Medians) -> list[Figure]:
    """All ratios whose contestants took part, and UDP_SEGMENT against plain sends."""
    figures = [figure for ratio in RATIOS if (figure := ratio.of(medians))]
    ours = medians.get("glassnat", {})
    if "segmented_udp" in ours and "plain_udp" in ours:
        gain = ours["segmented_udp"] / ours["plain_udp"]
        figures.append(Figure("UDP_SEGMENT, against plain sends", "", gain, 5, 15, True))
    return figures
