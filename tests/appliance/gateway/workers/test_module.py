"""A module of somebody's own may do what it likes, and the NAT goes on (promise 4)."""

from __future__ import annotations

import os
import pwd
import re
from math import inf
from pathlib import Path

import pytest

from alg.base import Edits
from alg.edits import LARGEST_MESSAGE, apply
from alg.registry import SpecError
from appliance.gateway.inspection import TOO_MANY_ERRORS
from appliance.gateway.modules import load
from appliance.gateway.trial import Situation, Trial
from appliance.gateway.workers import module, workshop
from appliance.gateway.workers.module import LOOK_EVERY, MOST_FAILURES, MOST_UNASKED
from appliance.gateway.workers.nursery import shared
from appliance.gateway.workers.workshop import Workshop
from appliance.journal.events import AlgError, ExpectationOpened, MessagePassed, encode
from appliance.settings import files as config
from appliance.settings.table import SettingError
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario
from nat.endpoint import Direction, Endpoint, Side
from tests.support.hostile import AN_EDIT, EDIT_ALL, FOR_EVER, HOSTILE, LOADS_FOR_EVER, Hostile
from tests.support.packets import EXTERNAL, A, R, udp
from tests.support.processes import children, is_alive, processor_time
from tests.support.programs import until
from tests.support.sweep import sampled
from tests.support.world import NETWORKS, World

MESSAGE = b"OPTIONS sip:bob@example.org SIP/2.0\r\n\r\n"
EDITED = b"X" + MESSAGE[1:]
SENT = udp(f"{A}:5060", f"{R}:5060", MESSAGE)
HEADERS = 28
LOOPING = Hostile(FOR_EVER)


UNJUDGED = {"alg.sip.observe": False}
"""What the correct module calls wrong has its reason, and the module's own is not asked for."""


def passed(world: World) -> bytes:
    """What becomes of one more message."""
    ((_, left),) = world.send(Side.INSIDE, SENT)
    return left[HEADERS:]


def errors(world: World) -> list[str]:
    return [event.error for event in world.told(AlgError)]


def note(world: World) -> str:
    return world.told(MessagePassed)[-1].note


# --- whatever it does --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("hostile", sampled(HOSTILE.values(), 3), ids=HOSTILE.keys())
@pytest.mark.parametrize("by", sampled(["start", "set"], 2))
def test_whatever_a_module_does_its_message_passes_and_the_next_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: Hostile, by: str
) -> None:
    """Promise 4, with somebody watching: nothing is opened, and each failure is told."""
    spec = hostile.write(tmp_path)
    if hostile.error == LOADS_FOR_EVER:
        monkeypatch.setattr(workshop, "LOADING", 0.2)  # nothing else becomes of it in 2 s
    world = World()
    if not hostile.loads:
        with pytest.raises((SpecError, SettingError), match=hostile.error):
            World({"alg.sip.module": spec}) if by == "start" else world.set("alg.sip.module", spec)
        return
    if by == "start":
        world = World({"alg.sip.module": spec})
    else:
        world.set("alg.sip.module", spec)
    left = {AN_EDIT: EDITED, EDIT_ALL: b"X" * len(MESSAGE)}.get(hostile.inspect, MESSAGE)
    for _ in range(3):
        assert passed(world) == left
    assert len(errors(world)) == (3 if hostile.error else 0)
    assert all(re.search(hostile.error, error) for error in errors(world))
    assert not world.told(ExpectationOpened)


@pytest.mark.slow
def test_after_five_failures_in_a_row_it_is_off_until_somebody_sets_it_again(
    tmp_path: Path,
) -> None:
    spec = LOOPING.write(tmp_path)
    world = World({"alg.sip.module": spec})
    for _ in range(MOST_FAILURES + 2):
        assert passed(world) == MESSAGE
    assert len(errors(world)) == MOST_FAILURES
    assert "off until its file changes or somebody sets it again" in errors(world)[-1]
    assert "5 times in a row" in note(world)
    world.set("alg.sip.module", spec)
    passed(world)
    assert len(errors(world)) == MOST_FAILURES + 1


def test_one_good_answer_and_it_is_counted_anew(tmp_path: Path) -> None:
    """A worker that is replaced begins with its first message again: every second one fails."""
    every_second = Hostile(
        f"self.seen += 1\n        if self.seen == 2: os._exit(0)\n        {AN_EDIT}",
        made="self.seen = 0",
    )
    world = World({"alg.sip.module": every_second.write(tmp_path)})
    assert [passed(world) for _ in range(14)] == [EDITED, MESSAGE] * 7
    assert len(errors(world)) == 7 > MOST_FAILURES


@pytest.mark.slow
@pytest.mark.parametrize("broken", [LOOPING, Hostile("1 // 0")], ids=["looping", "raising"])
def test_a_file_that_is_saved_replaces_the_worker(tmp_path: Path, broken: Hostile) -> None:
    """Also of a module that is off, or off for a flow; looked at once a second."""
    world = World({"alg.sip.module": broken.write(tmp_path)})
    for _ in range(TOO_MANY_ERRORS):
        passed(world)
    Hostile().write(tmp_path)
    assert passed(world) == MESSAGE
    world.now += LOOK_EVERY
    world.engine.expire(world.now)
    assert passed(world) == EDITED


def test_a_file_that_is_saved_broken_is_told_and_its_messages_pass(tmp_path: Path) -> None:
    world = World({"alg.sip.module": Hostile().write(tmp_path)})
    assert passed(world) == EDITED
    (tmp_path / "mine.py").write_text("class (")
    world.now += LOOK_EVERY
    world.engine.expire(world.now)
    assert passed(world) == MESSAGE
    world.engine.expire(world.now)
    (error,) = errors(world)
    assert "SyntaxError" in error
    assert "off until its file changes" in error


def test_what_a_failed_message_asked_for_was_never_opened(tmp_path: Path) -> None:
    """The context is a transaction, also over a line that breaks."""
    opens = Hostile(
        "there = context.map(Endpoint(context.internal.address, 30000))\n"
        "        context.expect(Endpoint(context.internal.address, 30000), None, parent='x',"
        " reason='x', lifetime=60.0)\n"
        "        context.remember('k', 'v', 60.0)\n"
        "        os._exit(0)"
    )
    world = World({"alg.sip.module": opens.write(tmp_path)})
    passed(world)
    assert len(world.engine.nat.table.expectations) == 0
    assert not world.engine.nat.table.mappings.pinned
    assert not world.told(ExpectationOpened)


def test_what_is_asked_of_the_context_is_granted_and_remembered(tmp_path: Path) -> None:
    """Also by the worker that takes the place of one that has failed."""
    counts = Hostile(
        "seen = context.recall(('seen', context.internal)) or (0, [context.remote])\n"
        "        context.remember(('seen', context.internal), (seen[0] + 1, seen[1]), 60.0)\n"
        "        assert isinstance(seen[1][0], Endpoint)\n"
        "        there = context.map_pair(Endpoint(context.internal.address, 30000))\n"
        "        context.expect(Endpoint(context.internal.address, 30000), context.remote,"
        " parent=('call', 'x'), reason='audio', lifetime=60.0)\n"
        "        assert context.external_of(context.internal) == context.external\n"
        "        assert context.internal_of(context.external) == context.internal\n"
        "        assert context.is_external_address(context.external.address)\n"
        "        context.keep(600.0)\n"
        "        context.forget('nothing')\n"
        "        context.close(b'nothing')\n"
        "        return Edits(note=f'{seen[0]} {there.port} {context.settings[\"module\"][-4:]}')"
    )
    world = World({"alg.sip.module": counts.write(tmp_path)})
    for number in range(3):
        passed(world)
        assert errors(world) == []
        assert note(world) == f"{number} 30000 Mine"
    assert len(world.told(ExpectationOpened)) == 1
    world.engine.slots["sip"].module.close()  # type: ignore[attr-defined]
    assert len(world.engine.nat.table.expectations) == 1


# --- how it is loaded ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("missing.py:Mine", "no file"),
        ("{own}", "needs the name of its class"),
        ("{own}:", "needs the name of its class"),
        ("{own}:Mime", "did you mean 'Mine'"),
        ("{folder}/fifo.py:Mine", "is not an ordinary file"),
        ("{folder}/long.py:Mine", "is longer than"),
        ("{folder}/deaf.py:Mine", "no method 'explain'"),
        ("{folder}/broken.py:Mine", "SyntaxError"),
    ],
)
def test_a_file_that_is_no_module_is_one_sentence(tmp_path: Path, spec: str, sentence: str) -> None:
    Hostile().write(tmp_path)
    os.mkfifo(tmp_path / "fifo.py")
    (tmp_path / "long.py").write_bytes(b"#" * (1 << 20) + b"\n")
    (tmp_path / "deaf.py").write_text("class Mine:\n    def inspect(self, message, context): pass")
    (tmp_path / "broken.py").write_text("class (")
    world = World({"alg.sip.module": "sip"})
    before = world.engine.slots["sip"].module
    with pytest.raises((SpecError, SettingError), match=sentence):
        world.engine.slots.check(
            "sip", {"module": spec.format(own=tmp_path / "mine.py", folder=tmp_path), "faults": ()}
        )
    assert world.engine.slots["sip"].module is before


def test_it_is_nobody_and_has_nothing_of_the_appliance_s(tmp_path: Path) -> None:
    """Another user than root, in all three ways; no privileges; a session of its own; and no
    descriptor but its line (0 to 2 lead nowhere, and the listing has one)."""
    tells = Hostile(
        "status = dict(each.split(':', 1) for each in open('/proc/self/status'))\n"
        "        return Edits(note=' '.join([os.getcwd(), str(len(os.listdir('/proc/self/fd'))),"
        " str(sorted(os.environ)), *status['Uid'].split()[:3], status['Groups'].strip(),"
        " *(status['Cap' + each].strip() for each in ('Inh', 'Prm', 'Eff', 'Amb')),"
        " status['NoNewPrivs'].strip(), str(os.getsid(0) == os.getpid())]))"
    )
    world = World({"alg.sip.module": tells.write(tmp_path)})
    passed(world)
    environment = ["LANG", "PATH", "PYTHONHASHSEED", "PYTHONPATH"]
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.getuid()
    groups = "" if os.geteuid() == 0 else " ".join(map(str, sorted(os.getgroups())))
    none = " ".join(["0" * 16] * 4)
    assert note(world) == f"/ 5 {environment} {user} {user} {user} {groups} {none} 1 True"


@pytest.mark.parametrize("name", ["sip", "off"])
def test_a_module_that_has_the_name_of_one_of_ours_is_not_taken_for_it(
    tmp_path: Path, name: str
) -> None:
    """Else the correct module would not run beside it, and nobody would see what it missed."""
    module = Hostile(made=f"self.name = {name!r}")
    world = World({"alg.sip.module": module.write(tmp_path)})
    slot = world.engine.slots["sip"]
    assert (slot.module.name, slot.observes, slot.is_off) == (name, True, False)


def test_no_process_is_left_when_another_module_takes_its_place(tmp_path: Path) -> None:
    before = children(shared().process)
    world = World({"alg.sip.module": Hostile().write(tmp_path)})
    (worker,) = children(shared().process) - before
    world.set("alg.sip.module", "off")
    until(lambda: not is_alive(worker))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Sets have the same order in every worker, and its dice fall the same."""
    random = Hostile(
        "return Edits(note=f'{set(\"abcdefgh\")} {random.random()}')", head="import random\n"
    )
    spec = random.write(tmp_path)
    notes = []
    for _ in range(2):
        world = World({"alg.sip.module": spec})
        passed(world)
        notes.append(note(world))
    assert notes[0] == notes[1]


def test_a_simulation_whose_workers_die_gives_the_same_bytes(tmp_path: Path) -> None:
    """Promise 6: nothing of it depends on a clock on a wall, or on which process answers."""
    dying = Hostile(
        "self.seen += 1\n        if self.seen == 3: os._exit(0)\n"
        "        return Edits(note=f'{self.seen} {random.random()}')",
        made="self.seen = 0",
        head="import random\n",
    )
    spec = dying.write(tmp_path)
    told = []
    for _ in range(2):
        scenario = load_scenario("one-way-audio")
        settings = config.for_scenario(
            scenario.name, scenario.settings, None, [f"alg.sip.module={spec}"]
        )
        simulation = Simulation(scenario, settings, None)
        simulation.run_until(20.0)
        told.append([encode(event) for event in simulation.log.since(0)])
    assert told[0] == told[1]
    assert sum(b'"type":"alg-error"' in event for event in told[0]) > 1


def test_the_largest_message_can_be_replaced_as_a_whole(tmp_path: Path) -> None:
    turned = Hostile("return Edits((Edit(0, len(message), message[::-1], 'all', 'r'),))")
    module = load(turned.write(tmp_path), (), "sip", Workshop())
    ends = [Endpoint.parse(f"{each}:5060") for each in (A, EXTERNAL, R)]
    context = Trial(Situation(Direction.OUT, *ends), config.for_scenario("test", NETWORKS), "sip")
    message = (bytes(range(256)) * 256)[:LARGEST_MESSAGE]
    answer = module.inspect(message, context)
    assert isinstance(answer, Edits)
    assert apply(message, answer.edits) == message[::-1]


def test_what_no_message_was_about_is_told_when_there_is_time(tmp_path: Path) -> None:
    """An explanation is asked for when somebody looks, and a worker may end while it rests."""
    module = Hostile(explain="os._exit(0)")
    world = World({"alg.sip.module": module.write(tmp_path), **UNJUDGED})
    assert passed(world) == EDITED
    (change,) = world.told(MessagePassed)[-1].changes
    assert change.reason == "The module gives no reason."
    world.now += LOOK_EVERY
    world.engine.expire(world.now)
    assert errors(world) == ["explain: its process has ended"]


def test_a_reason_is_asked_for_once(tmp_path: Path) -> None:
    count = "self.asked += 1\n        return Reason(f'asked {self.asked}', '')"
    module = Hostile(explain=count, made="self.asked = 0")
    world = World({"alg.sip.module": module.write(tmp_path), **UNJUDGED})
    for _ in range(3):
        passed(world)
        assert world.told(MessagePassed)[-1].changes[0].reason == "asked 1"


# --- in a running appliance ----------------------------------------------------------------


def test_while_a_worker_is_being_started_messages_pass_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it where packets flow; it is asked again when it has rested."""
    monkeypatch.setattr(module, "REST", 3600.0)  # however long this machine takes for the rest
    world = World({"alg.sip.module": LOOPING.write(tmp_path)}, mode="appliance")
    for _ in range(20):
        assert passed(world) == MESSAGE
    assert len(errors(world)) == 1
    assert note(world) == "left alone: the module's process is being started"


@pytest.mark.slow
def test_a_file_that_loads_for_ever_is_taken_and_told_later(tmp_path: Path) -> None:
    """`set` does not wait so long where packets flow."""
    world = World(mode="appliance")
    world.set("alg.sip.module", Hostile(head=FOR_EVER + "\n").write(tmp_path))
    assert passed(world) == MESSAGE
    assert note(world) == "left alone: the module's process is being started"
    until(lambda: _look(world) or errors(world))
    assert "loading it took longer than 2 s; it is off until" in errors(world)[0]
    assert passed(world) == MESSAGE


def _look(world: World) -> None:
    world.now += LOOK_EVERY
    world.engine.expire(world.now)


def test_a_running_appliance_looks_after_it_once_a_second(tmp_path: Path) -> None:
    world = World({"alg.sip.module": Hostile().write(tmp_path)}, mode="appliance")
    world.engine.expire(5.0)
    assert world.engine.next_deadline() == 5.0 + LOOK_EVERY
    world.set("alg.sip.module", "off")
    assert world.engine.next_deadline() == inf


GOES_ON = Hostile(
    "os.write(3, encode(Edited([], 'message', '')))\n        while True: pass",
    head="from appliance.gateway.workers.frames import Edited, encode\n",
)


@pytest.mark.slow
def test_a_worker_that_computes_while_nobody_asks_it_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers in time, and then takes a processor from those who forward."""
    monkeypatch.setattr(workshop, "LATEST", 60.0)  # also on a machine that has no time for it
    before = children(shared().process)
    world = World({"alg.sip.module": GOES_ON.write(tmp_path)}, mode="appliance")
    (worker,) = children(shared().process) - before
    assert passed(world) == MESSAGE
    begun = processor_time(worker)
    until(lambda: processor_time(worker) > begun + 2 * MOST_UNASKED)
    _look(world)
    (error,) = errors(world)
    assert "computes while nobody asks it" in error
    until(lambda: not is_alive(worker))
