"""Why it ended as it did: from what people notice back to where it began.

    alice hears nothing of bob               the outcome
    the packets reached nobody               a loss, with its place        PacketLost, PacketDropped
    bob's audio goes to 192.168.20.100       what led it there             PartyLearnt
    the c= line of the INVITE says so        which message, which field    MessagePassed
    the ALG left it as it was                who answers for the field     Change

The chain is told from its beginning. It contains only what was seen; where a step is missing, it
says that, and guesses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from alg.fault import Fault
from appliance.journal.events import (
    NAT,
    Cause,
    MessageDiscarded,
    MessagePassed,
    PacketDropped,
    PartyLearnt,
)
from appliance.journal.plain import clean, continued
from appliance.parties.audio import (
    EXPECTS_AUDIO,
    NO_AUDIO_CAME,
    OWN_AUDIO,
    SENDS_AUDIO,
    SENDS_FAX,
)
from appliance.parties.ftpclient import FILE_SAYS
from appliance.parties.ice import STOPS
from appliance.parties.registrar import SEES_NO_NAT
from appliance.parties.resolver import NAME_SAYS
from appliance.parties.rtp import MEDIA
from appliance.parties.telephone import NOBODY_ACKNOWLEDGED
from appliance.sim.conversation import Direction
from appliance.sim.deeds import whose
from appliance.sim.discards import of_discards, of_unheard_answers, spoilt
from appliance.sim.ends import (
    NO_FAULT_OF_A_NAT,
    Loss,
    most_frequent,
    of_a_closed_port,
    of_an_answer,
    of_losses,
    of_taken_ports,
    of_where_it_came_from,
    what,
)
from appliance.sim.origins import (
    ONLY_HEARS,
    fault_in,
    newest_about,
    of_the_field,
    why_sent,
    why_sent_there,
)
from appliance.sim.outcome import Failure
from appliance.sim.relevant import troubles_of
from appliance.sim.witness import Evidence
from nat.drop import Drop
from nat.endpoint import PROTOCOL_NAMES, TCP

FLUSHED = 1.0
"""Seconds after which packets that were lost have been told of at the latest."""
ON_THE_WAY = 0.5
"""Seconds: the other end has begun to send something else when the answer ends a part of a call."""
WHAT_IS_SENT = {SENDS_AUDIO: "audio", SENDS_FAX: "fax"}


def causes_of(
    failure: Failure | None,
    evidence: Evidence,
    faults: Callable[[Failure], Sequence[Fault[Any]]],
) -> list[Cause]:
    """The chain, the first cause first; nothing when nothing failed. `faults` answers those to
    blame that act in the NAT and leave no trace in messages; it is asked where what was seen does
    not explain it, and where nothing was seen nobody is blamed."""
    if failure is None:
        return []
    if failure.silent:
        chains = [list(_of_silence(each, failure.over, evidence)) for each in failure.silent]
        chains.sort(key=lambda chain: chain[:1] != [] and chain[0].party != NAT)
        found = [cause for chain in chains for cause in chain]
    else:
        found = list(_of_failed_signalling(failure, evidence))
    if any(_is_an_origin(each, evidence) for each in found) or all(x.inferred for x in found):
        return found
    return [*map(_of_a_fault, faults(failure)), *found]


def _is_an_origin(cause: Cause, evidence: Evidence) -> bool:
    """Does it say who spoilt what, or that it ended as it should?"""
    message = evidence.messages.get(cause.event or 0)
    is_refused = message is not None and message.verdict == "dropped"
    has_spoilt = cause.party == NAT and (bool(cause.field) or is_refused)
    return has_spoilt or cause.rule in NO_FAULT_OF_A_NAT


def _of_a_fault(fault: Fault[Any]) -> Cause:
    who = "ALG" if fault.kind in SHOWN_BY_CHANGES and fault.can_be_aimed else "NAT"
    sentence = f"The {who} has the fault {fault.name}: {continued(fault.does)}"
    return Cause(sentence, NAT, None, "", fault.rfc, True)


SHOWN_BY_CHANGES = ("edit", "refuse")
"""Kinds of faults that act on messages alone."""
REFUSED = Drop.REFUSED_BY_ALG.reason
AT_ONCE = 1.0
"""Seconds; no NAT forgets what was silent for less."""
HALF_UNDONE = (
    ": on the way out it became that first, and on the way back only the second step is undone"
)
NEEDS_MEMORY = ("no-mapping", "filtered")
"""Reasons of the NAT to refuse what it would have let in when it remembered."""
WHY_FORGOTTEN = {
    "expired": "for too long nothing had kept the mapping alive",
    "cut": "a RST or an ICMP error ended it",
    "renumbered": "that address is not its own any more",
    "evicted": "another flow took its place in the full table",
}

# --- audio -----------------------------------------------------------------------------------


def _of_silence(direction: Direction, over: float, evidence: Evidence) -> Iterator[Cause]:
    """Of a part of a call that was over then: afterwards something else may go elsewhere."""
    talker, listener, said, _, what = direction
    if said.remote is None:
        stops = (each for each in reversed(evidence.learnt) if each.party == talker)
        learnt = next((each for each in stops if each.does in STOPS), None)
        nothing = Cause(f"Nothing told {talker} where to send {what} to {listener}.", talker)
        if learnt:
            yield from why_sent_there(learnt, evidence)
        else:
            yield from of_the_field(_spoilt_description(evidence), "sdp")
            yield nothing
        return
    if not said.sent:
        yield Cause(f"{talker} has sent no {what} to {listener}.", talker)
        return
    source = str(said.source)
    target, what = _what_went_where(direction, over, evidence)
    mapped = (each.external for each in evidence.opened.values() if each.internal == source)
    sources = {source, *mapped}
    own = [
        each
        for each in evidence.learnt
        if (each.party, each.target) == (talker, target) and not each.does.startswith(ONLY_HEARS)
    ]
    yield from why_sent_there(own[-1] if own else newest_about(target, evidence), evidence)
    losses = [
        each
        for each in evidence.troubles
        if not isinstance(each, MessageDiscarded) and each.t <= over + FLUSHED
    ]
    lost: list[Loss] = [
        each for each in losses if each.destination == target or each.source in sources
    ]
    if not lost:  # whoever is there may have passed it on
        lost = [each for each in losses if each.source.startswith(target.rpartition(":")[0] + ":")]
    strays = list(_strays(direction, evidence))
    if len(strays) > sum(each.count for each in lost):
        yield from {each.sentence: each for each in reversed(strays)}.values()
        return
    if lost:
        yield from _of_the_state(most_frequent(lost), evidence)
    yield from of_losses(lost, f"{talker}'s {what}", listener)


def _what_went_where(direction: Direction, over: float, evidence: Evidence) -> tuple[str, str]:
    """The endpoint that the talker sent to in that part of the call, and what."""
    sends = [
        each
        for each in evidence.learnt
        if each.party == direction.talker and each.does in WHAT_IS_SENT
    ]
    then = [each for each in sends if each.t <= over - ON_THE_WAY]
    if then and then[-1] is not sends[-1]:
        return then[-1].target, WHAT_IS_SENT[then[-1].does]
    return str(direction.said.remote), direction.what


def _strays(direction: Direction, evidence: Evidence) -> Iterator[Cause]:
    """What came to one of the listener's ports and belongs to another, or back to the talker."""
    for each in evidence.troubles:
        if not isinstance(each, MessageDiscarded) or each.field != MEDIA:
            continue
        is_own = each.reason.endswith(OWN_AUDIO)
        who = direction.talker if is_own else direction.listener
        party = evidence.parties.get(who, who)
        if each.party == party:
            sentence = f"{who} makes nothing of it: {clean(each.reason)} ({each.rfc})."
            yield Cause(sentence, party, each.id, "", each.rfc)


def _spoilt_description(evidence: Evidence) -> MessagePassed | None:
    """The newest message out of which nobody can read where audio goes, because of a module."""
    newest = reversed(evidence.messages.values())
    return next((each for each in newest if fault_in(each, "sdp")), None)


# --- signalling ------------------------------------------------------------------------------


def _of_failed_signalling(failure: Failure, evidence: Evidence) -> Iterator[Cause]:
    party = evidence.parties.get(failure.who, failure.who)
    waits = _newest_expectation(failure, evidence)
    if waits is not None:
        yield from why_sent_there(waits, evidence)
        yield Cause(f"{failure.who} waits for it in vain, and hangs up.", failure.who)
        return
    troubles = troubles_of(failure, evidence)
    others = [each for each in troubles if isinstance(each, MessageDiscarded)]
    own = [each for each in others if each.party == party]
    lost: list[Loss] = [each for each in troubles if not isinstance(each, MessageDiscarded)]
    blamed = spoilt(own, evidence) or spoilt(others, evidence) or own or others
    if blamed and len(blamed) >= sum(each.count for each in lost):
        yield from of_discards(blamed, failure, evidence)
        if NOBODY_ACKNOWLEDGED in failure.detail:
            yield from of_unheard_answers([each for each in others if each not in blamed])
    elif lost:
        asked = [*failure.detail.split(), *_registrars(failure, evidence)]
        worst = most_frequent([each for each in lost if each.destination in asked] or lost)
        if not isinstance(worst, PacketDropped) or worst.reason != REFUSED:
            learnt = why_sent(worst.summary, worst.destination, failure, evidence, worst.t)
            yield from why_sent_there(learnt, evidence)
            yield from of_where_it_came_from(worst, evidence) if learnt is None else ()
        yield from _of_forgotten(worst, evidence)
        yield from _of_misdirection(worst, evidence)
        yield from _of_another_port(worst, evidence)
        yield from of_a_closed_port(worst, evidence)
        yield from _of_a_refusal(worst, evidence)
        yield from of_taken_ports(worst, evidence)
        yield from of_losses([worst], what(worst, failure), "")
    else:
        yield from _of_a_stream(failure, evidence) or _of_a_lapse(failure, evidence)


def _registrars(failure: Failure, evidence: Evidence) -> Iterator[str]:
    """Where a file or a name server has told somebody to register; others are named in the failure
    itself ("no answer to INVITE from 203.0.113.1:1024")."""
    for each in evidence.learnt:
        if each.party == failure.who and each.does.startswith((FILE_SAYS, NAME_SAYS)):
            yield each.target


def _of_the_state(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """What the NAT had in its tables for a packet of audio that did not pass it."""
    yield from _of_another_port(loss, evidence)
    yield from _of_forgotten(loss, evidence)
    yield from of_taken_ports(loss, evidence)


def _of_forgotten(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """What the NAT refuses now was let in as long as there was a mapping."""
    if not isinstance(loss, PacketDropped) or loss.reason not in NEEDS_MEMORY:
        return
    before = (each for each in reversed(evidence.forgotten) if each.t <= loss.t)
    ended = next((each for each in before if each.external == loss.destination), None)
    if ended is None:
        return
    sees = [each for each in evidence.learnt if each.does.startswith(SEES_NO_NAT)]
    deceived = [each for each in sees if each.target == ended.external and each.t <= ended.t]
    yield from why_sent_there(deceived[-1] if deceived else None, evidence)
    why = WHY_FORGOTTEN.get(ended.why, f"it was {ended.why}")
    began = evidence.opened.get(ended.external)
    if began is not None and 0.0 <= ended.t - began.t < AT_ONCE:
        why = "it was given up at once"
    sentence = (
        f"The NAT forgot at {ended.t:.1f} s that {ended.external} is {ended.internal}: {why}."
    )
    yield Cause(sentence, NAT, ended.id, "", "RFC 4787 4.3")


def _of_another_port(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """It came to an endpoint that somebody else was told of: for its sender the NAT has another."""
    if not isinstance(loss, PacketDropped) or loss.reason != Drop.FILTERED.reason:
        return
    opened = evidence.opened.get(loss.destination)
    flow = opened and evidence.flows.get((opened.internal, loss.source))
    if not flow or flow.external == loss.destination:
        return
    sentence = (
        f"{flow.internal} is {flow.external} to {flow.remote}, and {loss.destination} to others: "
        "the mapping depends on whom it talks to."
    )
    yield Cause(sentence, NAT, flow.id, "", "RFC 4787 4.1")


def _of_misdirection(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """It came to the endpoint that the NAT had given to somebody, and went on to another."""
    passed = evidence.messages.get(loss.cause or 0)
    opened = evidence.opened.get(passed.destination) if passed else None
    if passed is None or opened is None:
        return
    if passed.new_destination in (opened.internal, passed.destination):
        return
    flow = evidence.flows.get((opened.internal, passed.source))
    is_half_undone = flow is not None and flow.by_way_of == passed.new_destination
    sentence = (
        f"{opened.external} stands for {opened.internal}, and the NAT hands what comes for it to "
        f"{passed.new_destination}{HALF_UNDONE * is_half_undone}."
    )
    yield Cause(sentence, NAT, passed.id, "", "RFC 3022 4.1")


def _of_a_refusal(loss: Loss, evidence: Evidence) -> Iterator[Cause]:
    """The message that the module did not let through."""
    refused = (
        each
        for each in reversed(evidence.messages.values())
        if each.verdict == "dropped" and each.t <= loss.t and each.destination == loss.destination
    )
    message = next(refused, None)
    if message is not None and isinstance(loss, PacketDropped) and loss.reason == REFUSED:
        sentence = f"The module {message.module} refuses {whose(message.summary)}."
        yield Cause(sentence, NAT, message.id)


def _of_a_stream(failure: Failure, evidence: Evidence) -> list[Cause]:
    """In a stream the length of a message says where the next one begins."""
    for message in reversed(evidence.messages.values()):
        if message.t <= failure.noticed and message.transport == PROTOCOL_NAMES[TCP]:
            lengths = list(of_the_field(message, "content-length"))
            if lengths:
                sentence = (
                    f"{message.new_destination} looks for the end of {whose(message.summary)}, "
                    "and for what comes next, where they are not (RFC 3261 18.3)."
                )
                return [*lengths, Cause(sentence, "", message.id, "", "RFC 3261 18.3", True)]
    return []


def _of_a_lapse(failure: Failure, evidence: Evidence) -> Iterator[Cause]:
    """No packet is missing: the server knows of no registration, because it has ended; or it is as
    the last answer says."""
    lapsed = next((each for each in reversed(evidence.learnt) if each.field == "expires"), None)
    if lapsed is None:
        yield of_an_answer(failure, evidence)
        return
    said = (each for each in reversed(evidence.messages.values()) if fault_in(each, "expires"))
    yield from of_the_field(next(said, None), "expires")
    sentence = f"{clean(lapsed.party)} {lapsed.does} {lapsed.target} ({lapsed.rfc})."
    yield Cause(sentence, lapsed.party, lapsed.id, lapsed.field, lapsed.rfc)


def _newest_expectation(failure: Failure, evidence: Evidence) -> PartyLearnt | None:
    """What made a party expect audio, if it hung up because there was none."""
    if NO_AUDIO_CAME not in failure.detail:
        return None
    expects = (
        each
        for each in reversed(evidence.learnt)
        if each.party == failure.who and each.does == EXPECTS_AUDIO
    )
    return next(expects, None)
