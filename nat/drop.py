"""What becomes of a packet that is not forwarded: it is refused, and then for exactly one reason,
or it is set aside."""

from __future__ import annotations

from enum import Enum


class Drop(Enum):
    """A member is a reason; its value is a sentence for people and where the rule is written."""

    # what arrived is not a packet that could be forwarded
    NOT_IPV4 = ("This is not an IPv4 packet.", "")
    MALFORMED = ("A length in the packet does not fit the packet.", "RFC 1812 5.2.2")
    BAD_HEADER_CHECKSUM = ("The IPv4 header checksum is wrong.", "RFC 1812 5.2.2")
    BAD_TRANSPORT_CHECKSUM = ("The transport checksum is wrong.", "RFC 1122 4.1.3.4")
    BAD_OPTION = ("An IPv4 option is not well formed.", "RFC 1812 5.3.13")
    SOURCE_ROUTED = ("The packet wants to choose its own route.", "RFC 7126 4.3")
    BAD_FLAGS = ("These TCP flags cannot stand together.", "RFC 9293 3.10.7")
    PORT_ZERO = ("Port 0 is nobody's port.", "RFC 6335 6")
    UNSUPPORTED_PROTOCOL = ("Only UDP, TCP and ICMP are translated.", "")
    UNSUPPORTED_ICMP = ("This ICMP type is not translated.", "RFC 5508 REQ-11")

    # addresses that have no business on this wire
    SPOOFED_SOURCE = ("No host on this side may send from this address.", "BCP 38")
    BAD_SOURCE = ("This address cannot be a source.", "RFC 1122 3.2.1.3")
    BAD_DESTINATION = ("This address cannot be routed to.", "RFC 1812 5.3.7")
    NOT_OURS = ("The packet is not for an external address of this NAT.", "")
    NOT_FOR_OUTSIDE = ("The destination is on the side the packet came from.", "")
    LAND = ("Source and destination are the same address.", "RFC 1122 3.2.1.3")
    TTL_EXCEEDED = ("The packet has come to the end of its time to live.", "RFC 1812 5.3.1")

    # no state that lets it pass
    NO_MAPPING = ("Nothing inside is mapped to this external endpoint.", "RFC 4787 5")
    FILTERED = ("The mapping exists, but its filter does not let this remote in.", "RFC 4787 REQ-8")
    NOT_OPENING = ("No connection is known, and this segment does not open one.", "RFC 7857 2")
    NO_HAIRPIN = (
        "Traffic between inside hosts by their external endpoints is off.",
        "RFC 4787 REQ-9",
    )

    # ICMP errors
    ICMP_UNKNOWN_FLOW = ("The ICMP error quotes a packet of no known flow.", "RFC 5508 REQ-4")
    ICMP_BAD_QUOTE = ("The packet quoted in the ICMP error cannot be trusted.", "RFC 5508 REQ-3")
    ICMP_BAD_MTU = ("The MTU in the ICMP error is not possible here.", "RFC 5508 REQ-4")

    # fragments
    FRAGMENT_OVERLAP = ("Fragments of this datagram overlap.", "RFC 1858 3")
    FRAGMENT_TOO_LONG = ("The fragment ends beyond the longest datagram.", "RFC 791 3.2")
    FRAGMENT_LIMIT = ("Too many fragments are waiting.", "RFC 4787 REQ-14a")
    FRAGMENT_REFUSED = ("This NAT does not take later fragments.", "RFC 4787 REQ-14")
    FRAGMENT_TIMEOUT = ("The rest of the datagram did not come in time.", "RFC 791 3.2")
    TOO_BIG = (
        "The packet is larger than the next MTU and must not be fragmented.",
        "RFC 4787 REQ-13",
    )

    # limits
    FLOW_LIMIT = ("The flow table is full.", "RFC 6888 REQ-5")
    HOST_FLOW_LIMIT = ("This inside host has all the flows it may have.", "RFC 6888 REQ-4")
    HOST_UNANSWERED_LIMIT = ("This inside host waits for too many answers.", "RFC 6888 REQ-4")
    HOST_RATE_LIMIT = ("This inside host opens flows too fast.", "RFC 6888 REQ-4")
    HOST_PORT_LIMIT = ("This inside host has all the external ports it may have.", "RFC 6888 REQ-4")
    NO_PORT = ("No external port is free.", "RFC 5508 REQ-8")

    # behind the NAT
    REFUSED_BY_ALG = ("The ALG module refused the message.", "")
    WIRE_REFUSED = ("The other wire did not take the packet.", "")

    def __init__(self, sentence: str, rfc: str) -> None:
        self.sentence = sentence
        self.rfc = rfc

    @property
    def reason(self) -> str:
        """The word used in JSON and on screens."""
        return self.name.lower().replace("_", "-")


class Aside(Enum):
    """A packet that is neither refused nor forwarded as it is."""

    HELD = "held"  # a fragment that waits for the rest, or a message that waits for its turn
    ANSWERED = "answered"  # it was for the NAT itself
    # by the appliance around the NAT:
    KEPT = "kept"  # its bytes wait for the rest of their message
    REPLACED = "replaced"  # other packets go on in its place: fragments, segments, datagrams
