"""Whole calls whose signalling goes over the one connection that the phone has opened."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from appliance.journal.events import encode
from appliance.parties.sipua import MAGIC_COOKIE
from appliance.settings.files import for_scenario
from appliance.sim.packets import unpack_segment
from appliance.sim.reading import read
from appliance.sim.segment import Segment
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario
from nat.endpoint import TCP, Side
from nat.packet import Packet
from nat.tcp import ACK, SYN
from tests.support import stories
from tests.support.stories import CALL
from tests.support.sweep import sampled

STORY, ALICE_IS_CALLED = (
    each.replace("side =", 'transport = "tcp"\nside =') for each in (CALL, stories.ALICE_IS_CALLED)
)
STORIES = {"alice calls": STORY, "alice is called": ALICE_IS_CALLED}
WORDS = {"off": "one-way-audio", "sip": "both-ways"}
IN_PIECES = [
    pytest.param(STORY, "off", "segment = 7", id="0"),
    pytest.param(STORY, "sip", "segment = 100", id="1"),
    pytest.param(ALICE_IS_CALLED, "off", "segment = 100", id="2"),
    pytest.param(ALICE_IS_CALLED, "sip", "segment = 7", id="3"),
    pytest.param(ALICE_IS_CALLED, "sip", "segment = 1", id="4"),
]


class Run:
    """A simulation with everything that went over the links."""

    def __init__(self, story: str, alg: str, *sets: str) -> None:
        scenario = read(story, "tcp")
        wanted = [f"alg.sip.module={alg}", *sets]
        settings = for_scenario("tcp", scenario.settings, None, wanted)
        self.simulation = Simulation(scenario, settings)
        self.segments: list[tuple[Side, Segment]] = []
        self.is_lost: Callable[[Side, Segment], bool] = lambda side, segment: False
        self.simulation.world.loses = self._carry

    def _carry(self, packet: Packet, side: Side) -> bool:
        segment = unpack_segment(packet) if packet.protocol == TCP else None
        if segment is None:
            return False
        self.segments.append((side, segment))
        return self.is_lost(side, segment)

    def outcome(self) -> str:
        return self.simulation.run().outcome

    def evidence(self, name: str) -> object:
        return self.simulation.outcome().evidence[name]

    def connections(self) -> int:
        """How many were opened, seen outside."""
        outside = [segment for side, segment in self.segments if side is Side.OUTSIDE]
        return sum(segment.flags & (SYN | ACK) == SYN for segment in outside)

    def requests(self) -> list[str]:
        """The methods that were sent over the outside link, each segment a message."""
        starts = [each.payload for side, each in self.segments if side is Side.OUTSIDE]
        words = [start.split(b" ")[0].decode("latin-1") for start in starts if start]
        return [word for word in words if word.isalpha()]


def cut(story: str, piece: str) -> str:
    """The same with each message in segments of so many bytes."""
    return story.replace('transport = "tcp"', f'transport = "tcp"\n{piece}')


def later(story: str, call_at: int, end_at: int) -> str:
    """The same with other times."""
    return (
        story.replace("at = 1.0", f"at = {call_at}.0")
        .replace("at = 6.0", f"at = {end_at}.0")
        .replace("duration = 9", f"duration = {end_at + 5}")
    )


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
@pytest.mark.parametrize(("alg", "word"), WORDS.items())
def test_how_a_call_over_tcp_ends(story: str, alg: str, word: str) -> None:
    """Without an ALG everything works but the audio: answers, and calls to alice, come on the
    connection that she opened (RFC 3261 18.2.2; RFC 5923). Her SDP still names a private
    address."""
    run = Run(story, alg)
    assert run.outcome() == word
    assert run.evidence("registrations_accepted") == run.evidence("calls_answered") == 1
    assert run.evidence("messages_discarded") == 0
    assert run.connections() == 1


def test_nothing_is_said_twice_over_tcp() -> None:
    """RFC 3261 17.1.1.2: TCP itself repeats what is lost."""
    run = Run(STORY, "off")
    run.outcome()
    assert run.requests() == ["REGISTER", "INVITE", "ACK", "BYE"]


def test_every_message_says_that_it_travels_over_tcp() -> None:
    """RFC 3261 18.1.1 and 19.1.1."""
    run = Run(STORY, "off")
    run.outcome()
    invite = next(each.payload for _, each in run.segments if each.payload.startswith(b"INVITE"))
    assert b"Via: SIP/2.0/TCP 192.168.20.100:5060;branch=" + MAGIC_COOKIE.encode() in invite
    assert b"Contact: <sip:alice@192.168.20.100:5060;transport=tcp>\r\n" in invite


@pytest.mark.parametrize(("story", "alg", "piece"), sampled(IN_PIECES, 3))
def test_messages_may_be_cut_anywhere(story: str, alg: str, piece: str) -> None:
    """RFC 3261 18.3: the ends of segments mean nothing."""
    run = Run(cut(story, piece), alg)
    assert run.outcome() == WORDS[alg]
    size = int(piece.rpartition(" ")[2])
    inside = [len(each.payload) for side, each in run.segments if side is Side.INSIDE]
    assert size in inside


@pytest.mark.parametrize("alg", ["off", "sip"])
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("start", sampled([b"REGISTER", b"SIP/2.0 200", b"INVITE", b"ACK"], 4))
def test_a_lost_segment_comes_again(start: bytes, side: Side, alg: str) -> None:
    """One that begins like this, on the first link where it is seen: said again by TCP, and no
    transaction notices."""
    run = Run(STORY, alg)
    lost: list[Segment] = []

    def once(where: Side, segment: Segment) -> bool:
        if where is side and segment.payload.startswith(start) and not lost:
            lost.append(segment)
            return True
        return False

    run.is_lost = once
    assert run.outcome() == WORDS[alg]
    assert len(lost) == 1
    same = (lost[0].source, lost[0].sequence, lost[0].payload)
    carried = [(each.source, each.sequence, each.payload) for _, each in run.segments]
    assert carried.count(same) >= 2
    lost_on_links: dict[str, int] = run.evidence("lost")  # type: ignore[assignment]
    assert lost_on_links[f"lost on the {side} link"] == 1
    assert run.evidence("registrations_tried") == run.evidence("calls_answered") == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", sampled(range(4), 4))
@pytest.mark.parametrize(
    ("story", "alg", "word"),
    [(STORY, "sip", "both-ways"), (cut(STORY, "segment = 50"), "off", "one-way-audio")],
    ids=["whole messages", "in pieces"],
)
def test_a_bad_link_is_only_slower(story: str, alg: str, word: str, seed: int) -> None:
    """One segment in ten is lost on each link."""
    run = Run(later(story, call_at=50, end_at=100), alg)
    rng = Random(seed)
    run.is_lost = lambda side, segment: rng.random() < 0.1
    assert run.outcome() == word
    assert run.evidence("registrations_tried") == run.evidence("calls_answered") == 1


def test_a_registrar_that_speaks_udp_only_refuses() -> None:
    """And the phone knows at once, not after 32 seconds (RFC 3261 17.1.4)."""
    run = Run(STORY.replace('transport = "tcp"\nside = "outside"', 'side = "outside"'), "sip")
    assert run.outcome() == "registration-failed"
    sentence = run.simulation.outcome().sentence
    assert sentence == "registration failed: alice got connection refused"


def test_a_connection_that_the_nat_has_forgotten_reaches_nobody() -> None:
    """RFC 5382 REQ-5: two hours and four minutes; with three seconds bob calls in vain."""
    story = later(ALICE_IS_CALLED, call_at=20, end_at=70)
    run = Run(story, "off", "nat.timeouts.tcp_established=3s")
    assert run.outcome() == "not-reached"
    lost: dict[str, int] = run.evidence("lost")  # type: ignore[assignment]
    assert set(lost) == {"dropped by the NAT: no-mapping"}


@pytest.mark.slow
def test_the_same_scenario_and_seed_give_the_same_bytes() -> None:
    """Promise 6."""
    first, second = Run(cut(STORY, "segment = 9"), "sip"), Run(cut(STORY, "segment = 9"), "sip")
    assert first.outcome() == second.outcome()
    assert first.segments == second.segments
    told = [[encode(event) for event in run.simulation.log.since(0)] for run in (first, second)]
    assert told[0] == told[1]


@pytest.mark.slow
def test_the_stories_over_udp_know_nothing_of_tcp() -> None:
    scenario = load_scenario("one-way-audio")
    settings = for_scenario(scenario.name, scenario.settings, None, ["alg.sip.module=sip"])
    simulation = Simulation(scenario, settings)
    protocols: set[int] = set()

    def carry(packet: Packet, side: Side) -> bool:
        protocols.add(packet.protocol)
        return False

    simulation.world.loses = carry
    simulation.run()
    assert protocols == {17}


def test_bytes_that_a_stream_lacks_are_told_where_they_are_missed() -> None:
    """RFC 9293 3.4: a message that was made shorter, and numbers that were left as they were."""
    run = Run(STORY, "sip-poor:tcp-no-seqadj")
    run.simulation.world.loses = None
    assert run.outcome() == "not-reached"
    told = [cause.sentence for cause in run.simulation.causes()]
    assert told[0].startswith("The NAT has the fault tcp-no-seqadj")
    assert told[-1] == "The INVITE is lost at pbx: 6 bytes of the stream before it never came."


def test_a_length_that_is_wrong_hides_where_the_next_message_begins() -> None:
    """RFC 3261 18.3."""
    run = Run(later(STORY, call_at=1, end_at=40), "sip-poor:content-length-stale")
    assert run.outcome() == "not-reached"
    told = [cause.sentence for cause in run.simulation.causes()]
    assert told[0].endswith("Content-Length of the INVITE, where a correct ALG writes 157.")
    assert "looks for the end of the INVITE" in told[1]
