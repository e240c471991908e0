"""What becomes of each question to the name server, without a socket and without a clock.

    a question comes                         it is answered
    for a name of ours                       at once, from our own zones
    for another, and there is a resolver     when the resolver has answered; its answer, as it came
    the same, and too many wait              SERVFAIL, at once
    the same, and nothing comes for 2 s      SERVFAIL
    for another, and there is no resolver    REFUSED
    that cannot be read                      FORMERR, NOTIMP (`parties/zone.py`)
    that is an answer                        not at all (RFC 5625 6)

The resolver gets the question with a random identifier in the place of the asker's, from a random
port that is in use for this question alone (RFC 5452 9.2); its answer is taken only with that
identifier and with the same question in it. So nobody who only guesses can put an answer in its
place. What waits is bounded, for each host and in all.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from appliance.parties.zone import (
    HEADER,
    IS_ANSWER,
    LONGEST_ANSWER,
    LONGEST_BY_TCP,
    LONGEST_PLAIN,
    OPERATION,
    RECURSION_DESIRED,
    Bad,
    Question,
    Zone,
    answer,
    read,
    zone_of,
)

PATIENCE = 2.0
"""Seconds that the resolver has."""
MOST_OF_A_HOST = 32
MOST = 256
"""Questions that wait for the resolver, of one host and of all."""
SERVFAIL = 2
TRUNCATED = 0x0200
RECURSION_AVAILABLE = 0x0080
IDENTIFIERS = 1 << 16


@dataclass(frozen=True, slots=True)
class Asker:
    """Who waits for an answer. `way` tells apart all that may ask at once: its socket and port;
    `longest` is what it can take, in bytes."""

    host: str
    way: Hashable
    longest: int


@dataclass(frozen=True, slots=True)
class Errand:
    """A question on its way to the resolver. `sent` is what is to be sent to it."""

    asker: Asker
    sent: bytes
    asked: bytes
    """The question as the asker wrote it."""
    until: float
    by_tcp: bool

    @property
    def key(self) -> tuple[Hashable, bytes]:
        return self.asker.way, self.asked


class Forwarding:
    """`zones` are our own; `forwards`: is there a resolver? Identifiers come from `rng`. Times are
    in seconds on the caller's clock."""

    def __init__(self, zones: Sequence[Zone], forwards: bool, rng: random.Random) -> None:
        self._zones = zones
        self._forwards = forwards
        self._rng = rng
        self._of_host: Counter[str] = Counter()
        self._waiting: dict[tuple[Hashable, bytes], Errand] = {}

    def ask(self, query: bytes, asker: Asker, by_tcp: bool, now: float) -> bytes | Errand:
        """A question has come: the answer (empty: none is to be sent), or what the resolver is to
        be asked."""
        question = _readable(query)
        if question is None or not self._is_for_resolver(question):
            return answer(query, self._zones, asker.longest)
        if (asker.way, query) in self._waiting:
            return b""  # it was asked again: the answer is on its way
        if len(self._waiting) >= MOST or self._of_host[asker.host] >= MOST_OF_A_HOST:
            return failed(query)
        identifier = self._rng.randrange(IDENTIFIERS)
        sent = identifier.to_bytes(2) + query[2:]
        errand = Errand(asker, sent, query, now + PATIENCE, by_tcp)
        self._waiting[errand.key] = errand
        self._of_host[asker.host] += 1
        return errand

    def _is_for_resolver(self, question: Question) -> bool:
        is_ours = zone_of(question.name, self._zones) is not None
        is_plain = question.edns is None or question.edns.version == 0
        return self._forwards and not is_ours and is_plain

    def hear(self, errand: Errand, said: bytes) -> bytes | None:
        """The resolver has said something: the answer for the asker; None when it is none to this
        question, and the true one may still come."""
        if errand.key not in self._waiting or not _fits(errand.sent, said):
            return None
        self._over(errand)
        own = errand.asked[:2] + said[2:]
        return own if len(own) <= _room(errand) else _cut(own, errand.asked)

    def give_up(self, errand: Errand) -> bytes:
        """No answer has come in time, or none can: what the asker is told."""
        self._over(errand)
        return failed(errand.asked)

    def _over(self, errand: Errand) -> None:
        if self._waiting.pop(errand.key, None) is not None:
            self._of_host[errand.asker.host] -= 1
            if not self._of_host[errand.asker.host]:
                del self._of_host[errand.asker.host]


def failed(query: bytes) -> bytes:
    """SERVFAIL, with the question."""
    end = _end_of_question(query)
    identifier, flags, *_ = HEADER.unpack_from(query)
    flags = IS_ANSWER | flags & (OPERATION | RECURSION_DESIRED) | RECURSION_AVAILABLE | SERVFAIL
    return HEADER.pack(identifier, flags, 1, 0, 0, 0) + query[HEADER.size : end]


def _readable(query: bytes) -> Question | None:
    try:
        return read(query)
    except Bad:
        return None


def _end_of_question(query: bytes) -> int:
    """Where it ends in a message that could be read: its name is written out."""
    at = HEADER.size
    while query[at]:
        at += 1 + query[at]
    return at + 5


def _fits(sent: bytes, said: bytes) -> bool:
    """Is it an answer to what was sent (RFC 5452 9.1)? Upper and lower case may differ."""
    if len(said) < HEADER.size:
        return False
    identifier, flags, questions, *_ = HEADER.unpack_from(said)
    end = _end_of_question(sent)
    is_answer = flags & IS_ANSWER and identifier == int.from_bytes(sent[:2])
    same = said[HEADER.size : end].lower() == sent[HEADER.size : end].lower()
    return bool(is_answer) and questions == 1 and same


def _room(errand: Errand) -> int:
    """Bytes that the asker can take (RFC 6891 6.2.5)."""
    if errand.asker.longest == LONGEST_BY_TCP:
        return LONGEST_BY_TCP
    edns = read(errand.asked).edns
    said = LONGEST_PLAIN if edns is None else max(edns.size, LONGEST_PLAIN)
    return min(said, LONGEST_ANSWER)


def _cut(said: bytes, asked: bytes) -> bytes:
    """That there is more than fits: the asker comes again by TCP (RFC 7766 5)."""
    identifier, flags, *_ = HEADER.unpack_from(said)
    question = said[HEADER.size : _end_of_question(asked)]
    return HEADER.pack(identifier, flags | TRUNCATED, 1, 0, 0, 0) + question
