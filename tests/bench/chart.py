"""The result as an SVG: one group of bars a measure, each relative to the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from tests.bench.measures import Measure

WIDTH, BAR, GAP, LABEL, NUMBERS = 760, 18, 26, 230, 110
OURS, OTHERS, TEXT, PALE = "#0a7d8c", "#b9c4cc", "#22303a", "#6b7a86"
FONT = "font-family='system-ui, sans-serif' font-size='13'"


def draw(
    measures: Sequence[Measure],
    titles: Mapping[str, str],
    medians: Mapping[str, Mapping[str, float]],
) -> str:
    """`medians[contestant][measure]`; `titles[contestant]` is its name for people."""
    parts: list[str] = []
    y = GAP
    for measure in measures:
        better = "more is better" if measure.more else "less is better"
        parts.append(_text(0, y, f"{measure.title} ({measure.unit}, {better})", TEXT, "600"))
        y += 10
        results = {name: row[measure.name] for name, row in medians.items() if measure.name in row}
        largest = max(results.values(), default=1.0)
        for name, value in sorted(results.items(), key=lambda item: -item[1]):
            parts.append(_bar(y, titles[name], value, value / largest, name == "glassnat"))
            y += BAR + 4
        y += GAP
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {y}' {FONT}>"
    return "\n".join([head, *parts, "</svg>", ""])


def _bar(y: int, title: str, value: float, share: float, ours: bool) -> str:
    length = max(1, round(share * (WIDTH - LABEL - NUMBERS)))
    color = OURS if ours else OTHERS
    return "\n".join(
        [
            _text(0, y + BAR - 5, title, TEXT if ours else PALE, "600" if ours else "400"),
            f"<rect x='{LABEL}' y='{y}' width='{length}' height='{BAR}' rx='2' fill='{color}'/>",
            _text(LABEL + length + 6, y + BAR - 5, f"{value:.3g}", TEXT, "400"),
        ]
    )


def _text(x: int, y: int, words: str, color: str, weight: str) -> str:
    return f"<text x='{x}' y='{y}' fill='{color}' font-weight='{weight}'>{escape(words)}</text>"
