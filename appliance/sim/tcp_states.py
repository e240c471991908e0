"""The states of a TCP connection (RFC 9293 3.3.2).

The first steps need no table; everything that changes the state of an open connection is in the one
below, which is the rest of RFC 9293's figure 5:

    connect ─► SYN-SENT ──SYN+ACK─► ESTABLISHED          accept ─► SYN-RECEIVED ──ACK─► ESTABLISHED
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    SYN_SENT = "syn-sent"
    SYN_RECEIVED = "syn-received"
    ESTABLISHED = "established"
    FIN_WAIT_1 = "fin-wait-1"
    FIN_WAIT_2 = "fin-wait-2"
    CLOSE_WAIT = "close-wait"
    CLOSING = "closing"
    LAST_ACK = "last-ack"
    TIME_WAIT = "time-wait"
    CLOSED = "closed"


class Step(Enum):
    """What moves an open connection towards its end."""

    CLOSE = "the program has no more to say"
    FIN_HEARD = "the other side has no more to say"
    FIN_ACKNOWLEDGED = "the other side knows that we have no more to say"


_S = State

# fmt: off
TRANSITIONS: dict[Step, dict[State, State]] = {
    Step.CLOSE:            {_S.ESTABLISHED: _S.FIN_WAIT_1, _S.CLOSE_WAIT: _S.LAST_ACK},
    Step.FIN_HEARD:        {_S.ESTABLISHED: _S.CLOSE_WAIT, _S.FIN_WAIT_1: _S.CLOSING,
                            _S.FIN_WAIT_2: _S.TIME_WAIT},
    Step.FIN_ACKNOWLEDGED: {_S.FIN_WAIT_1: _S.FIN_WAIT_2, _S.CLOSING: _S.TIME_WAIT,
                            _S.LAST_ACK: _S.CLOSED},
}
# fmt: on

RECEIVING = {_S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2}
SENDING = {_S.ESTABLISHED, _S.CLOSE_WAIT, _S.FIN_WAIT_1, _S.CLOSING, _S.LAST_ACK}
