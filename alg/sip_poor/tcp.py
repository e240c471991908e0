"""Faults in reading SIP from a TCP stream: they are manners (`alg.stream.Manners`), not functions.

They hold for connections that exist too, but a connection that has turned out not to be SIP has
been let go, and is not looked at again.
"""

from __future__ import annotations

from alg.sip_poor.fault import Fault

FAULTS = (
    Fault(
        "tcp-split-miss",
        "M59",
        does="Does not edit a message that comes in more than one segment.",
        seen_in="Source of the Linux helper",
        breaks="Now and then a private Contact gets out, depending on how long a message is.",
        rfc="RFC 3261 18.3",
        kind="hold",
        manners={"waits": False},
    ),
    Fault(
        "tcp-no-seqadj",
        "M60",
        does="Edits messages and leaves the sequence numbers as they were.",
        seen_in="Source of pktkit (to be shown)",
        breaks="The connection stalls after the first message whose length has changed.",
        rfc="RFC 9293 3.4",
        kind="adjust",
        manners={"adjusts": False},
    ),
    Fault(
        "tcp-slip",
        "M61",
        does="Reads every segment as if the connection began with it, also within a web form.",
        seen_in="NAT slipstreaming, 2020; the Linux helper, tried",
        breaks="A web page opens a port of its visitor to the attacker.",
        rfc="RFC 3261 18.3",
        kind="begin",
        manners={"reads_each_segment": True},
    ),
)
