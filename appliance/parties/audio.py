"""A user agent's audio: the ports it listens on, whom it talks to, and why it talks to them.

It sends to where the session description says. That is all that SIP asks for, and behind a NAT it
is the whole problem; with `comedia` it goes by where audio comes from instead (RFC 7362 4).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from random import Random
from typing import Annotated, Literal

from appliance.parties.agent import UserAgentTraits
from appliance.parties.call import Call, Phase
from appliance.parties.description import (
    HEARS,
    SENDONLY,
    SENDRECV,
    SENDS,
    Description,
    Wanted,
    read,
)
from appliance.parties.digits import EVENT_TYPE
from appliance.parties.ice import INSISTS, NO, Ice
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Ground, What
from appliance.parties.rtcp import INTERVAL as REPORT_INTERVAL
from appliance.parties.rtcp import Control
from appliance.parties.rtp import INTERVAL, MEDIA, Stream
from appliance.parties.sipua import SipMessage
from appliance.parties.traits import about
from nat.endpoint import Endpoint

SENDS_AUDIO = "sends audio to"
SENDS_FAX = "sends the fax to"
SENDS_RTCP = "sends RTCP to"
EXPECTS_AUDIO = "expects audio both ways with"
OWN_AUDIO = "its own audio, sent back"
NO_AUDIO_CAME = "no audio came to"
NO_RTCP_CAME = "no RTCP came to"

OnSilence = Callable[[Call, str, float], None]
"""Nothing was heard in a call for too long: which, in words what, and when."""
OnDigit = Callable[[Stream, str, float], None]
"""Somebody has pressed a key: in which stream, which one, and when."""


class AudioTraits(UserAgentTraits, kw_only=True):
    """Of everybody who talks."""

    rtp_port: Annotated[
        int, about("The first port that it takes for audio; RTP has the even ones (RFC 3550 11).")
    ] = 4000
    rtp_from: Annotated[
        int,
        about(
            "The port that it sends audio from, where it does not listen: asymmetric RTP, as old "
            "phones have it (RFC 4961 4 wants one port for both); 0: the one that it listens on. "
            "Its RTCP is symmetric in any case."
        ),
    ] = 0
    comedia: Annotated[
        bool,
        about(
            "Send audio to where audio comes from, and not to what the session description says "
            "(RFC 7362 4; Asterisk's comedia)."
        ),
    ] = False
    talks_for: Annotated[
        float | None,
        about(
            "Seconds that it talks at a time, and then it is silent and sends nothing (silence "
            "suppression, RFC 3551 4.1); none: as long as the call lasts."
        ),
    ] = None
    music: Annotated[
        bool,
        about(
            "Play music to whom it has put on hold by a=sendonly, for as long as that lasts; if "
            "not it talks to them now and then, as a waiting queue does (RFC 7088 2; Asterisk's "
            "musiconhold)."
        ),
    ] = True
    rtcp: Annotated[bool, about("Report on its audio every 5 s, beside it (RTCP, RFC 3550 6).")] = (
        False
    )
    rtcp_port: Annotated[
        int,
        about(
            "The first port that it takes for RTCP, which it then names in a=rtcp (RFC 3605); 0: "
            "the one above RTP (RFC 3550 11)."
        ),
    ] = 0
    rtcp_timeout: Annotated[
        float,
        about(
            "Hang up when no RTCP comes for so many seconds; 0: never (RFC 3550 6.3.5 forgets who "
            "reports nothing for five intervals)."
        ),
    ] = 0.0
    rtp_timeout: Annotated[
        float,
        about(
            "Hang up when no audio comes for so many seconds, unless the call is on hold, with "
            "music or without (Asterisk's rtptimeout); 0: never."
        ),
    ] = 0.0
    fresh_ports: Annotated[
        bool,
        about("Take another port for each call, as PJSUA does, and not the same again."),
    ] = False
    c_under_m: Annotated[
        bool, about("Write the c= line under the m= line, and not above it (RFC 8866 5.7).")
    ] = False

    ice: Annotated[
        Literal["no", "falls-back", "insists"],
        about(
            "Look for a way for audio by trying the other side's candidates (RFC 8445); when the "
            "address in c= and m= is none of them, it falls back to that address, or sends nothing "
            "because it insists on ICE."
        ),
    ] = "no"

    more_codecs: Annotated[
        int,
        about(
            "So many codecs does it offer besides G.711, two lines for each: with 20 an INVITE "
            "does not fit into one packet of 1,500 bytes (RFC 3551 6: at most 32)."
        ),
    ] = 0

    @property
    def talks_to_source(self) -> bool:
        """Does audio go to where audio comes from?"""
        return self.comedia

    def check(self) -> None:
        super().check()
        if self.rtp_from and self.ice != NO:
            raise ValueError(
                "ice: candidates are tried from where audio is sent; not with rtp_from"
            )


class Audio:
    """The streams of the user agent `name`. They listen on the first free even port from `rtp_port`
    on, and keep `ports` up to date."""

    def __init__(
        self,
        machine: Machine,
        name: str,
        rng: Random,
        traits: AudioTraits,
        ports: set[int],
        on_silence: OnSilence,
    ) -> None:
        self._machine = machine
        self._name = name
        self._rng = rng
        self._traits = traits
        self._first_port = traits.rtp_port
        self._ports = ports
        self._on_silence = on_silence
        self._streams: dict[int, Stream] = {}
        self._wondered: set[int] = set()
        self._ice: Ice | None = None
        if traits.ice != NO:
            self._ice = Ice(machine, name, traits.ice == INSISTS, rng)
        self.takes_digits = False
        """Offer telephone-event, and listen to it."""
        self.on_digit: OnDigit = lambda stream, digit, now: None
        self._talks_to_source = traits.talks_to_source and traits.ice != INSISTS

    # --- ports --------------------------------------------------------------------------

    def open(self, address: int) -> Stream:
        """Listen on another port of this address (RFC 3550 11: RTCP has the odd one above)."""
        stream = Stream(self._free(address, self._first_port), None, self._rng)
        stream.sends_from = self._traits.rtp_from
        if self._traits.fresh_ports:
            self._first_port = stream.local.port + 2
        self._listen(stream, stream.local.port)
        if self._traits.rtcp:
            first = self._traits.rtcp_port or stream.local.port + 1
            stream.control = Control(self._free(address, first))
            self._listen(stream, stream.control.local.port)
        return stream

    def listen_too(self, stream: Stream, address: int) -> Endpoint:
        """Listen at another address as well, where the stream may move to."""
        endpoint = self._free(address, self._traits.rtp_port)
        self._listen(stream, endpoint.port)
        return endpoint

    def close(self, stream: Stream) -> None:
        for port in [port for port, owner in self._streams.items() if owner is stream]:
            del self._streams[port]
            self._ports.discard(port)
        if self._ice is not None:
            self._ice.forget(stream)

    def _free(self, address: int, port: int) -> Endpoint:
        while port in self._ports:
            port += 2
        return Endpoint(address, port)

    def _listen(self, stream: Stream, port: int) -> None:
        self._streams[port] = stream
        self._ports.add(port)

    # --- descriptions -------------------------------------------------------------------

    def describe(
        self,
        me: str,
        stream: Stream,
        direction: str = SENDRECV,
        to_zero: bool = False,
        moved_to: Endpoint | None = None,
        fax: bool = False,
    ) -> bytes:
        """What to say of a stream; `to_zero` wants nothing, as old phones put it, and `fax` wants
        it to become one. Each time that it says something else the version in o= grows (RFC 3264
        8)."""
        if stream.session is None:
            stream.session = self._rng.getrandbits(30)
        traits, control = self._traits, stream.control
        said = Description(
            me,
            moved_to or stream.public or stream.local,
            stream.session,
            stream.version,
            direction,
            control.local.port if control and traits.rtcp_port else 0,
            traits.c_under_m,
            to_zero,
            fax or stream.faxes,
            self._events(stream),
            0 if stream.remote else traits.more_codecs,  # an answer has one (RFC 3264 6.1)
            self._ice.lines(stream) if self._ice else (),
        )
        if stream.said not in (None, said):
            said = said._replace(version=stream.version + 1)
            stream.version += 1
        stream.said = said
        return said.write()

    def _events(self, stream: Stream) -> int:
        """The payload type for digits: an answer has the one that was offered, if any."""
        if not self.takes_digits:
            return 0
        return stream.events if stream.remote else EVENT_TYPE

    def aim(self, me: str, stream: Stream, message: SipMessage, direction: str = SENDRECV) -> None:
        """Send `stream` to where the session description in `message` says (RFC 8866 5.7), if both
        sides want that; `direction` is one's own (RFC 3264 5.1)."""
        wanted = read(message.body)
        stream.speaker = me
        before, stream.remote = stream.remote, wanted.media
        stream.faxes, stream.events = wanted.fax, wanted.events
        if self._ice is not None:
            self._ice.aim(me, stream, wanted, message)
        stream.may_send = wanted.hears and direction in SENDS
        stream.expects = (
            wanted.media is not None and wanted.direction == SENDRECV and direction in HEARS
        )
        if not stream.expects:
            stream.heard_before = None
        if stream.remote is not None and stream.remote != before:
            ground = Ground(message.wire, "sdp", "RFC 8866 5.7")
            self._machine.learn(
                me, SENDS_FAX if stream.faxes else SENDS_AUDIO, stream.remote, ground
            )
        if stream.remote is not None and stream.expects and self._traits.rtp_timeout:
            ground = Ground(message.wire, "sdp", "RFC 3264 5.1")
            self._machine.learn(me, EXPECTS_AUDIO, stream.remote, ground)
        if stream.control is not None:
            self._aim_reports(me, stream.control, wanted, message)

    def _aim_reports(self, me: str, control: Control, wanted: Wanted, message: SipMessage) -> None:
        before, control.remote = control.remote, wanted.control
        if control.remote is not None and control.remote != before:
            named = wanted.names_control
            ground = Ground(
                message.wire,
                "sdp.rtcp" if named else "sdp.m",
                "RFC 3605 2.1" if named else "RFC 3550 11",
            )
            self._machine.learn(me, SENDS_RTCP, control.remote, ground)

    # --- talking and hearing ------------------------------------------------------------

    def hear(self, datagram: Datagram, now: float) -> bool:
        """Take in a packet of audio. True when something is to be done about it."""
        stream = self._streams.get(datagram.destination.port)
        if stream is None:
            return False
        if self._ice is not None and self._ice.hear(stream, datagram, now):
            return True
        control = stream.control
        if control is not None and datagram.destination.port == control.local.port:
            return self._hear_report(control, datagram)
        payload = datagram.payload
        if stream.is_own(payload):
            return self._wonder(datagram, OWN_AUDIO, "RFC 3550 8.2")
        if not stream.hear(payload):
            return self._hear_key(stream, datagram, now)
        if not (self._talks_to_source and stream.may_send) or stream.remote == datagram.source:
            return False
        stream.remote = datagram.source
        detail = "sends audio to where audio comes from:"
        who = stream.speaker or self._name
        self._machine.learn(who, detail, datagram.source, Ground(b"", "", "RFC 7362 4"))
        return True

    def _hear_key(self, stream: Stream, datagram: Datagram, now: float) -> bool:
        digit = stream.hear_key(datagram.payload)
        if digit is None:
            return self._wonder(datagram, "no audio")
        if digit:
            self.on_digit(stream, digit, now)
        return bool(digit)

    def _hear_report(self, control: Control, datagram: Datagram) -> bool:
        if not control.hear(datagram.payload):
            return self._wonder(datagram, "no RTCP")
        if self._talks_to_source:
            control.remote = datagram.source
        return False

    def _wonder(self, datagram: Datagram, what: str, rfc: str = "RFC 3550 11") -> bool:
        """Something else came to a port than belongs there. It is told once for each port."""
        port = datagram.destination.port
        if port in self._wondered:
            return False
        self._wondered.add(port)
        reason = f"what comes to {datagram.destination} is {what}"
        ground = Ground(b"", MEDIA, rfc)
        self._machine.object_to(What.MESSAGE_DISCARDED, self._name, reason, ground)
        return True

    def start_talking(self, call: Call, now: float) -> None:
        call.phase = Phase.TALKING
        self._machine.report(What.TALKING, call.me, call.peer, stream=call.stream)
        self.talk(call, now)
        if call.stream.control is not None:
            self._machine.timers.at(now + REPORT_INTERVAL / 2, partial(self._report, call))
        self._watch(call, now)

    def talk(self, call: Call, now: float) -> None:
        """Say something, from now on or again, as far as both sides want it."""
        if self._ice is not None:
            self._ice.look(call.stream, now)
        seconds, said = self._traits.talks_for, call.stream.said
        is_on_hold = said is not None and said.direction == SENDONLY
        plays_music = is_on_hold and self._traits.music
        call.talks_until = inf if seconds is None or plays_music else now + seconds
        if call.saying is not None:
            call.saying.cancel()
            call.saying = None
        self._say(call, now)

    def _say(self, call: Call, now: float) -> None:
        stream = call.stream
        if call.phase is Phase.ENDED or not stream.may_send or now >= call.talks_until:
            call.saying = None
            return
        if stream.remote is not None:
            self._machine.send(stream.source, stream.remote, stream.say())
        if call.saying is None:
            call.saying = self._machine.timers.at(now + INTERVAL, partial(self._say, call))
        else:
            self._machine.timers.again(call.saying, now + INTERVAL)

    def _report(self, call: Call, now: float) -> None:
        stream, control = call.stream, call.stream.control
        if call.phase is Phase.ENDED or control is None:
            return
        if control.remote is not None:
            report = control.say(stream.ssrc, stream.timestamp, stream.sent, call.me, now)
            self._machine.send(control.local, control.remote, report)
        self._machine.timers.at(now + REPORT_INTERVAL, partial(self._report, call))

    # --- when nothing is heard ------------------------------------------------------------

    def _watch(self, call: Call, now: float) -> None:
        timers, traits = self._machine.timers, self._traits
        if traits.rtp_timeout:
            call.stream.heard_before = call.stream.heard
            timers.at(now + traits.rtp_timeout, partial(self._look, call))
        if traits.rtcp_timeout:
            timers.at(now + traits.rtcp_timeout, partial(self._look_for_reports, call, 0))

    def _look(self, call: Call, now: float) -> None:
        """Silence counts while audio is expected: what was not said during a hold is not missed
        right after it."""
        stream, patience = call.stream, self._traits.rtp_timeout
        if call.phase is Phase.ENDED:
            return
        if stream.expects and stream.heard == stream.heard_before:
            self._on_silence(call, f"{NO_AUDIO_CAME} {call.me} for {patience:g} s", now)
            return
        stream.heard_before = stream.heard if stream.expects else None
        self._machine.timers.at(now + patience, partial(self._look, call))

    def _look_for_reports(self, call: Call, before: int, now: float) -> None:
        control, patience = call.stream.control, self._traits.rtcp_timeout
        if call.phase is Phase.ENDED or control is None:
            return
        if control.heard == before:
            self._on_silence(call, f"{NO_RTCP_CAME} {call.me} for {patience:g} s", now)
            return
        self._machine.timers.at(
            now + patience, partial(self._look_for_reports, call, control.heard)
        )
