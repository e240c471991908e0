"""Promise 7: no sentence contradicts the outcome.

Every story, under every module and every fault, with shorter calls than the scenarios have: what
failed is never called right, and what works is never blamed; not in the sentences of the events,
not in the causes, not on the screen.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest

from alg.dns.application import AS_WRITTEN as DNS_AS_WRITTEN
from alg.dns.correct import reasons as dns_reasons
from alg.ftp.application import AS_WRITTEN as FTP_AS_WRITTEN
from alg.ftp.correct import reasons as ftp_reasons
from alg.registry import APPLICATIONS, application_of, poor
from alg.sip.correct import reasons as sip_reasons
from alg.sip.judging import stays
from appliance.gateway.silence import PATIENCE, inferred
from appliance.journal.events import (
    NAT,
    Cause,
    MediaStats,
    MessageAccepted,
    MessageDiscarded,
    MessagePassed,
    PacketDropped,
    PacketLost,
)
from appliance.journal.rows import FAULTS
from appliance.journal.sentences import Teller
from appliance.sim import knobs, outcome
from appliance.sim.deeds import NO_ALG, STILL_HEARS
from appliance.sim.origins import callee_of
from appliance.sim.relevant import asked, method_of
from appliance.sim.remedies import NEEDLESS, needless, rank, remedies
from appliance.sim.scenario import Scenario, Turns
from appliance.sim.simulation import Simulation
from appliance.sim.staging import simulation
from appliance.sim.stories import load_scenario
from tests.appliance.sim.test_simulation import staged
from tests.support.stories import shelf
from tui.draw import ladder, why
from tui.draw import outcome as outcome_pane
from tui.look import Look
from tui.model import Model
from tui.views.diff import DiffView

POOR = poor("sip")
assert POOR is not None
SPECS = ["off", "sip", *(f"{POOR.name}:{fault}" for fault in POOR.faults)]
BESIDE = [
    spec
    for other in (poor(application) for application in APPLICATIONS if application != "sip")
    if other is not None
    for spec in (other.application, *(f"{other.name}:{fault}" for fault in other.faults))
]
"""The modules and faults of other protocols, which stand beside the SIP ALG in a few stories."""
STORIES = shelf()
EVERY = 1 if os.environ.get("GLASSNAT_TRUTH") == "all" else 3
"""Of so many stories that a fault is no part of, one is played with it; which, changes from fault
to fault, so that every fault meets every third story, and every story every third fault."""
RIGHT_REASONS = {
    "sip": {*sip_reasons().values(), *stays().values()},
    "ftp": {*ftp_reasons().values(), FTP_AS_WRITTEN},
    "dns": {*dns_reasons().values(), DNS_AS_WRITTEN},
}
CODE = re.compile(r": \d{3}: ")
OF_A_CALL = re.compile(r"because (the \S+ of )?the (200 OK \(INVITE\)|INVITE) ")
ENDS = PacketLost | MessageDiscarded | MessageAccepted
"""What becomes of a message behind the NAT."""
HAS_FAULT = " has the fault "
NOTHING: Mapping[str, Any] = MappingProxyType({})
READS_SEGMENTS = ("sip-poor:tcp-slip",)
TALK = 1.2
"""Seconds of a call: enough to judge its audio."""


def told_with(spec: str) -> Iterator[Scenario]:
    """All stories for a correct ALG and for none, and those that a fault is part of; of the others
    a share."""
    turn = SPECS.index(spec)
    for number, story in enumerate(STORIES):
        own = {each.alg for each in (*story.steps, *story.expect.values())}
        if spec in ("off", "sip", *own) or (number + turn) % EVERY == 0:
            yield deepcopy(story)


def told_beside(spec: str) -> Iterator[Scenario]:
    """The stories in which somebody speaks the protocol of this module."""
    slot = application_of(spec).name
    for story in STORIES:
        if slot in story.settings.get("alg", {}):
            yield deepcopy(story)


def shortened(story: Scenario) -> Scenario:
    """The same story, in which a call where nothing else happens is ended early."""
    called: float | None = None
    for act in sorted(story.script, key=lambda act: act.at):
        if act.do == "hang-up" and called is not None:
            act.at = min(act.at, called + TALK + 2.0)
        called = act.at if act.do == "call" else None
    return story


def model_of(run: Simulation) -> Model:
    model = Model()
    for event in run.log.since(0):
        model.fold(event)
    model.settings = run.engine.settings.values
    model.now = run.now
    return model


@pytest.mark.sweep
@pytest.mark.parametrize("spec", SPECS)
def test_no_sentence_contradicts_the_outcome(spec: str) -> None:
    for story in told_with(spec):
        assert_true(story, spec)


@pytest.mark.sweep
@pytest.mark.parametrize("spec", BESIDE)
def test_nor_with_an_alg_of_another_protocol(spec: str) -> None:
    for story in told_beside(spec):
        assert_true(story, spec)


def test_nor_does_one_in_a_third_of_the_stories_each_with_another_module() -> None:
    """The sample of the sweep above."""
    for number, story in enumerate(STORIES[::3]):
        assert_true(deepcopy(story), SPECS[number * 5 % len(SPECS)])


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["off", "sip", f"{POOR.name}:callid-hide"])
def test_where_the_server_mends_nat_itself_no_alg_is_needed(spec: str) -> None:
    """RFC 7362 4, RFC 3581 4: it answers, and sends audio, to where packets come from."""
    turned = {"parties.pbx.comedia": True, "parties.pbx.force_rport": True}
    story = knobs.turned(shortened(load_scenario("one-way-audio")), turned)
    run = staged(story, spec)
    assert run.run().outcome == outcome.BOTH_WAYS
    assert run.causes() == remedies(run) == []
    assert needless(run) == ("" if spec == "off" else NEEDLESS)
    assert (NO_ALG in run.harmless()) == (spec == "off")
    assert_judged_by_what_left(run, spec)


def inferred_in(run: Simulation) -> list[str]:
    """What a running appliance would infer from its counters shortly before they hang up, had they
    talked for longer."""
    ends = [act.at for act in run.scenario.script if act.do == "hang-up"]
    run.run_until(min(ends, default=run.duration) - 0.1)
    conversations, table = run.engine.conversations, run.engine.nat.table
    calls = [conversations.find(str(row["call"]), run.now) for row in conversations.document(0.0)]
    return [
        each.sentence
        for call in calls
        if call and call.talking_since and call.talking_since + 0.5 < run.now
        for each in inferred(table, call, call.talking_since + PATIENCE)
    ]


def test_what_a_running_appliance_infers_is_what_happened() -> None:
    run = staged(shortened(load_scenario("one-way-audio")), "off")
    (said,) = inferred_in(run)
    assert "bob was told to send audio to 192.168.20.100:4000, a private address" in said
    assert run.run().outcome == outcome.ONE_WAY_AUDIO


def assert_true(story: Scenario, spec: str, turned: Mapping[str, Any] = NOTHING) -> None:
    """Played to its end, nothing that is said of it, anywhere, is wrong. `turned` are knobs."""
    run = simulation(shortened(story), Turns(alg=spec, set=dict(turned)))
    teller = Teller()
    silences = inferred_in(run)
    word = run.run().outcome
    said = [line for event in run.log.since(0) for line in teller.tell(event)]
    sentences = [cause.sentence for cause in run.causes()]
    model = model_of(run)
    shown = [
        reason.text for message in (None, *model.messages) for reason in why.because(model, message)
    ]
    advice = why.advice(model, live=False).plain
    title, _ = outcome_pane.headline(model)
    assert_judged_by_what_left(run, spec)
    assert_each_message_has_one_end(run)
    assert_nobody_hears_more_than_was_said(run)
    assert_the_screen_agrees(model, word)
    if word == outcome.BOTH_WAYS:
        assert sentences == [], story.name
        assert "correct ALG" not in advice, story.name
        assert_nothing_is_blamed(run, shown)
        assert silences == [], story.name
        return
    assert run.harmless() == [], story.name
    assert_followed_back(sentences)
    assert_blamed_for_what_it_did(run, spec)
    assert_of_what_failed(run)
    assert_told_in_terms_of_sip(run, word)
    assert not any("each as it must be" in each for each in shown), story.name
    assert title.lower().replace(" ", "-") == word
    if word == outcome.REGISTRATION_FAILED:
        assert not any(": registered" in line for line in said), story.name
    if spec in APPLICATIONS:  # what it has closed with good reason stays closed (signed-off)
        assert not any(is_accused(spec, cause, run) for cause in run.causes()), story.name


def is_accused(spec: str, cause: Cause, run: Simulation) -> bool:
    """Is it said of this module that it spoilt something? Others may stand beside it."""
    message = run.witness.evidence.messages.get(cause.event or 0)
    if cause.party != NAT or (message is not None and message.alg != spec):
        return False
    return bool(cause.field) or cause.sentence.startswith("The module")


def assert_told_in_terms_of_sip(run: Simulation, word: str) -> None:
    """Who answers by a code refuses, and who does not answer discards; where a new call goes, no
    message of a call before has said (RFC 3261 12.2.1.1)."""
    for cause in run.causes():
        assert not cause.sentence.startswith(("the ", "what ")), cause
        is_of_a_party = cause.party != NAT
        if is_of_a_party and (
            " refuses the " in cause.sentence or " discards the " in cause.sentence
        ):
            assert (" refuses " in cause.sentence) == bool(CODE.search(cause.sentence)), cause
        if word == outcome.NOT_REACHED and " sends requests for " in cause.sentence:
            assert not OF_A_CALL.search(cause.sentence), cause


def assert_judged_by_what_left(run: Simulation, spec: str) -> None:
    """Each change: its length by the body that left, its reason by what is right."""
    for event in run.log.since(0):
        if not isinstance(event, MessagePassed):
            continue
        for row in event.changes:
            what = (run.scenario.name, event.summary, row)
            if spec == event.alg:
                assert row.verdict == "ok", what
            if row.verdict in FAULTS:
                assert (row.reason, row.rfc) in RIGHT_REASONS[event.alg], what
                assert not row.field.startswith(("sdp.o", "via.received")) or spec != "off", what
            is_whole = event.after and "multipart" not in event.before
            if row.field == "content-length" and is_whole and row.expected is not None:
                body = event.after.partition("\r\n\r\n")[2]
                assert row.expected.strip() == str(len(body)), what


def assert_each_message_has_one_end(run: Simulation) -> None:
    """What the NAT has let pass is lost, discarded or accepted, and only one of them. But for the
    first passage of what comes back to an inside host, whose second passage has the end, unless the
    NAT drops it there; for what is under way at the end of the run; and for a stream from the
    message on whose Content-Length does not say where it ends: its receiver waits for the rest, or
    takes what follows for a part of it. What a module that reads segments takes for a message may
    be a part of one as well."""
    events = list(run.log.since(0))
    passed = [each for each in events if isinstance(each, MessagePassed) and each.after]
    told = Counter(each.cause for each in events if isinstance(each, ENDS))
    endless: set[tuple[str, str]] = set()
    turned = {(each.t, each.source) for each in passed}
    refused = {each.source for each in events if isinstance(each, PacketDropped)}
    for each in passed:
        stream = each.new_source, each.new_destination
        if each.transport == "tcp" and not says_where_it_ends(each.after):
            endless.add(stream)
        may_have_none = (
            (each.t, each.new_source) in turned
            or each.new_source in refused
            or each.t + run.scenario.links.inside + run.scenario.links.outside > run.now
            or stream in endless
            or (each.transport == "tcp" and each.module in READS_SEGMENTS)
        )
        assert told[each.id] == 1 or (may_have_none and not told[each.id]), each


def says_where_it_ends(message: str) -> bool:
    length = re.search(r"^Content-Length: *([0-9]+)", message, re.MULTILINE)
    return length is None or int(length[1]) == len(message.partition("\r\n\r\n")[2])


def assert_nobody_hears_more_than_was_said(run: Simulation) -> None:
    for event in run.log.since(0):
        if isinstance(event, MediaStats):
            assert event.heard <= event.sent, (run.scenario.name, event)


def assert_the_screen_agrees(model: Model, word: str) -> None:
    """The field that decides is marked where the causes name one, and nowhere else; a call in which
    everybody was heard has no lost audio on its ladder."""
    look = Look(model)
    view = DiffView(look)
    for message in model.messages:
        look.chosen = message.number
        marked = any(" CAUSE " in line.plain for line in view.page(118, 100).body)
        assert marked == bool(why.causes_in(model, message)), message
    if word == outcome.BOTH_WAYS:
        assert not any("LOST" in line.plain for line in ladder.rows(model, 118, None))


def assert_nothing_is_blamed(run: Simulation, shown: list[str]) -> None:
    """Whatever was missed or wrong is called harmless, and nothing else is."""
    spoilt = any(
        row.verdict in FAULTS
        for event in run.log.since(0)
        if isinstance(event, MessagePassed)
        for row in event.changes
    )
    assert bool(run.harmless()) == spoilt, run.scenario.name
    assert len({*run.harmless()}) == len(run.harmless()), run.scenario.name
    if STILL_HEARS in run.outcome().sentence:
        assert not any("harmless" in each for each in (*run.harmless(), *shown)), run.scenario.name
    for each in shown:
        assert " < " not in each, each
        assert "hears nothing" not in each, each
        assert not any(f" {verdict}. " in each for verdict in FAULTS), each


@cache
def with_a_correct_alg(name: str) -> tuple[str, str]:
    """What a story comes to with one in the place of the poor one: its word, and its sentence."""
    story = next(each for each in STORIES if each.name == name)
    came_to = simulation(shortened(deepcopy(story)), Turns(alg="sip")).run()
    return came_to.outcome, came_to.sentence


def assert_blamed_for_what_it_did(run: Simulation, spec: str) -> None:
    """Of a fault that makes it worse it is told what it did, and none is named that changes
    nothing."""
    if not spec.startswith(f"{POOR.name}:"):
        return
    what = (run.scenario.name, spec, [cause.sentence for cause in run.causes()])
    of_the_alg = [cause for cause in run.causes() if cause.party == NAT]
    named = any(HAS_FAULT in cause.sentence for cause in of_the_alg)
    word, sentence = with_a_correct_alg(run.scenario.name)
    if rank(run.outcome().outcome) > rank(word):
        refused = any(" refuses the " in cause.sentence for cause in of_the_alg)
        assert named or refused or any(cause.field for cause in of_the_alg), what
    elif run.outcome().sentence == sentence:
        assert not named, what


def assert_of_what_failed(run: Simulation) -> None:
    """What is told is about the request that failed, and goes where such a message goes."""
    failure = run.judge.failure() or run.judge.waiting(run.now, True)
    assert failure is not None
    causes = run.causes()
    what = (run.scenario.name, failure.detail, [cause.sentence for cause in causes])
    last = causes[-1].sentence
    if any("listens elsewhere" in cause.sentence for cause in causes):
        assert "nobody listens" in last, what
    for cause in causes:
        told = re.search(r" sends requests for (\S+) to .*", cause.sentence)
        if told is None:
            continue
        assert not re.match(r"The \d{3} ", last), what  # an answer goes elsewhere
        called = callee_of(failure)
        assert called in ("", told[1]) or " of the 3" in told[0], what
        assert not ("12.2.1.1" in told[0] and "the REGISTER" in told[0]), what
    about = asked(failure)
    discards = {each.id: each for each in run.log.since(0) if isinstance(each, MessageDiscarded)}
    for discard in (discards[cause.event] for cause in causes if cause.event in discards):
        named = method_of(discard.summary)
        assert not named or not about or named in about, what


def assert_followed_back(sentences: list[str]) -> None:
    """To something that was seen, or to a fault that is switched on."""
    assert sentences
    assert all(each.endswith(".") for each in sentences)
    for hole in ("Nothing that was seen", "was not seen"):
        assert not any(hole in each for each in sentences), sentences
