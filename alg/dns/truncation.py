"""An answer by UDP that has become longer than its asker takes: 512 bytes, or as many as the
question's OPT record says (RFC 1035 4.2.1, RFC 6891 6.2.3).

    512 bytes before        the name of an address has grown       what leaves
    question                question                               question
    answer                  answer                                 answer
    additional              additional      → 530 bytes            (left out, it was only offered)

Whoever finds something missing that belongs to the answer is told so by the bit TC and asks again,
by TCP (RFC 2181 9); what else came with it is not looked at then, and is left out too. An OPT
record stays in any case (RFC 6891 7).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from alg.base import Edit
from alg.dns.message import ADDITIONAL, OPT, SECTIONS, Message

TRUNCATED = 0x02
"""TC, in the third byte of the header."""
SHORTEST = 512
"""Bytes that everybody takes by UDP (RFC 1035 4.2.1)."""


def taken_by(question: Message) -> int:
    """How many bytes of an answer by UDP the asker takes (RFC 6891 6.2.3)."""
    sizes = [each.klass for each in question.records if each.type == OPT]
    return max([SHORTEST, *sizes])


def fitted(said: Message, edits: Sequence[Edit], room: int) -> list[Edit]:
    """The edits of an answer, and if it would be longer than `room` (bytes) with them, those that
    make it shorter."""
    made = list(edits)
    if _size(said, made) > room:
        made = _without((ADDITIONAL,), said, edits)
    if _size(said, made) > room:
        at = said.begin + 2
        truncated = bytes((said.data[at] | TRUNCATED,))
        made = _without(SECTIONS, said, edits)
        made.append(Edit(at, at + 1, truncated, "header.tc", "truncated"))
    return made


def _size(said: Message, edits: Sequence[Edit]) -> int:
    return len(said.data) + sum(len(each.replacement) - (each.end - each.start) for each in edits)


def _without(sections: Collection[str], said: Message, edits: Sequence[Edit]) -> list[Edit]:
    """The edits for a message without these sections, but for an OPT record."""
    gone = list(_runs(sections, said))
    kept = [edit for edit in edits if not any(at <= edit.start < end for at, end in gone)]
    left_out = [Edit(at, end, b"", "records", "left-out") for at, end in gone]
    return [*kept, *left_out, *_counts(sections, said)]


def _runs(sections: Collection[str], said: Message) -> Iterator[tuple[int, int]]:
    """Where records stand that are left out: from one that stays to the next."""
    begin = end = 0
    for record in said.records:
        if record.section not in sections or record.type == OPT:
            continue
        if record.name.start != end:
            if begin < end:
                yield begin, end
            begin = record.name.start
        end = record.end
    if begin < end:
        yield begin, end


def _counts(sections: Collection[str], said: Message) -> Iterator[Edit]:
    for number, section in enumerate(SECTIONS):
        if section in sections:
            of_section = [each for each in said.records if each.section == section]
            kept = sum(each.type == OPT for each in of_section)
            if kept < len(of_section):
                at = said.begin + 6 + 2 * number
                yield Edit(at, at + 2, kept.to_bytes(2), f"header.{section}", "left-out")
