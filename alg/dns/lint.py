"""What is wrong with a DNS message, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alg.base import Finding
from alg.dns.message import IN, IS_ANSWER, LENGTH, A, Message, NotDns, read, read_any
from nat.endpoint import address_text
from nat.reach import is_inside_only

MOST = 20
"""Findings of one kind."""


def findings(message: bytes) -> Sequence[Finding]:
    """All of them; what is no DNS message has one."""
    try:
        said = read_any(message)
    except NotDns as reason:
        return (Finding("not-dns", f"{str(reason).capitalize()}.", "RFC 1035 4.1.1"),)
    return [*_structure(said), *_lost_length(message), *_private(said)]


def _structure(said: Message) -> Iterator[Finding]:
    if said.problem:
        sentence = f"The message has {said.problem}, at byte {said.end}."
        yield Finding("unreadable", sentence, "RFC 1035 4.1.4")
    elif said.end < len(said.data):
        count = len(said.data) - said.end
        yield Finding("trailing", f"{count} bytes stand behind the last record.", "RFC 1035 4.1")


def _lost_length(message: bytes) -> Iterator[Finding]:
    """A message of TCP whose length is another one, and which can be read without it."""
    try:
        behind, before = read(message, LENGTH), read(message, 0)
    except NotDns:
        return
    if before.problem and not behind.problem and behind.end == len(message):
        length = int.from_bytes(message[:LENGTH])
        if length != len(message) - LENGTH:
            sentence = f"The length before it says {length} bytes; it has {len(message) - LENGTH}."
            yield Finding("length", sentence, "RFC 1035 4.2.2")


def _private(said: Message) -> Iterator[Finding]:
    """Worth knowing of an answer that anybody may ask for."""
    told = 0
    for record in said.records:
        if not (said.flags & IS_ANSWER and record.type == A and record.klass == IN):
            continue
        data = said.data[record.start : record.end]
        if len(data) == 4 and is_inside_only(address := int.from_bytes(data)) and told < MOST:
            told += 1
            sentence = f"{record.name.text} leads to {address_text(address)}, which is private."
            yield Finding("private-address", sentence, "RFC 1918 3")
