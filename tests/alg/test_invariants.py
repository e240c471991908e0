"""What must hold for every message and every history: the invariants of the correct ALG.

The golden pairs are the seed corpus: cut, doubled, mixed and damaged by hypothesis, and sent in any
order. What a single message becomes is said by `test_golden.py`; here nobody knows what it becomes,
only what it must not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from alg.base import Alg, Edit, Edits, Reading, Refuse, Unavailable
from alg.edits import LARGEST_MESSAGE, BadEdit, apply
from alg.registry import load
from alg.sip import framing, lint, message, parts
from alg.sip.correct import Sip, reasons
from alg.sip.rewriting import LOWEST_OPENED_PORT
from alg.sip_poor.faults import FAULTS
from alg.stream import Stream
from appliance.gateway.trial import Trial
from appliance.journal.events import MessagePassed
from nat.behavior import Limits
from nat.endpoint import Direction, Endpoint, Side
from tests.golden.pairs import Pair, pairs
from tests.support import packets
from tests.support.conversation import PHONE, SEEN, SERVER, small_nat
from tests.support.growth import assert_linear, filled
from tests.support.sweep import sampled
from tests.support.world import X1, A, World

ALL = list(pairs().values())
USUAL = [pair for pair in ALL if not {"internal", "external", "transport"} & set(pair.values)]
EDITED = [pair for pair in USUAL if pair.changes]
MTU = 1500
NEVER = ("call-id", "cseq", "authorization", "proxy-authorization", "www-authenticate", "warning",
         "refer-to", "replaces", "user-agent", "subject", "max-forwards", "expires",
         "content-type")  # fmt: skip
JUNK = (b"\r\n", b"\n", b"\r\n ", b";", b",", b'"', b"<", b">", b"(", b":", b" ", b"@", b"%", b"=",
        b"0", b"99999999999", b"\x00", b"\xff", b"192.168.20.100", b"192.168.20.100:5060",
        b"203.0.113.1:1024", b"Content-Length: 0\r\n", b"m=audio 1 RTP/AVP 0\r\n",
        b"c=IN IP4 192.168.20.100\r\n")  # fmt: skip

patient = settings(suppress_health_check=[HealthCheck.too_slow])


def inspected(data: bytes, context: Trial, module: Alg | None = None) -> Edits | Refuse:
    """As the datapath does it: what cannot be had undoes everything, and the message passes."""
    try:
        answer = (module or Sip()).inspect(data, context)
    except Unavailable:
        context.rollback()
        return Edits()
    context.commit()
    return answer


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, Direction]:
    """A golden message in which a few places were written over, doubled or cut out."""
    pair = draw(st.sampled_from(ALL))
    data = draw(st.sampled_from([pair.before, pair.after]))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(st.sampled_from([*JUNK, data[start:end] * 2, b""]))
        data = data[:start] + piece + data[end:]
    return data, draw(st.sampled_from([pair.direction, *Direction]))


# --- bytes -------------------------------------------------------------------------------------


@given(damaged())
@patient
def test_edits_are_sound_explained_and_nothing_but_places(case: tuple[bytes, Direction]) -> None:
    """I-A1: edits are in order, do not overlap, and hold only an address, a port or a length."""
    data, direction = case
    answer = inspected(data, small_nat(direction))
    assert isinstance(answer, Edits)
    edited = apply(data, answer.edits)
    event(f"{answer.reading.value}, {'edited' if answer.edits else 'unchanged'}")
    for edit in answer.edits:
        assert set(edit.replacement) <= set(b"0123456789.: \t\r\n")
        assert edit.rule in reasons()
        assert edit.end - edit.start <= 200
    if answer.reading is Reading.MESSAGE:
        again = inspected(edited, small_nat(direction))
        assert isinstance(again, Edits)
        assert again.reading is Reading.MESSAGE
    else:
        assert edited is data


@given(damaged())
@patient
def test_twice_is_once(case: tuple[bytes, Direction]) -> None:
    """I-A4: idempotent, and the ALG of a second NAT with another inside prefix changes nothing."""
    data, _ = case
    edited = edited_alone(data, small_nat())
    assert edited_alone(edited, small_nat()) == edited
    elsewhere = small_nat(
        internal=Endpoint.parse("10.0.0.9:5060"), external=Endpoint.parse("192.0.2.99:5060")
    )
    assert edited_alone(edited, elsewhere) == edited


@given(damaged())
@patient
def test_what_identifies_a_call_or_a_person_is_never_edited(
    case: tuple[bytes, Direction],
) -> None:
    """I-A5: Call-ID, CSeq, tags, branches, credentials and texts."""
    data, direction = case
    answer = inspected(data, small_nat(direction))
    assert isinstance(answer, Edits)
    if not answer.edits:
        return
    parsed = message.parse(data)
    after = message.parse(apply(data, answer.edits))
    for name in NEVER:
        assert values(parsed, name) == values(after, name)
    for kind in (b"branch=", b"tag="):
        assert parameters(data, kind) == parameters(after.data, kind)


def values(parsed: message.Message, name: str) -> list[bytes]:
    found = parsed.headers.get(name.encode(), [])
    return [parsed.data[header.start : header.end] for header in found]


def parameters(data: bytes, name: bytes) -> list[bytes]:
    return re.findall(name + rb"[^;,\s]*", data)


@given(damaged())
@patient
def test_a_length_that_was_right_is_right_afterwards(case: tuple[bytes, Direction]) -> None:
    """I-A2: for every Content-Length there is; one that was wrong leaves the message alone."""
    data, direction = case
    answer = inspected(data, small_nat(direction))
    assert isinstance(answer, Edits)
    edited = apply(data, answer.edits)
    if answer.reading is not Reading.MESSAGE:
        return
    parsed = message.parse(edited)
    parts.read(parsed)  # these two refuse a message, and a part of one, whose length is wrong
    length = parsed.number(b"content-length")
    assert length in (None, len(edited) - parsed.body)


def test_without_an_own_address_a_message_stays() -> None:
    """I-A3: the same messages of a phone that is not behind this NAT."""
    for pair in EDITED:
        context = small_nat(pair.direction)
        answer = inspected(_of_another(pair), context)
        assert isinstance(answer, Edits), pair.name
        assert [edit for edit in answer.edits if edit.field != "content-length"] == [], pair.name
        assert context.expectations == [], pair.name


def _of_another(pair: Pair) -> bytes:
    foreign = pair.before.replace(b"192.168.20.100", b"198.51.100.40")
    foreign = foreign.replace(b"203.0.113.1:", b"198.51.100.4:").replace(
        b"@203.0.113.1>", b"@198.51.100.4>"
    )
    foreign = foreign.replace(b"203.0.113.1\r", b"198.51.100.4\r").replace(
        b"=203.0.113.1", b"=198.51.100.4"
    )
    foreign = foreign.replace(b":203.0.113.1", b":198.51.100.4")
    foreign = foreign.replace(b"203.0.113.1 SIP", b"198.51.100.4 SIP")
    return foreign.replace(b"rport=1024", b"rport=4021")


OTHERS = {
    "nothing": b"",
    "a keep-alive": b"\r\n\r\n",
    "four zeros": bytes(4),
    "STUN": b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x00\x03\x00\x04\x00\x00\x00\x06",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"192.168.20.100:5060" * 20,
    "RTP": b"\x80\x00" + bytes(170),
    "HTTP": b"POST /x HTTP/1.1\r\nHost: 203.0.113.9:5060\r\n\r\nREGISTER sip:a SIP/2.0\r\n",
    "DNS": b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03sip\x07example\x03com\x00\x00\x01",
    "letters": "Å SIP/2.0 語".encode(),
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("direction", Direction)
def test_other_things_on_sips_port_stay(data: bytes, direction: Direction) -> None:
    """I-A3."""
    context = small_nat(direction)
    answer = inspected(data, context)
    assert isinstance(answer, Edits)
    assert answer.edits == ()
    assert answer.reading is not Reading.MESSAGE
    assert context.expectations == []


def test_a_message_that_would_become_too_long_is_refused() -> None:
    """I-A10: a datagram holds 65,507 bytes; the datapath passes the message as it came."""
    head = b"MESSAGE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.100\r\ni: 1\r\n"
    head += b"CSeq: 1 MESSAGE\r\n\r\n"
    data = head + b"x" * (LARGEST_MESSAGE - len(head))
    answer = inspected(data, small_nat())
    assert isinstance(answer, Edits)
    (edit,) = answer.edits
    assert edit.replacement == b"203.0.113.1:1024"
    with pytest.raises(BadEdit):
        apply(data, answer.edits)
    assert len(apply(data[:-2], answer.edits)) == LARGEST_MESSAGE


@pytest.mark.parametrize(("room", "rewritten"), [(3, True), (2, False)])
def test_a_message_that_may_not_be_cut_stays_when_it_would_not_fit(
    room: int, rewritten: bool
) -> None:
    """I-A10: an edit of three bytes more, in a datagram that must not be fragmented."""
    nat = World({"alg.sip.module": "sip", "nat.ports": "sequential"})
    phone, server = A._replace(port=5060), X1._replace(port=5060)
    head = b"MESSAGE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.10\r\ni: 1\r\n"
    head += b"CSeq: 1 MESSAGE\r\n\r\n"
    data = head + b"x" * (MTU - 28 - len(head) - room)
    nat.put(Side.INSIDE, packets.udp(phone, server, data, fragment=packets.DONT_FRAGMENT))
    seen = nat.take(Side.OUTSIDE).payload
    assert seen == (data.replace(b"192.168.20.10", b"203.0.113.1:1024") if rewritten else data)
    (told,) = [event for event in nat.engine.log.since(0) if isinstance(event, MessagePassed)]
    assert told.verdict == ("rewritten" if rewritten else "unchanged")
    assert rewritten or "MTU" in told.note


# --- there and back ----------------------------------------------------------------------------

WHITE = st.sampled_from(["", " ", "\t ", "\r\n "])
PORTS = st.sampled_from(["", ":5060"])


@st.composite
def request(draw: st.DrawFn) -> dict[str, str]:
    """The headers of a request that an answer repeats, written in any allowed way."""
    via, contact, route = (f"192.168.20.100{draw(PORTS)}" for _ in range(3))
    name = draw(st.sampled_from(["", '"192.168.20.100, x" ', "Alice ", '"\\"" ']))
    branch = draw(st.sampled_from(["z9hG4bK1", "192.168.20.100", "z9hG4bK.x~y"]))
    spaces = [draw(WHITE) for _ in range(4)]
    own = draw(st.sampled_from(["192.168.20.100", "example.com", "203.0.113.1"]))
    return {
        "Via": f"SIP/2.0/UDP {spaces[0]}{via}{spaces[1]};branch={branch}",
        "From": f"{name}<sip:192.168.20.100@{own}>{spaces[2]};tag=192.168.20.100",
        "To": "<sip:bob@203.0.113.9>",
        "Contact": f"{name}<sip:a@{contact};x=192.168.20.100>{spaces[3]};q=0.1",
        "Record-Route": f"<sip:{route};lr>",
        "Call-ID": "192.168.20.100:5060",
        "CSeq": "7 SUBSCRIBE",
    }


def written(start: str, headers: dict[str, str]) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


@given(request())
@patient
def test_what_comes_back_is_what_was_written(headers: dict[str, str]) -> None:
    """I-A5: a server that repeats what it saw; the phone finds every byte of its own."""
    context = small_nat()
    out = written("SUBSCRIBE sip:bob@203.0.113.9 SIP/2.0", headers)
    answer = inspected(out, context)
    assert isinstance(answer, Edits)
    seen = apply(out, answer.edits)
    assert b"@192.168.20.100" not in seen.replace(b"sip:192.168.20.100@", b"")
    back = seen.replace(b"SUBSCRIBE sip:bob@203.0.113.9 SIP/2.0", b"SIP/2.0 200 OK")
    answer = inspected(back, context.facing(Direction.IN))
    assert isinstance(answer, Edits)
    assert apply(back, answer.edits) == written("SIP/2.0 200 OK", headers)


# --- streams -----------------------------------------------------------------------------------


def is_framed(data: bytes) -> bool:
    """Over a stream a message must say its length; methods are plain words there."""
    try:
        return framing.frame(data) == len(data)
    except framing.NotSipStream:
        return False


OVER_TCP = [
    pair.before for pair in ALL if pair.direction is Direction.OUT and is_framed(pair.before)
]


def edited_alone(data: bytes, context: Trial) -> bytes:
    answer = inspected(data, context)
    return apply(data, answer.edits) if isinstance(answer, Edits) else b""


@given(st.data())
@patient
def test_a_stream_is_its_messages_however_it_is_cut(data: st.DataObject) -> None:
    """I-A6."""
    chosen = data.draw(st.lists(st.sampled_from(OVER_TCP), min_size=1, max_size=4))
    whole = b"".join(chosen)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=8)))
    contexts = [small_nat(transport="tcp") for _ in range(2)]
    stream = Stream(framing.frame, framing.NotSipStream)
    shown = b""
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        for piece in stream.take(
            start + 1, whole[start:end], lambda each: edited_alone(each, contexts[0]), 0.0
        ):
            assert piece.position == len(shown) + 1
            shown += piece.data
    assert shown == b"".join(edited_alone(each, contexts[1]) for each in chosen)


@given(st.sampled_from(OVER_TCP), st.binary(min_size=1, max_size=60), st.sampled_from(OVER_TCP))
@patient
def test_after_the_first_thing_that_is_not_sip_nothing_is_read(
    first: bytes, between: bytes, second: bytes
) -> None:
    """I-A7: or a web form could hold a REGISTER (NAT slipstreaming)."""
    junk = b"POST / HTTP/1.1\r\n" + between
    seen: list[bytes] = []

    def edit(each: bytes) -> bytes:
        seen.append(each)
        return each

    stream = Stream(framing.frame, framing.NotSipStream)
    stream.take(1, first + junk, edit, 0.0)
    assert stream.over
    pieces = stream.take(1 + len(first + junk), second, edit, 0.0)
    assert b"".join(piece.data for piece in pieces) == second
    assert seen == [first]


# --- expectations ------------------------------------------------------------------------------


def make_scarce(context: Trial, nth: int) -> Iterator[int]:
    """Let a NAT refuse what it is asked for the nth time; the answer counts, from 1."""
    asked = itertools.count(1)

    def scarce(verb: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*facts: Any, **more: Any) -> Any:
            if next(asked) == nth:
                raise Unavailable("there is no more of it")
            return verb(*facts, **more)

        return ask

    for name in ("map", "map_pair", "expect"):
        setattr(context, name, scarce(getattr(context, name)))
    return asked


OPENS = [
    pair
    for pair in USUAL
    if pair.values.get("open") and pair.direction is Direction.OUT and not pair.history
]


@pytest.mark.parametrize("pair", OPENS, ids=[pair.name for pair in OPENS])
def test_no_message_advertises_a_port_that_is_not_open(pair: Pair) -> None:
    """I-E5: whatever the NAT refuses. Both ports of a pair are open or none is."""
    asked = make_scarce(context := pair.context(), 0)
    inspected(pair.before, context)
    times = next(asked)
    assert times > 1
    for nth in range(1, times):
        make_scarce(context := pair.context(), nth)
        check_advertised_ports(pair, context)


def check_advertised_ports(pair: Pair, context: Trial) -> None:
    answer = inspected(pair.before, context)
    assert isinstance(answer, Edits)
    opened = {known.mapping.external.port for known in context.expectations}
    for edit in answer.edits:
        if edit.field == "sdp.m.port":
            assert int(edit.replacement) in opened
    if not answer.edits:
        context.rollback()
        assert context.expectations == []


def check_expectations(context: Trial) -> None:
    """I-E1 to I-E3, at any moment."""
    siblings: dict[Hashable, set[Endpoint]] = {}
    for known in context.expectations:
        assert known.mapping.internal.address == PHONE.address
        assert known.mapping.internal.port >= LOWEST_OPENED_PORT
        assert known.mapping.external.address == SEEN.address
        assert context.internal_of(known.mapping.external) == known.mapping.internal
        assert known.remote is not None
        assert 0 < known.deadline <= 86_400
        siblings.setdefault(known.parent, set()).add(known.mapping.internal)
    assert all(len(ports) <= Limits().expectations_per_parent for ports in siblings.values())


STANDARD = [pair for pair in USUAL if "settings" not in pair.values]


@given(st.lists(st.sampled_from(STANDARD), min_size=2, max_size=12))
@patient
def test_expectations_stay_within_bounds_in_any_order_of_messages(history: list[Pair]) -> None:
    """I-E1, I-E2, I-E3: only for the host that speaks, only for who may send, and not too many."""
    context = small_nat()
    for pair in history:
        inspected(pair.before, context.facing(pair.direction))
        check_expectations(context)
    event(f"{min(len(context.expectations), 10)} expectations")


@given(st.lists(st.sampled_from(STANDARD), max_size=8))
@patient
def test_a_call_that_is_over_has_no_expectations(history: list[Pair]) -> None:
    """I-E1: whatever came before, a BYE of every dialog leaves none of the call's."""
    context = small_nat()
    names = ["out-invite-early-offer", "call-answered", "call-acknowledged"]
    for pair in [*(pairs()[name] for name in names), *history]:
        inspected(pair.before, context.facing(pair.direction))
    bye = pairs()["call-hung-up"].before
    for tag in (b"b1", b"b2"):
        inspected(bye.replace(b"tag=b1", b"tag=" + tag), context.facing(Direction.OUT))
    of_the_call = [
        known for known in context.expectations if "early@192.168.20.100" in str(known.parent)
    ]
    assert of_the_call == []


@given(
    cseq=st.integers(1, 3),
    status=st.sampled_from([100, 180, 200, 202, 299, 300, 401, 403, 423, 500, 603]),
    registrar=st.sampled_from(["203.0.113.9:5060", "203.0.113.10:5060", "203.0.113.9:5061"]),
    call_id=st.sampled_from([b"no-port", b"another"]),
)
@patient
def test_a_registration_opens_with_its_own_2xx_alone(
    cseq: int, status: int, registrar: str, call_id: bytes
) -> None:
    """I-E4: the same CSeq, the same call, from the registrar that was asked."""
    context = small_nat()
    inspected(pairs()["register-no-port"].before, context)
    answer = pairs()["register-no-port-granted"].before
    answer = answer.replace(b"200 OK", b"%d X" % status).replace(b"CSeq: 1", b"CSeq: %d" % cseq)
    answer = answer.replace(b"Call-ID: no-port", b"Call-ID: " + call_id)
    remote = Endpoint.parse(registrar)
    inspected(answer, context.facing(Direction.IN, remote))
    matches = cseq == 1 and call_id == b"no-port" and remote.address == SERVER.address
    assert bool(context.expectations) == (matches and 200 <= status < 300)


# --- the poor module ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", sampled((each for each in FAULTS if FAULTS[each].acts_on_messages), 6)
)
def test_a_fault_keeps_what_no_fault_may_break(name: str) -> None:
    """I-A8: it never raises anything but Unavailable, its edits can be applied and are explained,
    and it opens nothing for another host."""
    module = load(f"sip-poor:{name}")
    context = small_nat()
    for pair in USUAL[::4]:
        answer = inspected(pair.before, context.facing(pair.direction), module)
        if isinstance(answer, Refuse):
            assert module.explain(answer.rule).sentence
            continue
        apply(pair.before, answer.edits)
        for edit in answer.edits:
            assert module.explain(edit.rule).sentence
        assert all(
            known.mapping.internal.address == PHONE.address for known in context.expectations
        )


# --- time --------------------------------------------------------------------------------------

KINDS = [b"(", b")", b",", b";", b" ", b"\t", b"\r\n ", b"\r\n", b"\n", b"\r", b'"', b'\\"', b"<",
         b"<>,", b":", b"@", b"%", b"=", b"a", b"0", b"a:b\r\n", b"l:", b"Via: x\r\n", b"v:\r\n ",
         b"--", b"\x00", b"\xff", b"SIP/2.0 ", b" SIP/2.0", b"192.168.20.100:5060", b"sip:a@",
         b"\r\n\r\n"]  # fmt: skip
FRAMES = {
    "alone": b"%b",
    "method": b"%b sip:a SIP/2.0\r\n\r\n",
    "request uri": b"OPTIONS sip:%b SIP/2.0\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    "reason": b"SIP/2.0 200 %b\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    "headers": b"OPTIONS sip:a SIP/2.0\r\n%b\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
    "via": b"OPTIONS sip:a SIP/2.0\r\ni: 1\r\nCSeq: 1 OPTIONS\r\nVia: SIP/2.0/UDP %b\r\n\r\n",
    "cseq": b"OPTIONS sip:a SIP/2.0\r\ni: 1\r\nCSeq: %b OPTIONS\r\n\r\n",
    "length": b"OPTIONS sip:a SIP/2.0\r\ni: 1\r\nCSeq: 1 OPTIONS\r\nl: %b\r\n\r\n",
    "body": b"INVITE sip:a SIP/2.0\r\ni: 1\r\nCSeq: 1 INVITE\r\nc: application/sdp\r\n\r\n%b",
    "parts": b"INVITE sip:a SIP/2.0\r\ni: 1\r\nCSeq: 1 INVITE\r\n"
    b"c: multipart/mixed;boundary=-\r\n\r\n%b\r\n---",
}


def correct(data: bytes) -> None:
    inspected(data, small_nat())


def frame(data: bytes) -> None:
    try:
        framing.frame(data)
    except framing.NotSipStream:
        return


READERS: dict[str, Callable[[bytes], object]] = {
    "the ALG": correct,
    "the stream": frame,
    "the summary": message.summary,
    "lint": lint.findings,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("shape", sampled(FRAMES.values(), 12), ids=FRAMES.keys())
def test_64_kib_of_hostile_text_cost_linear_time(
    shape: bytes, reader: Callable[[bytes], object]
) -> None:
    """I-A9: no pattern goes back over what it has read."""
    for kind in KINDS:
        assert_linear(reader, filled(shape, kind))


@pytest.mark.slow
def test_an_edit_of_every_kind_was_seen() -> None:
    """The corpus makes every rule speak: a property that never fires proves nothing."""
    spoken: set[str] = set()
    for pair in ALL:
        spoken |= {edit.rule for edit in edits_of(pair)}
    assert set(reasons()) - spoken == {"call-id-restored"}  # said of other modules (test_judging)
    assert len(OVER_TCP) > 60


def edits_of(pair: Pair) -> tuple[Edit, ...]:
    context = pair.context()
    answer: Edits | Refuse = Edits()
    for each in (*pair.history, pair):
        answer = inspected(each.before, context.facing(each.direction, each.remote))
    assert isinstance(answer, Edits)
    return answer.edits
