"""Faults in reading SIP from a TCP stream.

They are manners (`alg.stream.Manners`) and not functions, so their rows stand alone. Manners hold
for connections that exist too, except for one that has turned out not to be SIP: it is not looked
at again.
"""

from __future__ import annotations

from alg.fault import Faults
from alg.sip_poor.case import Case

FAULTS = Faults[Case]()

FAULTS.add(
    "tcp-split-miss",
    does="Does not edit a message that comes in more than one segment.",
    seen_in="Source of the Linux helper nf_conntrack_sip",
    breaks="Now and then a private address gets out, depending on how long a message is.",
    look_at="The SIP messages counted as seen (glassnat show counters): fewer than were sent, for "
    "those in two segments are not read.",
    rfc="RFC 3261 18.3",
    kind="hold",
    manners={"waits": False},
)

FAULTS.add(
    "tcp-no-seqadj",
    does="Edits messages and leaves the sequence numbers as they were.",
    seen_in="Source of pktkit",
    breaks="The connection stalls after the first message whose length has changed.",
    look_at="View 2 after the first message of a connection whose length has changed: no later "
    "message gets through.",
    rfc="RFC 9293 3.4",
    kind="adjust",
    manners={"adjusts": False},
)

FAULTS.add(
    "tcp-slip",
    does="Reads every segment as if the connection began with it, also within a web form.",
    seen_in="NAT slipstreaming, 2020; the Linux helper, tried",
    breaks="A web page opens a port of its visitor to the attacker.",
    look_at="The message read on a connection that is none of SIP, in view 4, then glassnat show "
    "expectations: a port of the visitor is open.",
    rfc="RFC 3261 18.3",
    kind="begin",
    manners={"reads_each_segment": True},
)
