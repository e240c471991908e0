"""Where what a fault is said to break comes true: the words of `breaks` that claim it, and what is
told, of the outcome or of its causes, of the run in which the fault bites in that story.

A new fault needs a row here, and a change of either text a look at the other.
"""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """`says` stands in the fault's `breaks`, `told` in what the run says."""

    story: str
    says: str
    told: str


CLAIMS = {
    # --- text of messages ---
    "sip-poor:callid-oneway": Claim(
        "call-id-rewritten",
        "checks it in answers never registers",
        "alice discards the 200 OK (REGISTER), 11 times: the Call-ID is not the one that was sent",
    ),
    "sip-poor:callid-hide": Claim(
        "transfer-fails",
        "quotes the inside Call-ID in Replaces and fails",
        "pbx refuses the REFER: 481: Replaces names no call that is known here",
    ),
    "sip-poor:replace-all": Claim(
        "transfer-fails",
        "(Replaces) names no call: transfers fail",
        "pbx refuses the REFER: 481: Replaces names no call that is known here",
    ),
    "sip-poor:prefix-replace": Claim(
        "call-id-rewritten",
        "is answered under another name",
        "alice discards the 200 OK (REGISTER), 11 times: the Call-ID is not the one that was sent",
    ),
    "sip-poor:requests-only": Claim(
        "technicolor-full-alg",
        "Calls out work; in calls in the phone hears nothing",
        "both ways: bob hears alice (59 of 59), alice hears bob (60 of 61); "
        "call 2, bob to alice: alice hears bob (0 of 59)",
    ),
    "sip-poor:no-from-to": Claim(
        "technicolor-full-alg",
        "A server that wants no private domains answers 403",
        "pbx refuses the REGISTER: 403: the domain in To is a private address",
    ),
    "sip-poor:foreign-mangled": Claim(
        "forwarded-to-voicemail",
        "Calls that are forwarded to somebody else",
        "bob sends requests for alice to 203.0.113.1:5060, because the Contact of the 302",
    ),
    "sip-poor:ack-uri-rewrite": Claim(
        "cut-after-half-a-minute",
        "the call drops after 20 to 32 seconds",
        "call dropped: alice called bob: nobody acknowledged the answer",
    ),
    "sip-poor:semicolon-lost": Claim(
        "stray-character",
        "The server answers 400",
        "alice discards the 400 Bad Request (REGISTER)",
    ),
    "sip-poor:stray-char": Claim(
        "stray-character",
        "The server answers 400 Bad Request",
        "alice got 400 Bad Request",
    ),
    "sip-poor:own-via": Claim(
        "technicolor-full-alg",
        "a server that wants to be the first hop (RFC 5626) refuses",
        "pbx refuses the REGISTER: 439: it came by way of a proxy (RFC 5626 6)",
    ),
    "sip-poor:via-not-restored": Claim(
        "call-id-rewritten",
        "A phone that holds to RFC 3261 18.1.2 drops every answer, and never registers",
        "11 times: the top Via is not the one that was sent (RFC 3261 18.1.2)",
    ),
    "sip-poor:branch-rewrite": Claim(
        "hung-up-too-early",
        "CANCEL matches no INVITE: the server answers 481",
        "pbx refuses the CANCEL: 481",
    ),
    "sip-poor:content-length-stale": Claim(
        "one-way-audio",
        "A server that holds to RFC 3261 18.3 drops the datagram",
        "pbx discards the message, 7 times: Content-Length says 163, the body has 157 bytes",
    ),
    "sip-poor:expires-shrink": Claim(
        "no-incoming-calls",
        "until a server that counts (Kamailio's pike) refuses it",
        "pbx refuses the REGISTER: 503: it comes too often",
    ),
    "sip-poor:expires-grow": Claim(
        "no-incoming-calls",
        "The registration ends on the server while the phone believes in it: no calls in",
        "pbx knows no more where alice is, whose registration has ended",
    ),
    # --- messages that go no further ---
    "sip-poor:fqdn-drop": Claim(
        "one-brand-only",
        "A phone that is configured by names never registers",
        "registration failed: dora got no valid answer in 32 s",
    ),
    "sip-poor:block-unknown": Claim(
        "transfer-fails",
        "transfer and busy lamps fail",
        "not reached: alice wants to connect bob with dave: no answer to REFER in 32 s",
    ),
    "sip-poor:keepalive-drop": Claim(
        "keepalive-saves-it",
        "a phone that waits for their answer (RFC 5626) takes its registration for lost",
        "registration lost: alice got no pong to its keep-alive in 10 s",
    ),
    "sip-poor:no-clen-drop": Claim(
        "one-brand-only",
        "Only one brand of phone cannot call",
        "not reached: dora called bob",
    ),
    "sip-poor:lowport-drop": Claim(
        "one-brand-only",
        "Only one brand of phone cannot call",
        "not reached: dora called bob",
    ),
    "sip-poor:expect-clash": Claim(
        "hung-up-too-early",
        "gets no answer to its INVITE: the next call is not reached",
        "not reached: alice called bob: no answer to INVITE",
    ),
    "sip-poor:direct-media-refused": Claim(
        "direct-media",
        "gets no answer, and ends the call after half a minute",
        "call dropped: alice called bob: no answer to the INVITE that changes the call in 32 s",
    ),
    # --- descriptions and media ---
    "sip-poor:port-over-65535": Claim(
        "one-way-audio",
        "refuses the description (488)",
        "rejected: alice called bob: 488 Not Acceptable Here",
    ),
    "sip-poor:no-sdp": Claim(
        "one-way-audio",
        "the other side sends its audio to a private address",
        "bob sends audio to 192.168.20.100:4000",
    ),
    "sip-poor:c-only": Claim(
        "mikrotik-before-after",
        "the one announced is not open",
        "bob's audio is dropped by the NAT on the outside: nothing inside is mapped",
    ),
    "sip-poor:session-c-only": Claim(
        "unusual-phones",
        "One-way audio with phones that write c= under m=",
        "alice hears bob (0 of 75)",
    ),
    "sip-poor:audio-only": Claim(
        "fax-fails",
        "Fax over T.38 and video fail",
        "alice gets the fax of bob (0 of 75)",
    ),
    "sip-poor:odd-to-even": Claim(
        "six-streams",
        "Silence for phones that use odd ports",
        "wrote 4000 into the m= line of the INVITE, where 4001 must stay",
    ),
    "sip-poor:hold-broken": Claim(
        "hold-and-resume",
        "the other side waits for audio and hangs up",
        "bob waits for it in vain, and hangs up",
    ),
    "sip-poor:retrans-remap": Claim(
        "unusual-phones",
        "only if the first INVITE was the one that got answered",
        "alice hears bob (0 of 75)",
    ),
    "sip-poor:delayed-offer-blind": Claim(
        "unusual-phones",
        "The phone hears nothing in a call that was made without an offer",
        "alice hears bob (0 of 73)",
    ),
    "sip-poor:early-media-blind": Claim(
        "direct-media",
        "hears no ring-back tone from another host than the server",
        "while it rings, alice hears bob (0 of 76)",
    ),
    "sip-poor:prack-update-blind": Claim(
        "hold-and-resume",
        "The phone hears nothing after an UPDATE",
        "resumed, bob hears alice (75 of 75), alice hears bob (0 of 75)",
    ),
    "sip-poor:ice-default-only": Claim(
        "ice-half-heard",
        "If it insists on ICE it sends no audio",
        "bob sends nothing, as no ICE candidate is 203.0.113.1:4000",
    ),
    "sip-poor:rtcp-attr-stale": Claim(
        "six-streams",
        "RTCP is lost: no quality reports, and some phones hang up for it",
        "call dropped: alice called bob: no RTCP came to alice for 4 s",
    ),
    "sip-poor:direct-media-block": Claim(
        "direct-media",
        "from another host than the server is not heard until the phone itself has sent something",
        "while it rings, alice hears bob (0 of 76); talking, bob hears alice (100 of 100), alice "
        "hears bob (100 of 100)",
    ),
    "sip-poor:dialog-forgets": Claim(
        "left-open",
        "After a quarter of an hour of silence the other side is heard no more",
        "The NAT forgot at 903.0 s that 203.0.113.1:4000 is 192.168.20.100:4000",
    ),
    "sip-poor:pinhole-leak": Claim(
        "pinholes-leak",
        "The ports run out",
        "alice's audio is dropped by the NAT on the inside: no external port is free",
    ),
    "sip-poor:rtp-timeout-on-hold": Claim(
        "waiting-queue",
        "Who waits longer hears no announcement any more, until the call is resumed",
        "on hold, alice hears bob (61 of 244); resumed, bob hears alice (60 of 60), alice hears "
        "bob (60 of 60)",
    ),
    "sip-poor:tls-blind": Claim(
        "tcp-split",
        "Whatever an ALG would have mended",
        "left 192.168.20.100 in the c= line of the 200 OK (INVITE)",
    ),
    # --- mappings and their time ---
    "sip-poor:hide-then-forget": Claim(
        "alg-hides-nat",
        "calls in stop a minute after registering",
        "The NAT forgot at 60.5 s that 203.0.113.1:5060 is 192.168.20.100:5060",
    ),
    "sip-poor:sip-timer-short": Claim(
        "alg-timeout-short",
        "Calls in work just after registering, and then not",
        "not reached: bob called alice",
    ),
    "sip-poor:one-reg": Claim(
        "two-trunks",
        "A PBX with several trunks gets calls on the last one only",
        "203.0.113.9:5060, came to 203.0.113.1:5060, and the NAT dropped it: the mapping exists, "
        "but its filter does not let this remote in",
    ),
    "sip-poor:unreg-leaves-hole": Claim(
        "signed-off",
        "it rings at a desk that its user has left",
        "both ways: alice hears bob",
    ),
    "sip-poor:reply-to-5060": Claim(
        "listens-elsewhere",
        "A phone that sends from one port and listens on another",
        "The 200 OK (REGISTER) is lost at alice: nobody listens at 192.168.20.100:49154",
    ),
    "sip-poor:stun-clash": Claim(
        "stun-meets-alg",
        "nonces cross: registering never succeeds",
        "pbx refuses the REGISTER, 2 times: 401: the password is right, but the nonce is stale",
    ),
    "sip-poor:rtcp-not-adjacent": Claim(
        "six-streams",
        "RTCP is lost; phones that watch it hang up",
        "call dropped: alice called bob: no RTCP came to alice for 4 s",
    ),
    "sip-poor:no-hairpin": Claim(
        "hairpin-desks",
        "No audio between two desks",
        "no audio: carol hears alice (0 of 123), alice hears carol (0 of 126)",
    ),
    "sip-poor:remap-on-new-flow": Claim(
        "stun-phone",
        "is a dead port",
        "The 200 OK (REGISTER) came to 203.0.113.1:2598, and the NAT dropped it: nothing inside",
    ),
    "sip-poor:wrong-port-forward": Claim(
        "stun-phone",
        "One-way audio: it comes to a port of the phone's where nobody listens",
        "bob's audio is lost at alice: nobody listens at 192.168.20.100:4001",
    ),
    "sip-poor:reply-port-lost": Claim(
        "check-point-reply-port",
        "Replies reach the host on a port where nobody listens",
        "The 200 OK (REGISTER) is lost at asterisk: nobody listens at 192.168.20.10:17973",
    ),
    "sip-poor:second-phone-steals": Claim(
        "two-phones-one-port",
        "comes to the second one's desk: a phone that reads whom it is for answers 404",
        "carol refuses the INVITE: 404",
    ),
    "sip-poor:stale-after-renumber": Claim(
        "works-then-stops",
        "All phones are gone",
        "The 200 OK (REGISTER) is lost on the outside: no host at 203.0.113.1",
    ),
    "sip-poor:split-wan": Claim(
        "works-then-stops",
        "Calls are set up in which the phone hears nothing",
        "one-way audio: call 1, bob to alice: "
        "alice hears bob (0 of 59), bob hears alice (61 of 61)",
    ),
    "sip-poor:born-unnatted": Claim(
        "nat-yes",
        "The phone that was first gets no answers",
        "The 200 OK (REGISTER) is lost on the outside: no route to 192.168.20.100",
    ),
    "sip-poor:symmetric-random": Claim(
        "symmetric-nat-stun",
        "What STUN says is useless",
        "192.168.20.100:5060 is 203.0.113.1:44500 to 203.0.113.9:5060, and 203.0.113.1:2598 to",
    ),
    "sip-poor:table-full-evict": Claim(
        "busy-neighbour",
        "Calls and registrations drop at random under load",
        "another flow took its place in the full table",
    ),
    "sip-poor:inbound-no-refresh": Claim(
        "inbound-pings",
        "Pings that need no answer do not help the phone",
        "The NAT forgot at 60.5 s that 203.0.113.1:5070 is 192.168.20.100:5070",
    ),
    # --- what strangers may do, fragments, checksums, streams ---
    "sip-poor:rst-cuts": Claim(
        "stranger-cuts",
        "ends SIP over TCP for good",
        "a RST or an ICMP error ended it",
    ),
    "sip-poor:icmp-cuts": Claim(
        "stranger-cuts",
        "One forged ICMP packet and the phone cannot be reached any more",
        "a RST or an ICMP error ended it",
    ),
    "sip-poor:drop-fragments": Claim(
        "sometimes-works",
        "REGISTER is fine, and an INVITE that offers many codecs times out",
        "not reached: alice called bob: no answer to INVITE from 203.0.113.9:5060 in 32 s",
    ),
    "sip-poor:bad-checksum": Claim(
        "sometimes-works",
        "The message leaves and vanishes: its receiver throws it away",
        "The REGISTER is lost at pbx: wrong checksum at pbx",
    ),
    "sip-poor:tcp-split-miss": Claim(
        "tcp-split",
        "a private address gets out",
        "bob sends audio to 192.168.20.100:4000, because the session description",
    ),
    "sip-poor:tcp-no-seqadj": Claim(
        "tcp-split",
        "The connection stalls",
        "is lost at pbx: 6 bytes of the stream before it never came",
    ),
    "sip-poor:tcp-slip": Claim(
        "slipstream",
        "A web page opens a port of its visitor to the attacker",
        "alice refuses the INVITE: 486: mallory is on the line",
    ),
    # --- other protocols ---
    "ftp-poor:no-seqadj": Claim(
        "ftp-active",
        "The control connection stalls",
        "The RETR is lost at provisioning: 3 bytes of the stream before it never came",
    ),
    "ftp-poor:split-miss": Claim(
        "ftp-active",
        "a private address gets out, and that file or listing never comes",
        "provisioning refuses the PORT: 500: it names 192.168.20.100",
    ),
    "ftp-poor:open-to-all": Claim(
        "ftp-active",
        "Whoever comes first gets the file, or puts another one in its place",
        "alice registers where the file from 198.51.100.66:49186 says",
    ),
    "dns-poor:whole-network": Claim(
        "dns-doctor",
        "Names of the provider's other customers lead to inside hosts, or to nobody",
        "dora registers where its name server says: 192.168.20.9:5060",
    ),
    "dns-poor:shared-address": Claim(
        "two-services",
        "all but one are looked for at the wrong host",
        "The REGISTER is lost at www",
    ),
    "dns-poor:signed-too": Claim(
        "dns-doctor-breaks-dnssec",
        "Whoever checks signatures takes the answer for a forgery",
        "alice discards the DNS answer: its signature does not fit: forged, or changed on the way",
    ),
    "dns-poor:ttl-zero": Claim(
        "asks-each-time",
        "Nobody remembers the answer: each call, page and message asks for the name again",
        "carol may remember nothing of it, and before each call asks",
    ),
    "dns-poor:pointers-stay": Claim(
        "known-by-name",
        "cannot be read where the two addresses differ in length",
        "provider discards the DNS answer: a name in it leads nowhere",
    ),
    "dns-poor:not-reversed": Claim(
        "known-by-name",
        "Nobody knows the name of an address",
        "it knows no 10.113.0.203.in-addr.arpa. (REFUSED)",
    ),
    "dns-poor:longer-than-512": Claim(
        "dns-doctor-breaks-dnssec",
        "Long and signed answers never come; the asker tries again for seconds, and gives up",
        "alice got no answer from the name server",
    ),
    "dns-poor:no-edns": Claim(
        "dns-doctor-breaks-dnssec",
        "Whoever checks signatures, or takes long answers, cannot look up any name",
        "alice got no answer from the name server",
    ),
}
"""By fault, as a SPEC."""
