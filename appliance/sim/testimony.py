"""What parties say of messages, as events: the simulation and the lab tell the same."""

from __future__ import annotations

from appliance.journal.events import MessageAccepted, MessageDiscarded, PartyLearnt
from appliance.parties import ftp, keepalive, oneport, resolver, stun
from appliance.parties.party import Report, What
from appliance.parties.rtp import is_audio
from appliance.parties.sipua import essence

Said = MessageAccepted | MessageDiscarded | PartyLearnt

OTHERS = (stun.essence, ftp.essence, resolver.essence, keepalive.essence)
"""What packets are that are not of SIP or audio."""


def as_event(party: str, report: Report) -> Said | None:
    """A report of `party`; None for what is not said of a message."""
    ground = report.ground
    if ground is None:
        return None
    said, call_id = essence(ground.message)
    said = said or ftp.essence(ground.message) or resolver.essence(ground.message)
    if report.what is What.LEARNT and report.target is not None:
        return PartyLearnt(
            party=report.who,
            does=report.detail,
            target=str(report.target),
            field=ground.field,
            summary=said,
            rfc=ground.rfc,
        )
    said = said or keepalive.essence(ground.message) or "message"
    if report.what is What.MESSAGE_ACCEPTED:
        return MessageAccepted(party=report.who, summary=said, does=report.detail, call_id=call_id)
    return MessageDiscarded(
        party=party,
        summary=said,
        reason=report.detail,
        field=ground.field,
        rfc=ground.rfc,
        call_id=call_id,
    )


def in_words(payload: bytes) -> str | None:
    """What is said, in a word or two; None for audio, empty for what is nothing known. Frames of
    the one-port protocol look like audio at first sight."""
    said = oneport.essence(payload)
    if said:
        return said
    if is_audio(payload):
        return None
    return essence(payload)[0] or next(filter(None, (each(payload) for each in OTHERS)), "")
