"""Inside a worker: what its author is told, and what a memory keeps."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from appliance.gateway.workers import frames
from appliance.gateway.workers.frames import FromWorker, ToWorker
from appliance.gateway.workers.worker import Worker, pack, unpack
from nat.endpoint import Endpoint
from tests.support.hostile import Hostile


@pytest.mark.parametrize(
    "value",
    [
        None, True, 1, 1.5, "text", b"bytes", (), (1, ("a", b"b")), [1, [2]], {"a": (1, 2), 3: []},
        Endpoint.parse("192.0.2.1:5060"), (Endpoint.parse("192.0.2.1:5060"), 1), {1, 2},
        frozenset("a"),
    ],
    ids=repr,
)  # fmt: skip
def test_plain_data_comes_back_as_what_it_was(value: Any) -> None:
    back = unpack(pack(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", [object(), print, [object()], {"a": object()}, 1j])
def test_what_is_not_plain_cannot_be_remembered(value: object) -> None:
    with pytest.raises(TypeError, match="plain data"):
        pack(value)


def conversation(module: Hostile, *said: ToWorker) -> list[FromWorker]:
    """What a worker says to each of these, until the line is closed."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far, tempfile.TemporaryDirectory() as folder:
        path = module.write(Path(folder)).partition(":")[0]
        file = os.open(path, os.O_RDONLY)
        thread = Thread(target=Worker(far.fileno(), file).run)
        thread.start()
        heard = []
        for frame in (frames.Load(path, "Mine", "sip"), *said):
            near.send(frames.encode(frame))
            heard.append(frames.decode_from_worker(near.recv(frames.LARGEST_FRAME)))
        near.shutdown(socket.SHUT_RDWR)
        thread.join()
    return heard[1:]


INSPECT = frames.Inspect(
    b"message", "out", (1, 5060), (2, 5060), (3, 5060), "udp", frames.encode({"a": 1})
)


def test_a_verb_is_asked_and_its_answer_is_granted() -> None:
    module = Hostile("return Edits(note=str(context.map(context.internal)))")
    verb, answer = conversation(module, INSPECT, frames.Granted((2, 1024)))
    assert verb == frames.Map((1, 5060), "udp")
    assert answer == frames.Edited([], "message", "0.0.0.2:1024")


@pytest.mark.parametrize("unavailable", [True, False])
def test_what_is_denied_is_raised(unavailable: bool) -> None:
    """And, when the module does not catch it, told: as unavailable, or as its mistake."""
    module = Hostile("return Edits(note=str(context.map(context.internal)))")
    _, answer = conversation(module, INSPECT, frames.Denied("no port", unavailable))
    sentence = "no port" if unavailable else "ValueError: no port"
    assert answer == frames.Failed(sentence, unavailable)


def test_a_decision_may_be_asked_while_a_verb_waits() -> None:
    """The NAT may have to decide something before it can grant what was asked for."""
    module = Hostile(
        "return Edits(note=str(context.map(context.internal)))",
        made="self.decisions = {'port': lambda normal, wish: normal + wish.is_free(5)}",
    )
    heard = conversation(
        module,
        INSPECT,
        frames.Decide("port", 1024, [[17, (1, 5060)]]),
        frames.Granted(True),
        frames.Granted((2, 1025)),
    )
    assert heard[1:] == [
        frames.AskWish("is_free", 5),
        frames.Decided(1025),
        frames.Edited([], "message", "0.0.0.2:1025"),
    ]


def test_settings_are_kept_until_others_come() -> None:
    module = Hostile("return Edits(note=str(context.settings['a']))")
    again = frames.Inspect(b"message", "in", (1, 1), (2, 2), (3, 3), "tcp", None)
    assert conversation(module, INSPECT, again) == [frames.Edited([], "message", "1")] * 2


def test_an_explanation_may_be_any_pair_of_texts() -> None:
    module = Hostile(explain="return (rule, 'RFC 1')")
    assert conversation(module, frames.Explain("x")) == [frames.Explained("x", "RFC 1")]
