"""Inside a worker: somebody's own module, and a context that asks the appliance.

Here nothing has to be safe: whatever the module does to this file's objects, it does to itself. It
has to be *kind*: an author who makes a mistake is to read a sentence about it, and not that a
process has ended.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Hashable, Iterable
from os import read, write
from types import MappingProxyType
from typing import Any

import msgspec

from alg import foreign
from alg.base import Edits, Reason, Refuse, Unavailable
from appliance.gateway.workers import frames, wishes
from appliance.gateway.workers.frames import FromWorker, ToWorker, Verb
from nat.endpoint import Direction, Endpoint

LONGEST_SOURCE = 1024 * 1024
"""Bytes of a module's file."""


class Over(BaseException):
    """The appliance is gone, or has given this worker up. Not an Exception: no module that catches
    every one of those is to go on without it."""


class Worker:
    """Serves one module for all its life. `line` is the descriptor of the socket to the appliance,
    `file` that of the module's file."""

    def __init__(self, line: int, file: int) -> None:
        self._line = line
        self._file = file
        self._module: foreign.Foreign
        self._settings: Any = MappingProxyType({})

    def run(self) -> None:
        """Until the appliance closes the line."""
        random.seed(0)  # noqa: TID251 (the module's own, in its own process: same seed, same bytes)
        try:
            while True:
                self._say(self._answer(self._hear()))
        except Over:
            return

    # --- the line ------------------------------------------------------------------------

    def _hear(self) -> ToWorker:
        try:
            data = read(self._line, 2 * frames.LARGEST_FRAME)
        except OSError:
            raise Over from None
        if not data:
            raise Over
        return frames.decode_from_appliance(data)

    def _say(self, frame: FromWorker) -> None:
        """What cannot be said as it is becomes a failure that says why."""
        try:
            data = frames.encode(frame)
            frames.decode_from_worker(data)
        except Exception as error:  # a text of the module's may be anything, surrogates too
            data = frames.encode(_failure(error))
        try:
            write(self._line, data)
        except OSError:
            raise Over from None

    def ask(self, verb: Verb | frames.AskWish) -> Any:
        """The appliance's answer to a verb of the context. Raises Unavailable, and ValueError for
        what nobody could be granted."""
        data = frames.encode(verb)
        frames.decode_from_worker(data)  # so that the module hears of it, and not the appliance
        try:
            write(self._line, data)
        except OSError:
            raise Over from None
        while True:
            answer = self._hear()
            if isinstance(answer, frames.Granted):
                return answer.value
            if isinstance(answer, frames.Denied):
                raise (Unavailable if answer.unavailable else ValueError)(answer.sentence)
            # To grant it, the NAT has to decide something that the module wants to decide.
            self._say(self._answer(answer))

    # --- questions -----------------------------------------------------------------------

    def _answer(self, question: ToWorker) -> FromWorker:
        try:
            if isinstance(question, frames.Load):
                return self._load(question)
            if isinstance(question, frames.Inspect):
                return _packed(self._module.inspect(question.message, self._context(question)))
            if isinstance(question, frames.Explain):
                return _explained(self._module.explain(question.rule))
            if isinstance(question, frames.Decide):
                return self._decide(question)
        except Over:
            raise
        except BaseException as error:  # whatever it raises, also SystemExit
            return _failure(error)
        raise Over  # an answer to nothing

    def _load(self, question: frames.Load) -> FromWorker:
        with io.FileIO(self._file) as file:
            source = file.read(LONGEST_SOURCE + 1) or b""
        if len(source) > LONGEST_SOURCE:
            return frames.Unusable(f"{question.path!r} is longer than {LONGEST_SOURCE} bytes")
        try:
            self._module = module = foreign.load(
                source, question.path, question.class_name, question.application
            )
            waits, adjusts, reads_each_segment = module.manners
            manners = bool(waits), bool(adjusts), bool(reads_each_segment)
            loaded = frames.Loaded(
                module.name, module.application, sorted(module.decisions), manners
            )
            frames.decode_from_worker(frames.encode(loaded))
        except Exception as error:
            is_told = isinstance(error, foreign.ForeignError)
            return frames.Unusable(_short(str(error)) if is_told else _text(error))
        return loaded

    def _context(self, question: frames.Inspect) -> Context:
        if question.settings is not None:
            self._settings = MappingProxyType(msgspec.msgpack.decode(question.settings))
        return Context(self.ask, question, self._settings)

    def _decide(self, question: frames.Decide) -> FromWorker:
        normal, facts = wishes.unpacked(question, self.ask)
        answer = self._module.decisions[question.point](normal, *facts)
        return frames.Decided(answer)


class Context:
    """The `alg.base.AlgContext` of a worker: each verb is a question to the appliance."""

    def __init__(
        self,
        ask: Callable[[Verb], Any],
        question: frames.Inspect,
        settings: Any,
    ) -> None:
        self._ask = ask
        self.direction = Direction(question.direction)
        self.internal = Endpoint(*question.internal)
        self.external = Endpoint(*question.external)
        self.remote = Endpoint(*question.remote)
        self.transport = question.transport
        self.settings = settings

    def external_of(self, internal: Endpoint, transport: Any = "udp") -> Endpoint | None:
        return _endpoint(self._ask(frames.ExternalOf(internal, transport)))

    def internal_of(self, external: Endpoint, transport: Any = "udp") -> Endpoint | None:
        return _endpoint(self._ask(frames.InternalOf(external, transport)))

    def is_external_address(self, address: int) -> bool:
        return bool(self._ask(frames.IsExternalAddress(address)))

    def map(self, internal: Endpoint, transport: Any = "udp") -> Endpoint:
        return Endpoint(*self._ask(frames.Map(internal, transport)))

    def map_pair(self, internal: Endpoint) -> Endpoint:
        return Endpoint(*self._ask(frames.MapPair(internal)))

    def expect(
        self,
        internal: Endpoint,
        remote: Endpoint | None,
        *,
        transport: Any = "udp",
        parent: Hashable,
        reason: str,
        lifetime: float,
        used_lifetime: float | None = None,
        silence: float | None = None,
    ) -> None:
        seconds = lifetime, used_lifetime, silence
        self._ask(frames.Expect(internal, remote, transport, _parent(parent), reason, *seconds))

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        self._ask(frames.Close(_parent(parent), internal))

    def keep(self, seconds: float) -> None:
        self._ask(frames.Keep(seconds))

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        self._ask(frames.Remember(pack(key), pack(value), lifetime))

    def recall(self, key: Hashable) -> Any:
        packed = self._ask(frames.Recall(pack(key)))
        return None if packed is None else unpack(packed)

    def forget(self, key: Hashable) -> None:
        self._ask(frames.Forget(pack(key)))


# --- values ----------------------------------------------------------------------------


def pack(value: Any) -> bytes:
    """Plain data as bytes. Raises TypeError for what is none."""
    return frames.encode(_tagged(value))


def unpack(packed: bytes) -> Any:
    return _untagged(msgspec.msgpack.decode(packed))


def _tagged(value: Any) -> Any:
    """MessagePack has arrays only; what kind of sequence a value is, is told before it."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, Endpoint):
        return ["endpoint", *value]
    if isinstance(value, tuple | list | set | frozenset):
        kind = next(each for each in KINDS if isinstance(value, each))
        members: Iterable[Any] = value if isinstance(value, tuple | list) else sorted(value)
        return [kind.__name__, *map(_tagged, members)]
    if isinstance(value, dict):
        return ["dict", *([_tagged(key), _tagged(each)] for key, each in value.items())]
    raise TypeError(f"{type(value).__name__} is not plain data and cannot be remembered")


KINDS = (tuple, list, set, frozenset)
MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    **{kind.__name__: kind for kind in KINDS},
    "endpoint": lambda numbers: Endpoint(*numbers),
}


def _untagged(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, *members = value
    if kind == "dict":
        return {_untagged(key): _untagged(each) for key, each in members}
    return MAKERS[kind]([_untagged(each) for each in members])


def _endpoint(pair: Any) -> Endpoint | None:
    return None if pair is None else Endpoint(*pair)


def _parent(parent: Any) -> Any:
    """What a call is named by: text, a number, or a few of them; bytes count as their text."""
    if isinstance(parent, bytes):
        return parent.decode("latin-1")
    return tuple(map(_parent, parent)) if isinstance(parent, tuple | list) else parent


# --- answers ---------------------------------------------------------------------------


def _packed(answer: object) -> FromWorker:
    if isinstance(answer, Refuse):
        return frames.Refused(answer.rule)
    if isinstance(answer, Edits):
        edits = [(e.start, e.end, e.replacement, e.field, e.rule) for e in answer.edits]
        return frames.Edited(edits, answer.reading.value, answer.note)
    raise TypeError(f"the module answered {type(answer).__name__}, not Edits or Refuse")


def _explained(reason: Any) -> FromWorker:
    sentence, rfc = reason if isinstance(reason, Reason) else Reason(*reason)
    return frames.Explained(sentence, rfc)


def _failure(error: BaseException) -> frames.Failed:
    return frames.Failed(_text(error), isinstance(error, Unavailable))


def _text(error: BaseException) -> str:
    """What went wrong, however the module wrote it."""
    try:
        text = str(error)
    except BaseException:
        text = "(its text raises as well)"
    if isinstance(error, Unavailable | frames.BadFrame):
        return _short(text)
    return _short(f"{type(error).__name__}: {text}")


def _short(text: str) -> str:
    return text[:400].encode("utf-8", "replace").decode("utf-8", "replace")
