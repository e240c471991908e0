"""Where a field of a message leads: to the mapping that it is about, to what a party made of it,
and to the fault that spoiled it.

Nothing is guessed: a party's act is one that was told, of this field or of one that it is a part
of; a fault is one that has bitten the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.journal.events import Event, MessageDiscarded, MessagePassed, PartyLearnt
from appliance.journal.rows import FAULTS, ChangeOf, applied
from appliance.journal.wording import as_wanted
from tui.endpoint import address_of, port_of
from tui.model import Message, Model
from tui.translations import flow_key

_MEDIA = ("sdp.c", "sdp.m")
"""Fields that say where media is to be sent."""
_NAMES_ONLY = "sdp.o"
"""The o= line names the session: nobody sends to its address (RFC 8866 5.2)."""
_PORT = re.compile(r"m=\S+ (\d+)")
_CONNECTION = re.compile(r"^c=IN IP[46] ([^\s/]+)", re.MULTILINE)


def mapping(model: Model, message: MessagePassed, change: ChangeOf) -> str:
    """The key of the row that a field is about; empty when there is none now. Many rows have the
    same address: one that media is sent to means the row of that media, any other one rather the
    message's own flow."""
    rows = [(row, {_ends(row.internal), _ends(row.external)}) for row in model.translations.rows()]
    if change.field.startswith(_MEDIA):
        media = set(_media(message, change))
        found = [row.key for row, ends in rows if media & ends]
        return found[0] if found else ""
    values = {change.before, change.after, change.expected}
    exact = [row.key for row, _ in rows if values & {row.internal, row.external}]
    alike = [row.key for row, ends in rows if values & {part for end in ends for part in end}]
    own = [key for key in alike if key == flow_key(message.flow or 0)]
    return next(iter(exact or own or alike), "")


def _ends(endpoint: str) -> tuple[str, str]:
    return address_of(endpoint), port_of(endpoint)


def _media(message: MessagePassed, change: ChangeOf) -> Iterator[tuple[str, str]]:
    """Address and port of each medium that a field of a session description is about: as the
    message came, as it left, and as a correct module writes it."""
    came = list(_described(message.before))
    right = applied(message.before, [as_wanted(each) for each in message.changes])
    for text in (message.before, message.after, right):
        for (_, start, end), (ends, _, _) in zip(came, _described(text), strict=False):
            if start <= change.span[0] < end:
                yield ends


def _described(text: str) -> Iterator[tuple[tuple[str, str], int, int]]:
    """Each medium of the session descriptions in a text, with the stretch that tells of it: its own
    section, and what stands before the first one, where the c= of all is (RFC 8866 5.7)."""
    for described in re.finditer(r"^v=(?:(?!^v=).)*", text, re.MULTILINE | re.DOTALL):
        common, *sections = re.split(r"^(?=m=)", described[0], flags=re.MULTILINE)
        at = described.start() + len(common)
        for section in sections:
            port = _PORT.search(section)
            own = _CONNECTION.search(section)
            of_all = _CONNECTION.search(common)
            where = own or of_all
            if port and where:
                ends = where[1], port[1]
                yield ends, at, at + len(section)
                if own is None:
                    yield ends, described.start(), described.start() + len(common)
            at += len(section)


# --- the party -----------------------------------------------------------------------------------


def act(model: Model, message: MessagePassed, field: str) -> int | None:
    """The number of the event in which a party acted on a field, or threw away what had it; None
    where none tells of it. An answer repeats what its request said (RFC 3261 8.2.6.2)."""
    first = model.seen - len(model.log)
    told = [(first + at, each) for at, each in enumerate(model.log) if _is_about(each, field)]
    own = (at for at, each in told if each.cause == message.id)
    answer = f"({message.summary})"
    later = (
        at
        for at, each in told
        if isinstance(each, MessageDiscarded) and each.id > message.id
        if each.summary.endswith(answer)
    )
    return next(own, None) or next(later, None)


def _is_about(event: Event, field: str) -> bool:
    if not isinstance(event, PartyLearnt | MessageDiscarded) or not event.field:
        return False
    return field.startswith(event.field) and not field.startswith(_NAMES_ONLY)


def answer(model: Model, message: MessagePassed) -> Message | None:
    """The message that its receiver answered with; None where none has passed."""
    back = (
        each
        for each in model.messages
        if each.event.id > message.id and each.event.call_id == message.call_id
        if each.event.direction != message.direction
    )
    said = f"({message.summary})"
    return next((each for each in back if each.event.summary.endswith(said)), None)


# --- the fault -----------------------------------------------------------------------------------


def fault(message: MessagePassed, change: ChangeOf) -> str:
    """The name of the fault that spoiled a field; empty where none did. Of several that have bitten
    the message, the one that wrote it, or else the first."""
    if change.verdict not in FAULTS:
        return ""
    rule = getattr(change, "rule", "")
    return rule if rule in message.bitten else next(iter(message.bitten), "")
