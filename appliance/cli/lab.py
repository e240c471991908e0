"""`glassnat lab`: a story among real namespaces, with the real appliance and real sockets."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from appliance.cli import comparing
from appliance.cli.base import (
    IMPOSSIBLE,
    JSON_OPTION,
    NO,
    USAGE,
    WRONG_STATE,
    Chosen,
    DurationType,
    Failure,
    Group,
    emit,
    emit_json_line,
    narrate,
    setting_options,
    speed_option,
)
from appliance.cli.doctor import program as own_program
from appliance.cli.down import STALE, TIDY_UP_INCOMPLETE, echo, row_of
from appliance.cli.tables import emit_rows
from appliance.cli.words import labs_up, offer, scenarios
from appliance.control import paths
from appliance.control.client import Client
from appliance.journal.plain import clean
from appliance.journal.sentences import outcome_line
from appliance.namespaces.between import record as records
from appliance.namespaces.between import undo
from appliance.namespaces.between.background import Background
from appliance.namespaces.between.record import AlreadyUp, Record
from appliance.namespaces.lab import own
from appliance.namespaces.lab.house import House
from appliance.namespaces.lab.programs import Program
from appliance.namespaces.lab.rooms import PREFIX, Rooms
from appliance.namespaces.lab.stage import Stage
from appliance.settings.hints import nearest, shown
from appliance.sim import staging
from appliance.sim.outcome import Outcome
from appliance.sim.scenario import Scenario, ScenarioError, Turns
from appliance.sim.simulation import Simulation
from appliance.sim.stories import is_path, list_scenarios, load_scenario, name_of
from appliance.wires import netns
from nat.endpoint import Side

PATH = ".path"
"""Ends the name of the file that says where the story of a lab is."""

FASTER = "So many seconds of the story in one, for its people as for the timers of the NAT."
PARTY = click.option(
    "--party",
    "commands",
    multiple=True,
    metavar="NAME='COMMAND'",
    help="A program in the place of a party, in the namespace of its side. Several are fine.",
)


@click.group(cls=Group, short_help="A story among network namespaces.")
def lab() -> None:
    """A story among network namespaces: the real appliance, real sockets, real time.

    \b
    Begin with:
      sudo glassnat lab check one-way-audio        play it, and compare with the simulation
      sudo glassnat lab up one-way-audio           play it in the background, and look on
      glassnat attach lab-one-way-audio
      glassnat lab status                          which stories are up
      sudo glassnat lab down one-way-audio

    Without sudo the same works in a user namespace of your own, where the kernel allows that
    (glassnat doctor): up, exec, shell and down then find what is yours.
    """


@lab.command("up", short_help="Play a story in the background.")
@click.argument("scenario", shell_complete=offer(scenarios))
@speed_option(FASTER)
@PARTY
@setting_options
def lab_up(scenario: str, speed: float, commands: Sequence[str], chosen: Chosen) -> int:
    """Play SCENARIO among namespaces, in the background. All stays until `lab down`.

    Who is not root has it in a user namespace of their own, where the kernel allows that.

    \b
    Examples:
      sudo glassnat lab up one-way-audio --alg sip
      sudo glassnat lab exec one-way-audio alice ping -c 1 pbx
    """
    _be_root(scenario, begins=True)
    story, house = _house(scenario, chosen, speed)
    programs = _commands(story, commands)
    _build(house, names=True)
    try:
        where = str(Path(scenario).absolute()) if is_path(scenario) else scenario
        house.keep(PATH).write_text(where)
        logs = _logs(house, programs)
        cast = Background(house.record, house.keep(".story"))
        if not cast.is_copy:
            cast.go()
            cast.wait()
    except BaseException:
        house.take_down()
        raise
    if cast.is_copy:
        if not cast.goes():
            return NO
        cast.is_ready()
        outcome = _play(story, house, speed, programs, logs)
        narrate(outcome_line(outcome.sentence))
        return 0
    house.record.close()
    narrate(
        f"{story.name} is being played; see it: glassnat attach {house.rooms.name}, "
        f"end it: {_typed('down', story.name)}"
    )
    return 0


@lab.command("check", short_help="Does it come to the same in reality?")
@click.argument("scenarios", metavar="[SCENARIO]...", nargs=-1, shell_complete=offer(scenarios))
@click.option("--all", "is_all", is_flag=True, help="All that SCENARIO expects, or all scenarios.")
@speed_option(f"{FASTER} With --all: as its length allows.", None)
@PARTY
@click.option("--until", type=DurationType(), metavar="TIME", help="Stop after so much of it.")
@click.option(
    "--at-a-time",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --all: so many scenarios beside each other.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --all one a line.")
@setting_options
@click.pass_context
def lab_check(
    context: click.Context,
    scenarios: Sequence[str],
    is_all: bool,
    speed: float | None,
    commands: Sequence[str],
    until: float | None,
    at_a_time: int | None,
    as_json: bool,
    chosen: Chosen,
) -> int:
    """Play SCENARIO among namespaces to its end, and compare its outcome with the simulation's.

    Exit code 1 if they differ. Nothing is left behind. Who is not root plays it in a user namespace
    of their own, where the kernel allows that.

    With --all, every run that a scenario's file tells the outcome of is played, of those named or
    of all, or with --alg what it expects of one module; a table shows how each ended.

    \b
    Examples:
      sudo glassnat lab check one-way-audio
      sudo glassnat lab check one-way-audio --alg sip --speed 4
      sudo glassnat lab check one-way-audio --party alice='baresip -f FOLDER'
      sudo glassnat lab check --all --alg sip
      sudo glassnat lab check --all nat-yes hold-and-resume
    """
    _be_root(scenarios[0] if len(scenarios) == 1 else "", begins=True)
    if is_all:
        if commands or until or chosen.sets or chosen.profile:
            raise click.UsageError("--all turns what the scenarios turn, and nothing else", context)
        stories = {name: _story(name) for name in scenarios}
        stories = stories or {story.name: story for story in list_scenarios()}
        everything = comparing.plays(stories, chosen.alg, speed)
        beside = at_a_time or comparing.at_a_time()
        agree = comparing.compare(everything, beside, as_json, comparing.play_in_a_process)
        return 0 if agree else NO
    if len(scenarios) != 1:
        raise click.UsageError("one SCENARIO, or --all (see: glassnat scenario list)", context)
    return _check(scenarios[0], speed or 1.0, commands, until, as_json, chosen)


@lab.command(
    "exec",
    short_help="A command in the place of a party.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("scenario", shell_complete=offer(labs_up))
@click.argument("party")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def lab_exec(scenario: str, party: str, command: Sequence[str]) -> int:
    """Run COMMAND in the namespace of PARTY's side, while SCENARIO is up. The names of all parties
    are known there.

    \b
    Examples:
      sudo glassnat lab exec one-way-audio alice ping -c 1 pbx
      sudo glassnat lab exec one-way-audio pbx tcpdump -ni gn-out
    """
    _be_root(scenario)
    story = _story(_path_of(scenario))
    if party not in story.parties:
        raise Failure(f"{clean(party)} is no party; there are {', '.join(story.parties)}", USAGE)
    namespace = Rooms.of(story.name, story.parties[party].wire)
    if not netns.exists(namespace):
        raise Failure(f"{story.name} is not up; first: glassnat lab up {story.name}", WRONG_STATE)
    words = netns.within(namespace, command)
    os.execvp(words[0], words)


@lab.command("shell", short_help="A shell in the place of a party.")
@click.argument("scenario", shell_complete=offer(labs_up))
@click.argument("party")
@click.pass_context
def lab_shell(context: click.Context, scenario: str, party: str) -> int:
    """Open a shell in the namespace of PARTY's side, while SCENARIO is up."""
    shell = os.environ.get("SHELL", "/bin/sh")
    context.invoke(lab_exec, scenario=scenario, party=party, command=(shell,))
    return 0


@lab.command("down", short_help="End a story, and remove all that was made for it.")
@click.argument("scenario", shell_complete=offer(labs_up))
def lab_down(scenario: str) -> int:
    """By its name alone, whatever happened to it."""
    _be_root(scenario)
    name = _name(scenario)
    record = Record.open(name)
    if record is None:
        narrate(f"{name} is not up")
        return 0
    failures = undo.take_down(record, echo)
    if failures:
        raise Failure("\n".join(failures), TIDY_UP_INCOMPLETE)
    return 0


@lab.command("status", short_help="The stories that are up.")
@JSON_OPTION
def lab_status(as_json: bool) -> None:
    """Which stories are up, and which have ended but are not tidied up yet.

    \b
    Examples:
      glassnat lab status
      glassnat lab status --json
    """
    rows = [
        {"scenario": scenario, **row_of(f"{PREFIX}{scenario}")}
        for scenario in labs_up(click.get_current_context())
    ]
    columns = {"scenario": "SCENARIO", "state": "STATE", "pid": "PID", "control": "CONTROL"}
    emit_rows(rows, columns, as_json)
    for row in rows:
        if row["state"] == STALE:
            scenario = row["scenario"]
            typed = _typed("down", scenario, mine=own.is_known(row["name"]))
            narrate(f"{scenario} has ended; tidy up: {typed}")


def _check(
    scenario: str,
    speed: float,
    commands: Sequence[str],
    until: float | None,
    as_json: bool,
    chosen: Chosen,
) -> int:
    story, house = _house(scenario, chosen, speed)
    story.duration = min(story.duration, until or story.duration)
    programs = _commands(story, commands)
    _build(house, names=False)  # they would take longer to start than many a story
    try:
        real = _play(story, house, speed, programs, _logs(house, programs))
    finally:
        failures = house.take_down()
    if failures:
        raise Failure("\n".join(failures), TIDY_UP_INCOMPLETE)
    return _compare(story, chosen, real, as_json)


# --- what they share -------------------------------------------------------------------------


def _story(scenario: str) -> Scenario:
    try:
        return load_scenario(scenario)
    except ScenarioError as error:
        raise Failure(str(error), USAGE) from None


def _path_of(scenario: str) -> str:
    """Where the story is that is up under this name, as `lab up` was told."""
    try:
        return paths.ROOT_FOLDER.joinpath(f"{PREFIX}{scenario}{PATH}").read_text()
    except OSError:
        return scenario


def _house(scenario: str, chosen: Chosen, speed: float) -> tuple[Scenario, House]:
    """The story as it is turned, and where it will be played."""
    turns = Turns(alg=chosen.alg or "", profile=chosen.profile or "")
    story, settings = staging.stage(_story(scenario), turns, chosen.sets)
    wires = Rooms(story, settings).wires()
    _, settings = staging.stage(story, turns, [*chosen.sets, *wires])
    return story, House(Rooms(story, settings), echo, speed)


def _commands(story: Scenario, texts: Sequence[str]) -> dict[str, str]:
    """The commands of `--party`, by the party that they play."""
    commands = dict(text.partition("=")[::2] for text in texts)
    for name, command in commands.items():
        if name not in story.parties:
            hint = nearest(name, [*story.parties])
            raise Failure(f"--party: {shown(name)} is no party{hint}", USAGE)
        if not command:
            raise Failure(f"--party wants NAME='COMMAND', e.g. {name}='sipp …'", USAGE)
    return commands


def _logs(house: House, commands: Mapping[str, str]) -> dict[str, Path]:
    """Where the programs of parties say what they say."""
    return {name: house.keep(f".{name}.log") for name in commands}


def _play(
    story: Scenario,
    house: House,
    speed: float,
    commands: Mapping[str, str],
    logs: Mapping[str, Path],
) -> Outcome:
    rooms = {side: house.rooms.namespace(side) for side in Side}

    def ask(do: str, **arguments: object) -> Any:
        with Client(house.control) as client:
            return client.ask(do, **arguments)

    def tell(at: float, what: str) -> None:
        narrate(f"{at:9.3f}  {clean(what)}")

    programs = []
    witness = Client(house.control)
    try:
        for name, command in commands.items():
            traits = story.parties[name]
            room = rooms[traits.wire]
            programs.append(Program(name, traits, command, room, logs[name]))
        stage = Stage(
            story,
            rooms,
            lambda key, value: ask("set", key=key, value=value),
            tell,
            speed,
            programs,
            lambda: ask("show", what="flows"),
            lambda event, message: witness.tell("tell", event=event, message=message),
        )
        try:
            outcome = stage.run(house.is_whole)
        except OSError:  # without the appliance there are neither devices nor addresses
            if house.is_whole():
                raise
        if not house.is_whole():
            raise Failure(f"{house.rooms.name} has ended before its story", IMPOSSIBLE)
        witness.ask("hello")  # answered when all that it was told is heard
        for program in programs:
            for line in program.failure():
                narrate(clean(line))
        return outcome
    finally:
        witness.close()
        for program in programs:
            program.stop()


def _compare(story: Scenario, chosen: Chosen, real: Outcome, as_json: bool) -> int:
    turns = Turns(alg=chosen.alg or "", profile=chosen.profile or "")
    simulated = Simulation(*staging.stage(story, turns, chosen.sets)).run()
    agrees = real.outcome == simulated.outcome
    if as_json:
        emit_json_line(
            {
                "scenario": story.name,
                "outcome": real.outcome,
                "sentence": real.sentence,
                "evidence": real.evidence,
                "simulated": simulated.outcome,
                "agrees": agrees,
            }
        )
    else:
        emit(outcome_line(real.sentence))
        emit(f"the simulation {'agrees' if agrees else 'differs'}: {clean(simulated.sentence)}")
    return 0 if agrees else NO


def _name(scenario: str) -> str:
    """Of the appliance, and of the record, by whatever the story is called."""
    return f"{PREFIX}{name_of(scenario).removeprefix(PREFIX)}"


def _build(house: House, names: bool) -> None:
    try:
        house.build(names)
    except AlreadyUp as error:
        story = house.rooms.story.name
        raise Failure(
            f"{story} is up already, or was when it ended; first: {_typed('down', story)}",
            error.exit_code,
        ) from None


def _typed(*words: str, mine: bool | None = None) -> str:
    """What to type for a command of the lab; without sudo if that is this user's own."""
    is_own = own.are_entered() if mine is None else mine
    return f"{'' if is_own else 'sudo '}{own_program()} lab {shlex.join(words)}"


def _be_root(scenario: str, *, begins: bool = False) -> None:
    """Who is not, begins this command again in namespaces of their own: in those that the story is
    up in, unless it `begins`. Raises Failure where that is root's story, or where the kernel does
    not allow it."""
    if os.geteuid() == 0:
        return
    name = _name(scenario)
    arguments = shlex.join(sys.argv[1:])
    if not begins and not own.is_known(name) and name in records.names():
        raise Failure(f"{name} is root's: sudo {own_program()} {arguments}", IMPOSSIBLE)
    try:
        way = own.way_to(name)
    except own.NotAllowed as error:
        raise Failure(
            "only root can make namespaces and devices, and nobody else can have their own here "
            f"({clean(str(error))}; what to do: glassnat doctor): sudo {own_program()} {arguments}",
            IMPOSSIBLE,
        ) from None
    os.execvp(way[0], [*way, sys.executable, "-m", "appliance.cli", *sys.argv[1:]])
