"""How the call went, in human terms: who hears whom, as two sentences with two bars.

While the call lasts the verdict is what the counts say so far; when the simulation ends, the
parties' own word replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from appliance.journal.repeats import calls_of
from tui.calls import BAD, in_a_word
from tui.draw.lines import Line, Style, wrap_sentences
from tui.endpoint import shares, shortened
from tui.model import BOTH_WAYS, Model, Stream

_BAR = 10
_BESIDE_NAMES = len("    hears   of  ") + _BAR + len(" 100%")
"""Characters of a direction of audio, but for its two names and two counts."""


def headline(model: Model, name: str = "") -> tuple[str, Style]:
    """The outcome in a word or two, and whether it is good. `name`: of this call alone."""
    if model.outcome is not None:
        return spelled(model.outcome.outcome)
    if word := _counted(model, name):
        return word
    streams = list(model.streams.values())
    if streams and any(stream.sent >= 10 for stream in streams):
        return _heard_so_far(streams)
    call = model.calls.find(name) or model.current_call()
    if call is None:
        return "nothing yet", Style.FAINT
    state = model.state_of(call)
    text = state if call.kind == "registration" else f"{call.kind} {state}"
    return text, Style.BAD if state in BAD or state != call.state else Style.PLAIN


def spelled(word: str) -> tuple[str, Style]:
    """An outcome word as it stands on the screen."""
    text = word.replace("-", " ").upper().replace("ONE WAY", "ONE-WAY")
    return text, Style.GOOD if word == BOTH_WAYS else Style.BAD


def in_short(word: str) -> tuple[str, Style]:
    """The same where there is little room; a dot while nobody knows it."""
    if not word:
        return "·", Style.FAINT
    text, style = spelled(word)
    short = text.removesuffix(" AUDIO").removesuffix(" WAYS").replace("REGISTRATION", "REG.")
    return short, style


def _counted(model: Model, name: str) -> tuple[str, Style] | None:
    """What a running appliance's counters say of a call."""
    calls, state = model.calls, model.calls.find(name)
    if inferred := calls.inferred(name):
        word, _, how = in_a_word(inferred).partition(", ")
        return f"{word.upper()}, {how}", Style.BAD
    goes_on = state is not None and state.state == "answered"
    if goes_on and calls.counted.call == name and calls.counted.goes_both_ways:
        return "BOTH WAYS, counted", Style.GOOD
    return None


def _heard_so_far(streams: list[Stream]) -> tuple[str, Style]:
    heard = [stream for stream in streams if not stream.in_trouble]
    if not heard:
        return "NO AUDIO", Style.BAD
    if len(heard) < len(streams) or len(streams) == 1:
        return "ONE-WAY AUDIO", Style.BAD
    return "BOTH WAYS", Style.GOOD


def rows(model: Model, width: int, name: str = "", most: int = 3) -> list[Line]:
    """At least three lines: the verdict, and a bar for each direction or, without audio, what was
    seen, in about `most` rows besides the verdict."""
    text, style = headline(model, name)
    when = "OUTCOME" if model.outcome is not None else "SO FAR "
    verdict = Line(f" {when}  ", Style.FAINT).add(text, style)
    for at, (calls, word) in enumerate(_by_call(model)):
        short, how = in_short(word)
        verdict.add(f" · {'' if at else 'call '}{calls} ", Style.FAINT).add(short, how)
    lines = [verdict.cut(width)]
    streams = list(model.streams.values())[:2]
    digits = max((len(str(stream.sent)) for stream in streams), default=0)
    sentences = [_hears(stream, width - _BESIDE_NAMES - 2 * digits) for stream in streams]
    room = max((len(sentence) for sentence in sentences), default=0)
    for stream, sentence in zip(streams, sentences, strict=True):
        counts = f"{stream.heard:>{digits}} of {stream.sent:<{digits}}"
        lines.append(_bar(stream, f"   {sentence:<{room}} {counts} ").cut(width))
    if not streams:
        said = _sentence(model, name).split("; ")
        lines += [Line(f"   {row}") for row in wrap_sentences(said, width - 3, most)]
    return lines + [Line()] * (3 - len(lines))


def _by_call(model: Model) -> Iterator[tuple[str, str]]:
    """Where there were several calls: their numbers, and how they ended, like ones together."""
    rows = [] if model.outcome is None else list(calls_of(model.outcome))
    if len(rows) < 2:
        return
    for word, alike in groupby(rows, key=lambda row: row[1]):
        first, *_, last = [number for number, *_ in alike] * 2
        yield str(first) if first == last else f"{first}-{last}", word


def _sentence(model: Model, name: str) -> str:
    if model.outcome is not None:
        return model.outcome.sentence
    return model.calls.counted.verdict if model.calls.counted.call == name else ""


def _hears(stream: Stream, room: int) -> str:
    """`alice hears bob`; `room`: characters for the two names, which may be addresses."""
    listener, talker = shares(len(stream.listener), len(stream.talker), room)
    return f"{shortened(stream.listener, listener)} hears {shortened(stream.talker, talker)}"


def _bar(stream: Stream, sentence: str) -> Line:
    share = stream.heard / stream.sent if stream.sent else 0.0
    full = min(int(share * _BAR + 0.5), _BAR)
    style = Style.BAD if stream.in_trouble else Style.GOOD
    return Line(sentence).add("█" * full + "░" * (_BAR - full), style).add(f" {share:4.0%}")
