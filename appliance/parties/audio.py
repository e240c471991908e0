"""A user agent's audio: the ports it listens on, whom it talks to, and why it talks to them.

It sends to where the session description says. That is all that SIP asks for, and behind a NAT it
is the whole problem; with `comedia` it goes by where audio comes from instead (RFC 7362 4.1).
"""

from __future__ import annotations

from functools import partial
from random import Random

from appliance.parties.call import Call, Phase
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Ground, What
from appliance.parties.rtp import INTERVAL, Stream
from appliance.parties.sipua import SipMessage, media_endpoint
from nat.endpoint import Endpoint


class Audio:
    """The streams of the user agent `name`. It listens at `address`, on the first free even port
    from `first_port` on, and keeps `ports` up to date."""

    def __init__(
        self,
        machine: Machine,
        name: str,
        address: int,
        rng: Random,
        first_port: int,
        comedia: bool,
        ports: set[int],
    ) -> None:
        self._machine = machine
        self._name = name
        self._address = address
        self._rng = rng
        self._first_port = first_port
        self._comedia = comedia
        self._ports = ports
        self._streams: dict[int, Stream] = {}

    def open(self) -> Stream:
        """Listen on another port (RFC 3550 11: RTCP has the odd one above)."""
        port = self._first_port
        while port in self._ports:
            port += 2
        stream = Stream(Endpoint(self._address, port), None, self._rng)
        self._streams[port] = stream
        self._ports.add(port)
        return stream

    def close(self, stream: Stream) -> None:
        self._streams.pop(stream.local.port, None)
        self._ports.discard(stream.local.port)

    def aim(self, me: str, stream: Stream, message: SipMessage) -> None:
        """Send `stream` to where the session description in `message` says (RFC 8866 5.7)."""
        stream.remote = media_endpoint(message.body)
        if stream.remote is not None:
            ground = Ground(message.wire, "sdp", "RFC 8866 5.7")
            self._machine.learn(me, "sends audio to", stream.remote, ground)

    def hear(self, datagram: Datagram) -> bool:
        """Take in a packet of audio. True when something was learnt from it."""
        stream = self._streams.get(datagram.destination.port)
        if stream is None or not stream.hear(datagram.payload):
            return False
        if not self._comedia or stream.remote == datagram.source:
            return False
        stream.remote = datagram.source
        detail = "sends audio, because audio comes from there, to"
        self._machine.learn(self._name, detail, datagram.source, Ground(b"", "", "RFC 7362 4.1"))
        return True

    def start_talking(self, call: Call, now: float) -> None:
        call.phase = Phase.TALKING
        self._machine.report(What.TALKING, call.me, call.peer, stream=call.stream)
        self._talk(call, now)

    def _talk(self, call: Call, now: float) -> None:
        if call.phase is not Phase.TALKING:
            return
        stream = call.stream
        if stream.remote is not None:
            self._machine.send(stream.local, stream.remote, stream.say())
        self._machine.timers.at(now + INTERVAL, partial(self._talk, call))
