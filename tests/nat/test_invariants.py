"""The invariants, under any order of events and every behaviour: a machine makes up the story.

After each step the tables are audited (`world.py`) and what passed is compared with a model that
fits on a page (`world_model.py`). A property that is never put to the test proves nothing, so the
last test asks whether every state of interest was reached.

`HYPOTHESIS_PROFILE=long` tells much longer stories.
"""

from __future__ import annotations

import os
import random
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from nat.endpoint import Endpoint, Side
from tests.fuzz.datapath import ANSWER, INVITE, REGISTER, SDP, Mutator
from tests.nat.world_model import Model
from tests.support.audit import audit, audit_events
from tests.support.packets import (
    ACK,
    EXTERNAL,
    FIN,
    ICMP,
    RST,
    SYN,
    UNREACHABLE,
    A,
    B,
    R,
    S,
    Seen,
    assert_sound,
    at,
    cut,
    dotted,
    ping,
    pong,
    tcp,
    udp,
    unreachable,
)
from tests.support.sweep import sampled
from tests.support.wired import WiredWorld
from tests.support.world import World

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
STORIES = settings(
    max_examples=200 if LONG else 8,
    stateful_step_count=200 if LONG else 60,
    derandomize=not LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if LONG else (Phase.generate,),
)

DEPENDENCE = ("endpoint-independent", "address-dependent", "address-and-port-dependent")
POLICIES = ("preserve", "sequential", "random")
COMBINATIONS = [
    (mapping, filtering, policy)
    for mapping, filtering in product(range(3), range(3))
    for number, policy in enumerate(POLICIES)
    if LONG or (mapping + filtering + number) % 3 == 0
]
"""All 27 in the long run; in the short one nine, in which each policy meets each mapping and each
filter (a Latin square)."""

FIRST_PORT, LAST_PORT = 4000, 4015
FORWARDED = 4010
FORWARD_TO = (B, 6000)
PHONE_PORTS = (5060, 7000, 7001)

INTERNALS = st.tuples(st.sampled_from((A, B)), st.sampled_from((4000, 4001, 6000)))
REMOTES = st.tuples(st.sampled_from((R, S)), st.sampled_from((5000, 5001)))
PORTS = st.integers(FIRST_PORT - 1, LAST_PORT + 1)
IDENTIFIERS = st.sampled_from((4000, 4001, 0, 65535))

reached: set[str] = set()
OF_INTEREST = {
    "port-changed", "no-port", "flow-limit", "filtered", "expired", "hairpin", "forward",
    "let-in-by-another-remote", "icmp-error", "icmp-error-of-a-dead-flow", "fragments",
    "expectation", "expectation-used", "tcp-established", "tcp-reset", "lazy", "flushed",
    "refused-leaves-no-trace", "shared-port", "ping", "unsolicited-syn",
}  # fmt: skip


def note(word: str) -> None:
    reached.add(word)
    event(word)


def text(end: tuple[str, int]) -> str:
    return f"{end[0]}:{end[1]}"


class Story(RuleBasedStateMachine):
    """Two hosts inside, two remotes with two ports each, 16 external ports, room for 12 flows."""

    combination: tuple[int, int, str] = (0, 0, "preserve")

    def __init__(self) -> None:
        super().__init__()
        self.mutator = Mutator(random.Random(1))

    @initialize(
        overloading=st.booleans(), refresh=st.booleans(), hairpin=st.booleans(),
        observe=st.booleans(), rest=st.sampled_from((0.0, 20.0)),
        limit=st.sampled_from((5, 12, 400)), last_port=st.sampled_from((4005, LAST_PORT)),
        poisoning=st.booleans(), kind=st.sampled_from((World, WiredWorld)),
    )  # fmt: skip
    def begin(
        self,
        overloading: bool,
        refresh: bool,
        hairpin: bool,
        observe: bool,
        rest: float,
        limit: int,
        last_port: int,
        poisoning: bool,
        kind: type[World],
    ) -> None:
        mapping, filtering, ports = self.combination
        self.overloading = overloading
        self.hairpin = hairpin
        self.world = kind({
            "nat.mapping": DEPENDENCE[mapping], "nat.filtering": DEPENDENCE[filtering],
            "nat.ports": ports, "nat.port_range": [FIRST_PORT, last_port], "nat.port_rest": rest,
            "nat.overloading": overloading, "nat.refresh_inbound": refresh, "nat.hairpin": hairpin,
            "nat.limits.flows": limit, "alg.sip.module": "sip", "alg.sip.observe": observe,
            "nat.limits.new_flows_per_second_per_host": 0, "nat.poisoning": poisoning,
            "nat.forward": [{
                "protocol": "udp", "external": f"{EXTERNAL}:{FORWARDED}",
                "internal": text(FORWARD_TO),
            }],
        })  # fmt: skip
        self.model = Model(
            mapping,
            filtering,
            refresh,
            {"udp_unanswered": 120.0, "udp": 300.0, "icmp": 60.0},
            {FORWARDED: FORWARD_TO},
        )
        self.limit = limit
        self.last_port = last_port

    # --- what happens ------------------------------------------------------------------

    @rule(internal=INTERNALS, remote=REMOTES, payload=st.binary(max_size=40))
    def the_inside_sends(
        self, internal: tuple[str, int], remote: tuple[str, int], payload: bytes
    ) -> None:
        self._outward("udp", internal, remote, payload, in_pieces=False)

    @rule(internal=INTERNALS, remote=REMOTES, order=st.permutations(range(3)))
    def the_inside_sends_fragments(
        self, internal: tuple[str, int], remote: tuple[str, int], order: list[int]
    ) -> None:
        self._outward("udp", internal, remote, b"x" * 100, in_pieces=True, order=order)

    @rule(host=st.sampled_from((A, B)), identifier=IDENTIFIERS, remote=st.sampled_from((R, S)))
    def the_inside_pings(self, host: str, identifier: int, remote: str) -> None:
        self._outward("icmp", (host, identifier), (remote, 0), b"", in_pieces=False)

    def _outward(
        self,
        protocol: str,
        internal: tuple[str, int],
        remote: tuple[str, int],
        payload: bytes,
        *,
        in_pieces: bool,
        order: list[int] | None = None,
    ) -> None:
        world, model = self.world, self.model
        prescribed = model.must_reuse(protocol, internal, remote, world.now)
        known = model.known(protocol, internal, remote, world.now)
        before = self._state()
        data = self._packet(protocol, internal, remote, payload)
        if in_pieces:
            pieces = cut(data, 16, 32)
            *nothing, seen = [world.pass_out(pieces[index]) for index in order or ()]
            assert nothing == [None, None]
            note("fragments")
        else:
            seen, said = self._handled(Side.INSIDE, data)
            assert said <= 1
        if seen is None or (seen.protocol == ICMP and seen.icmp[0] == UNREACHABLE):
            assert known is None, "an old flow must go on when all else is full (I-M8)"
            self._check_refusal(before)
            return
        external = seen.source.port
        self._check_choice(protocol, internal, remote, external, prescribed, known is not None)
        model.said(protocol, internal, remote, external, world.now)
        expected = self._packet(protocol, (EXTERNAL, external), remote, payload, ttl=63)
        assert seen.data == expected, "I-X1, I-X2, I-X3"

    def _check_choice(
        self,
        protocol: str,
        internal: tuple[str, int],
        remote: tuple[str, int],
        external: int,
        prescribed: int | None,
        is_known: bool,
    ) -> None:
        if prescribed is not None:
            assert external == prescribed, "I-M3"
            return
        assert not is_known
        assert FIRST_PORT <= external <= self.last_port, "I-M4"
        assert (protocol, external) != ("udp", FORWARDED), "I-M4: a forward stands there"
        users = self.model.users_of(protocol, external, self.world.now)
        if users:
            assert self.overloading, "I-M1"
            taken = [
                talk
                for talk in self.model.alive(self.world.now)
                if (talk.protocol, talk.external, talk.remote) == (protocol, external, remote)
            ]
            assert not taken, "I-M1: the reverse tuple is unique"
            note("shared-port")
        if external != internal[1]:
            note("port-changed")

    def _state(self) -> tuple[Any, ...]:
        self.world.at(self.world.now)
        table = self.world.table
        return (
            {flow.id: flow.refreshed for flow in table.flows.values()},
            sorted(table.mappings.by_external), sorted(table.hosts), len(table.mappings.keys),
        )  # fmt: skip

    def _check_refusal(self, before: tuple[Any, ...]) -> None:
        assert self._state() == before, "a refused packet leaves no trace (I-M8, I-T2)"
        note("refused-leaves-no-trace")
        for reason in ("no-port", "flow-limit"):
            if reason in self.world.drops("inside"):
                note(reason)

    @staticmethod
    def _packet(
        protocol: str,
        source: tuple[str, int],
        destination: tuple[str, int],
        payload: bytes,
        inward: bool = False,
        **ip: int,
    ) -> bytes:
        if protocol == "udp":
            return udp(text(source), text(destination), payload, **ip)
        if inward:
            return pong(source[0], text(destination), **ip)
        return ping(text(source), destination[0], **ip)

    def _handled(self, side: Side, data: bytes) -> tuple[Seen | None, int]:
        """What left for the other side, and how many packets went back (our own ICMP)."""
        left = self.world.send(side, data)
        onward = [packet for exit_side, packet in left if exit_side is not side]
        back = [packet for exit_side, packet in left if exit_side is side]
        for packet in onward + back:
            assert_sound(packet)
        assert len(onward) <= 1, "I-X5"
        assert len(back) <= 1, "I-X5"
        return (Seen(onward[0]) if onward else None), len(back)

    @rule(remote=REMOTES, port=PORTS)
    def the_outside_sends(self, remote: tuple[str, int], port: int) -> None:
        self._inward(remote, port)

    def _inward(self, remote: tuple[str, int], port: int) -> None:
        if self._is_a_phones(port):
            return
        before = self._state()
        receivers = self.model.receivers("udp", remote, port, self.world.now)
        seen, said = self._handled(Side.OUTSIDE, udp(text(remote), f"{EXTERNAL}:{port}", b"in"))
        assert said == 0, "the outside hears nothing"
        self._check_inward("udp", remote, port, receivers, seen, before)

    def _is_a_phones(self, port: int) -> bool:
        """The model knows nothing of calls."""
        mappings = self.world.table.mappings.at(17, Endpoint.parse(f"{EXTERNAL}:{port}"))
        return any(mapping.internal.port in PHONE_PORTS for mapping in mappings)

    @precondition(lambda self: self.model.talks)
    @rule(data=st.data(), as_another=st.booleans())
    def a_remote_answers(self, data: st.DataObject, as_another: bool) -> None:
        talk = data.draw(st.sampled_from(list(self.model.talks.values())))
        if talk.protocol == "icmp" or talk.remote[0] == EXTERNAL:
            return
        remote = data.draw(REMOTES) if as_another else talk.remote
        self._inward(remote, talk.external)

    @precondition(lambda self: any(talk.protocol == "icmp" for talk in self.model.talks.values()))
    @rule(data=st.data(), remote=st.sampled_from((R, S)))
    def a_ping_is_answered(self, data: st.DataObject, remote: str) -> None:
        pings = [talk for talk in self.model.talks.values() if talk.protocol == "icmp"]
        talk = data.draw(st.sampled_from(pings))
        before = self._state()
        receivers = self.model.receivers("icmp", (remote, 0), talk.external, self.world.now)
        reply = pong(remote, at(EXTERNAL, talk.external))
        seen, said = self._handled(Side.OUTSIDE, reply)
        assert said == 0
        self._check_inward("icmp", (remote, 0), talk.external, receivers, seen, before)
        if seen is not None:
            note("ping")

    def _check_inward(
        self,
        protocol: str,
        remote: tuple[str, int],
        port: int,
        receivers: set[tuple[str, int]],
        seen: Seen | None,
        before: tuple[Any, ...],
    ) -> None:
        """Invariants I-F1, I-M7, I-T2: it passes exactly if the model's predicate is true, and
        whatever it does, it makes no entry."""
        after = self._state()
        # (An answer may put a flow under a timer that is shorter, and over.)
        assert after[0].keys() <= before[0].keys(), "I-M7"
        assert set(after[1]) <= set(before[1]), "I-M7"
        if seen is None:
            assert not receivers, "I-F1"
            assert after == before, "I-T2: what is dropped refreshes nothing"
            note("filtered")
            return
        internal = (dotted(seen.destination.address), seen.destination.port)
        assert internal in receivers, "I-F1"
        expected = self._packet(protocol, remote, internal, b"in", inward=True, ttl=63)
        assert seen.data == expected, "I-X1"
        if internal == FORWARD_TO:
            note("forward")
        elif self.model.known(protocol, internal, remote, self.world.now) is None:
            note("let-in-by-another-remote")
        self.model.heard(protocol, internal, remote, port, self.world.now)

    @precondition(lambda self: any(t.remote[0] != EXTERNAL for t in self.model.talks.values()))
    @rule(data=st.data(), router=st.sampled_from((R, "198.51.100.99")), forged=st.booleans())
    def a_router_complains(self, data: st.DataObject, router: str, forged: bool) -> None:
        """Invariants I-C1 and I-C2."""
        talks = [t for t in self.model.talks.values() if t.remote[0] != EXTERNAL]
        talk = data.draw(st.sampled_from(talks))
        alive = talk in self.model.alive(self.world.now)
        remote = ("198.51.100.200", talk.remote[1]) if forged else talk.remote
        quoted = self._packet(talk.protocol, (EXTERNAL, talk.external), remote, b"x" * 8, ttl=50)
        before = self._state()
        seen, said = self._handled(Side.OUTSIDE, unreachable(router, EXTERNAL, quoted))
        assert said == 0
        assert self._state() == before, "I-C2: an error changes nothing"
        if forged or not alive:
            note("icmp-error-of-a-dead-flow")
            others = self.model.users_of(talk.protocol, talk.external, self.world.now)
            assert seen is None or (not forged and others), "I-C1"
            return
        assert seen is not None
        original = self._packet(talk.protocol, talk.internal, talk.remote, b"x" * 8, ttl=50)
        assert seen.data == unreachable(router, talk.internal[0], original, ttl=63), "I-C1, I-X4"
        note("icmp-error")

    @precondition(lambda self: any(t.protocol == "udp" for t in self.model.talks.values()))
    @rule(data=st.data(), internal=INTERNALS)
    def a_host_calls_its_neighbour(self, data: st.DataObject, internal: tuple[str, int]) -> None:
        """Invariant I-X6: the neighbour sees the external endpoint of the caller."""
        world, model = self.world, self.model
        talks = [talk for talk in model.talks.values() if talk.protocol == "udp"]
        port = data.draw(st.sampled_from(talks)).external
        if self._is_a_phones(port):
            return
        remote = (EXTERNAL, port)
        left = world.send(Side.INSIDE, udp(text(internal), text(remote), b"psst"))
        if not self.hairpin:
            assert left == []
            return
        opened = [
            flow
            for flow in world.table.flows.values()
            if str(flow.mapping.internal) == text(internal) and str(flow.remote) == text(remote)
        ]
        if opened:
            external = opened[0].mapping.external.port
            model.said("udp", internal, remote, external, world.now)
            receivers = model.receivers("udp", (EXTERNAL, external), port, world.now)
            passed = [Seen(packet) for side, packet in left if side is Side.INSIDE]
            passed = [seen for seen in passed if seen.protocol == 17]
            assert bool(passed) == bool(receivers)
            for seen in passed:
                assert_sound(seen.data)
                assert seen.source == at(EXTERNAL, external), "I-X6"
                receiver = (dotted(seen.destination.address), seen.destination.port)
                assert receiver in receivers
                model.heard("udp", receiver, (EXTERNAL, external), port, world.now)
                note("hairpin")

    @rule(
        host=st.sampled_from((A, B)), flags=st.sampled_from((SYN, ACK, SYN | ACK, FIN | ACK, RST)),
        outward=st.booleans(), sequence=st.sampled_from((100, 101, 500, 501)),
    )  # fmt: skip
    def a_segment(self, host: str, flags: int, outward: bool, sequence: int) -> None:
        self.world.at(self.world.now)
        if outward:
            data = tcp(f"{host}:4000", f"{R}:80", flags, sequence=sequence, acknowledgement=501)
            seen, _ = self._handled(Side.INSIDE, data)
        else:
            flows = [f for f in self.world.table.flows.values() if f.mapping.protocol == 6]
            port = flows[0].mapping.external.port if flows else 4000
            before = len(self.world.table.flows)
            data = tcp(
                f"{R}:80", f"{EXTERNAL}:{port}", flags, sequence=sequence, acknowledgement=101
            )
            seen, _ = self._handled(Side.OUTSIDE, data)
            assert len(self.world.table.flows) == before, "I-M7"
            assert seen is None or flows, "I-F1"
            if seen is None and flags == SYN:
                note("unsolicited-syn")
        self._note_connections()

    def _note_connections(self) -> None:
        for flow in self.world.table.flows.values():
            if flow.tcp:
                note("tcp-" + flow.tcp.state.value)

    @rule(message=st.sampled_from((REGISTER, INVITE, ANSWER)), outward=st.booleans())
    def a_message(self, message: bytes, outward: bool) -> None:
        """Invariant I-E2: whatever a message says, it opens for its own host only."""
        if outward:
            self._handled(Side.INSIDE, udp(f"{A}:5060", f"{R}:5060", message))
        else:
            flows = [f for f in self.world.table.flows.values() if f.mapping.internal.port == 5060]
            port = flows[0].mapping.external.port if flows else 4000
            self._handled(Side.OUTSIDE, udp(f"{R}:5060", f"{EXTERNAL}:{port}", message))
        self._check_expectations()

    def _check_expectations(self) -> None:
        for expectation in self.world.table.expectations.values():
            note("expectation")
            assert str(expectation.mapping.internal).startswith(f"{A}:"), "I-E2"
            assert expectation.mapping.internal.port >= 1024
            assert expectation.remote is not None, "I-E3: never anyone"

    @rule(answered=st.booleans())
    def a_call(self, answered: bool) -> None:
        """An INVITE, and an answer to what arrived of it."""
        invite, _ = self._handled(Side.INSIDE, udp(f"{A}:5060", f"{R}:5060", INVITE))
        if invite is None or invite.protocol != 17 or not answered:
            return
        kept = (b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:")
        lines = [line for line in invite.payload.split(b"\r\n") if line.startswith(kept)]
        description = SDP.replace(A.encode(), R.encode())
        answer = b"\r\n".join((
            b"SIP/2.0 200 OK", *lines, b"Contact: <sip:bob@198.51.100.7:5060>",
            b"Content-Type: application/sdp", b"Content-Length: %d" % len(description), b"",
            description,
        ))  # fmt: skip
        self._handled(Side.OUTSIDE, udp(f"{R}:5060", invite.source, answer))
        self._check_expectations()

    @rule(host=st.sampled_from((A, B)), ending=st.sampled_from((0, RST, FIN | ACK)))
    def a_connection(self, host: str, ending: int) -> None:
        inside, remote = f"{host}:4001", f"{R}:80"
        syn, _ = self._handled(Side.INSIDE, tcp(inside, remote, SYN, sequence=100))
        if syn is None or syn.protocol != 6:
            return
        self._handled(
            Side.OUTSIDE, tcp(remote, syn.source, SYN | ACK, sequence=500, acknowledgement=101)
        )
        self._handled(Side.INSIDE, tcp(inside, remote, ACK, sequence=101, acknowledgement=501))
        if ending:
            self._handled(
                Side.OUTSIDE, tcp(remote, syn.source, ending, sequence=501, acknowledgement=101)
            )
        self._note_connections()

    @precondition(lambda self: self.world.table.expectations)
    @rule(data=st.data(), stranger=st.booleans())
    def somebody_unasked_sends(self, data: st.DataObject, stranger: bool) -> None:
        expectations = list(self.world.table.expectations.values())
        expectation = data.draw(st.sampled_from(expectations))
        assert expectation.remote is not None
        known = f"{dotted(expectation.remote.address)}:{expectation.remote.port or 7000}"
        source = "198.51.100.222:7000" if stranger else known
        seen, _ = self._handled(
            Side.OUTSIDE, udp(source, str(expectation.mapping.external), b"rtp")
        )
        if stranger and self.combination[1]:
            assert seen is None, "I-E3"
        if expectation.flow is not None:
            note("expectation-used")

    @rule(data=st.data())
    def anything_at_all(self, data: st.DataObject) -> None:
        """Invariant I-X7: total, whatever comes."""
        self.mutator.rng = random.Random(data.draw(st.integers(0, 1 << 30)))
        while True:
            side, raw = self.mutator.next()
            if raw[9:10] not in (b"\x11", b"\x01") or len(raw) < 24:
                break  # the model has no place for sound packets that it does not know of
        self.world.send(side, raw)

    # --- time and settings -------------------------------------------------------------

    @rule(data=st.data(), tidily=st.booleans())
    def time_goes_by(self, data: st.DataObject, tidily: bool) -> None:
        """Invariants I-T1 and I-T3: just before, at and just after an end, tidied up or not."""
        ends = [
            talk.last + self.model.timeout(talk) - self.world.now + near
            for talk in self.model.alive(self.world.now)
            for near in (-0.001, 0.0, 0.001)
        ]
        seconds = data.draw(st.sampled_from([0.0, 0.5, 10.0, 3600.0, *ends]))
        alive = len(self.model.alive(self.world.now))
        self.world.now += max(0.0, seconds)
        if tidily:
            self.world.at(self.world.now)
        else:
            note("lazy")
        if len(self.model.alive(self.world.now)) < alive:
            note("expired")

    @rule(seconds=st.sampled_from((30.0, 120.0, 300.0)), which=st.sampled_from(("udp", "icmp")))
    def a_timeout_is_changed(self, seconds: float, which: str) -> None:
        self.world.at(self.world.now)
        self.model.tidy(self.world.now)
        self.world.set(f"nat.timeouts.{which}", seconds)
        self.model.timeouts[which] = seconds

    @rule(module=st.sampled_from(("off", "sip", "sip-poor:no-sdp")))
    def another_module_is_put_in(self, module: str) -> None:
        self.world.set("alg.sip.module", module)

    @rule()
    def everything_is_forgotten(self) -> None:
        self.world.engine.flush(self.world.now)
        self.model.talks.clear()
        assert not self.world.table.flows
        note("flushed")

    # --- always ------------------------------------------------------------------------

    @invariant()
    def the_tables_are_in_order(self) -> None:
        if hasattr(self, "world"):
            audit(self.world)
            assert len(self.world.table.flows) <= self.limit, "I-M8"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            audit_events(self.world)
            self.world.wait(100_000.0)
            table = self.world.table
            assert not table.flows
            assert not table.expectations
            assert [m.opened_by for ms in table.mappings.by_external.values() for m in ms] == [
                "forward"
            ]
            self.world.close()


def tell(combination: tuple[int, int, str], number: int | None = None) -> None:
    """Stories under one combination; `number` makes them others than usual."""

    class Here(Story):
        pass

    Here.combination = combination
    run_state_machine_as_test(Here if number is None else seed(number)(Here), settings=STORIES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "combination", sampled(COMBINATIONS, 12), ids=lambda c: f"{c[0]}{c[1]}-{c[2]}"
)
def test_no_story_breaks_an_invariant(combination: tuple[int, int, str]) -> None:
    tell(combination)


@pytest.mark.slow
def test_every_state_of_interest_was_reached() -> None:
    """By the stories that were told here before, or by as many more as it needs: what hypothesis
    makes up depends on all the code that is loaded."""
    for number, combination in enumerate(COMBINATIONS):
        if reached >= OF_INTEREST:
            break
        tell(combination, number)
    assert reached >= OF_INTEREST, sorted(OF_INTEREST - reached)
