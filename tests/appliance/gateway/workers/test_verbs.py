"""A verb that a worker asks for is one of the context's, with its arguments in their places."""

from __future__ import annotations

from typing import Any

import pytest

from alg.base import Unavailable
from appliance.gateway.workers import frames
from appliance.gateway.workers.verbs import DONE, Verbs
from nat.endpoint import Endpoint

ENDS = Endpoint(0xC0A81464, 5060)
REMOTE = Endpoint(0xCB007109, 0)


class Recording:
    """Answers to every verb what it was asked."""

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: (name, *given, *named.values())


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        (frames.ExternalOf(ENDS, "tcp"), ("external_of", ENDS, "tcp")),
        (frames.InternalOf(ENDS, "udp"), ("internal_of", ENDS, "udp")),
        (frames.IsExternalAddress(5), ("is_external_address", 5)),
        (frames.Map(ENDS, "udp"), ("map", ENDS, "udp")),
        (frames.MapPair(ENDS), ("map_pair", ENDS)),
        (frames.Recall(b"k"), ("recall", b"k")),
    ],
)
def test_what_is_asked_is_asked_of_the_context(verb: frames.Verb, asked: object) -> None:
    answer = Verbs(Recording()).do(verb)  # type: ignore[arg-type]
    assert answer == asked
    assert all(type(part) is Endpoint for part in answer if isinstance(part, tuple))  # type: ignore[attr-defined]


class Telling:
    """Keeps what it was told to do."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: self.told.append((name, *given, *named.values()))


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        (
            frames.Expect(ENDS, REMOTE, "udp", "call", "audio", 60.0, None),
            ("expect", ENDS, REMOTE, "udp", "call", "audio", 60.0, None, None),
        ),
        (
            frames.Expect(ENDS, None, "tcp", "call", "audio", 60.0, 90.0, 30.0),
            ("expect", ENDS, None, "tcp", "call", "audio", 60.0, 90.0, 30.0),
        ),
        (frames.Close("call", None), ("close", "call", None)),
        (frames.Close("call", ENDS), ("close", "call", ENDS)),
        (frames.Keep(60.0), ("keep", 60.0)),
        (frames.Remember(b"k", b"v", 60.0), ("remember", b"k", b"v", 60.0)),
        (frames.Forget(b"k"), ("forget", b"k")),
    ],
)
def test_what_is_to_be_done_is_done_and_answers_nothing(verb: frames.Verb, told: object) -> None:
    context = Telling()
    assert Verbs(context).do(verb) is None  # type: ignore[arg-type]
    assert context.told == [told]


def test_no_verb_is_left_out() -> None:
    assert {*DONE} == {*frames.QUESTIONS} - {frames.AskWish}


def test_what_belongs_to_decisions_is_no_verb() -> None:
    with pytest.raises(ValueError, match="only a decision"):
        Verbs(Telling()).do(frames.AskWish("is_free", 1))  # type: ignore[arg-type]


def test_what_the_context_refuses_is_refused() -> None:
    class Refusing:
        def map(self, internal: Endpoint, transport: str) -> Endpoint:
            raise Unavailable("no port")

    with pytest.raises(Unavailable, match="no port"):
        Verbs(Refusing()).do(frames.Map(ENDS, "udp"))  # type: ignore[arg-type]
