"""Which segments of a connection are believed (RFC 9293 3.10.7.4, RFC 5961): whoever knows both
endpoints and nothing more can change nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.events import StreamLetGo
from nat.endpoint import Endpoint, Side
from tests.appliance.gateway.test_stream_delivery import with_window
from tests.appliance.gateway.test_streams import ANSWER, FIRST, PHONE, SECOND, SERVER, outside
from tests.support import packets
from tests.support.ends import End, Line
from tests.support.packets import ACK, FIN, PSH, RST, SYN
from tests.support.world import A, World

TINY_SEGMENTS = bytes((2, 4, 0, 1))
FORGED = {
    "a SYN with a byte": (SYN, 0, 0, b"x", b""),
    "a SYN with small segments": (SYN, 0, 0, b"", TINY_SEGMENTS),
    "an answer to no SYN": (SYN | ACK, 0, 0, b"", TINY_SEGMENTS),
    "a SYN in the window": (SYN, 10, 0, b"x", TINY_SEGMENTS),
    "data far away": (ACK, 2_000_000, 0, b"garbage", b""),
    "data that acknowledge what was never sent": (ACK, 0, 900_000, b"garbage", b""),
    "data that acknowledge what is long gone": (ACK, 0, -900_000, b"garbage", b""),
    "data without an acknowledgement": (PSH, 0, 0, b"garbage", b""),
    "a FIN far away": (FIN | ACK, 2_000_000, 0, b"", b""),
    "a FIN in the window": (FIN | ACK, 10, 0, b"", b""),
    "a FIN that acknowledges what was never sent": (FIN | ACK, 0, 900_000, b"", b""),
    "a RST far away": (RST, 2_000_000, 0, b"", b""),
    "a RST in the window": (RST, 10, 0, b"", b""),
    "an acknowledgement of what was never sent": (ACK, 0, 900_000, b"", b""),
}


@pytest.fixture
def line() -> Line:
    return Line(World({"alg.sip.module": "sip"}), PHONE, SERVER)


def forge(
    line: Line, end: End, flags: int, ahead: int, acknowledges: int, payload: bytes, options: bytes
) -> None:
    """A segment in the name of an end: so far from its next byte, and from what it has heard. What
    comes out is its receiver's to judge, and not looked at."""
    data = packets.tcp(
        end.local,
        end.remote,
        flags,
        sequence=(end.began + 1 + len(end.said) + ahead) % (1 << 32),
        acknowledgement=(end.peer_began + 1 + len(end.heard) + acknowledges) % (1 << 32),
        payload=payload,
        options=options,
    )
    line.nat.put(end.side, data)
    for side in Side:
        line.nat.take_all(side)


@pytest.mark.parametrize("end", ["inner", "outer"])
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_segment_changes_nothing(
    line: Line, end: str, forged: tuple[int, int, int, bytes, bytes]
) -> None:
    line.say(line.inner, FIRST)
    line.acknowledge(line.outer)
    forge(line, getattr(line, end), *forged)
    line.outer.sizes.clear()
    line.say(line.inner, SECOND, 70)
    assert line.outer.heard == outside(FIRST + SECOND)
    assert line.outer.sizes == [len(outside(SECOND))]
    line.say(line.outer, ANSWER % 2, 20)
    assert line.inner.heard == (ANSWER % 2).replace(b"203.0.113.1:", b"192.168.20.10:")
    assert line.nat.told(StreamLetGo) == []


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from((SYN, SYN | ACK, ACK, ACK | PSH, FIN | ACK, RST, RST | ACK)),
            st.integers(100_000, (1 << 32) - 100_000),
            st.integers(100_000, (1 << 32) - 100_000),
            st.binary(max_size=20),
            st.sampled_from((b"", TINY_SEGMENTS)),
        ),
        max_size=12,
    )
)
def test_who_guesses_no_number_changes_nothing(
    forged: list[tuple[bool, int, int, int, bytes, bytes]],
) -> None:
    line = Line(World({"alg.sip.module": "sip"}), PHONE, SERVER)
    line.say(line.inner, FIRST[:90])
    for from_inside, *rest in forged:
        forge(line, line.inner if from_inside else line.outer, *rest)
    line.say(line.inner, FIRST[90:] + SECOND)
    assert line.outer.heard == outside(FIRST + SECOND)


def test_a_syn_for_another_connection_while_one_is_opened_is_not_believed() -> None:
    """The number of its beginning has been repeated by the other side."""
    nat = World({"alg.sip.module": "sip"})
    nat.out(PHONE, SERVER, SYN, sequence=1000)
    (flow,) = nat.table.flows.values()
    external = flow.mapping.external
    nat.into(SERVER, external, SYN | ACK, sequence=5000, acknowledgement=1001)
    nat.into(SERVER, external, SYN, sequence=77_000, options=TINY_SEGMENTS)
    nat.out(PHONE, SERVER, SYN, sequence=88_000, options=TINY_SEGMENTS)
    nat.out(PHONE, SERVER, ACK, sequence=1001, acknowledgement=5001)
    nat.put(Side.INSIDE, packets.tcp(PHONE, SERVER, ACK, sequence=1001, acknowledgement=5001,
                                     payload=FIRST))  # fmt: skip
    (seen,) = nat.take_all(Side.OUTSIDE)
    assert seen.payload == outside(FIRST)


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_blind_syn_while_a_connection_is_opened_changes_nothing(payload: bytes) -> None:
    """Before the server's answer has come, and by somebody who does not know the phone's number."""
    nat = World({"alg.sip.module": "sip"})
    nat.out(PHONE, SERVER, SYN, sequence=1000)
    (flow,) = nat.table.flows.values()
    external = flow.mapping.external
    nat.into(SERVER, external, SYN, sequence=77_000, options=TINY_SEGMENTS, payload=payload)
    nat.into(SERVER, external, SYN | ACK, sequence=5000, acknowledgement=1001)
    nat.out(PHONE, SERVER, ACK, sequence=1001, acknowledgement=5001)
    nat.put(Side.INSIDE, packets.tcp(PHONE, SERVER, ACK, sequence=1001, acknowledgement=5001,
                                     payload=FIRST))  # fmt: skip
    (seen,) = nat.take_all(Side.OUTSIDE)
    assert seen.payload == outside(FIRST)
    assert nat.told(StreamLetGo) == []


@pytest.mark.parametrize(("offered", "scale"), [((7, 3), 3), ((7, None), 0), ((None, None), 0)])
def test_windows_are_scaled_when_both_have_offered_it(
    offered: tuple[int | None, int | None], scale: int
) -> None:
    """RFC 7323 1.3. The answer to held bytes tells the phone the server's window, less those."""
    nat = World({"alg.sip.module": "sip"})
    options = [b"" if shift is None else bytes((1, 3, 3, shift)) for shift in offered]
    nat.out(PHONE, SERVER, SYN, sequence=1000, options=options[0])
    (flow,) = nat.table.flows.values()
    nat.into(SERVER, flow.mapping.external, SYN | ACK, sequence=5000, acknowledgement=1001,
             options=options[1])  # fmt: skip
    nat.out(PHONE, SERVER, ACK, sequence=1001, acknowledgement=5001)
    nat.put(Side.INSIDE, packets.tcp(PHONE, SERVER, ACK, sequence=1001, acknowledgement=5001,
                                     payload=FIRST[:100]))  # fmt: skip
    (answer,) = nat.take_all(Side.INSIDE)
    assert answer.word(answer.header_length + 14) == (65536 - 100 if scale else 65435) >> scale


def test_a_scale_that_was_not_seen_makes_no_window_larger() -> None:
    """A forward lets the caller's SYN in before there is a flow. Its answer tells that windows are
    scaled, but not by how much the caller's are."""
    pbx, door = A._replace(port=5060), Endpoint.parse("203.0.113.1:5060")
    rule = {"protocol": "tcp", "external": str(door), "internal": str(pbx)}
    nat = World({"alg.sip.module": "sip", "nat.forward": [rule]})
    scale = bytes((1, 3, 3, 7))
    nat.into(SERVER, door, SYN, sequence=1000, options=scale)
    nat.out(pbx, SERVER, SYN | ACK, sequence=5000, acknowledgement=1001, options=scale)
    tiny = packets.tcp(SERVER, door, ACK, sequence=1001, acknowledgement=5001)
    nat.put(Side.OUTSIDE, with_window(tiny, 300))
    nat.take_all(Side.INSIDE)
    nat.put(Side.INSIDE, packets.tcp(pbx, SERVER, ACK, sequence=5001, acknowledgement=1001,
                                     payload=FIRST[:100]))  # fmt: skip
    (answer,) = nat.take_all(Side.INSIDE)
    assert answer.word(answer.header_length + 14) <= 300
