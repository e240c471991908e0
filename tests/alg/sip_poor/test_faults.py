"""The list of faults."""

from __future__ import annotations

from itertools import chain

from alg.sip_poor.faults import FAULTS, KINDS
from alg.sip_poor.poor import SipPoor
from nat.policy import POINTS

CONTEXT_VERBS = ("map", "expect", "close", "keep")
STREAM_RULES = ("hold", "adjust", "begin")

CATALOGUE = [
    "callid-oneway",
    "callid-hide",
    "replace-all",
    "prefix-replace",
    "requests-only",
    "no-from-to",
    "foreign-mangled",
    "ack-uri-rewrite",
    "semicolon-lost",
    "stray-char",
    "own-via",
    "via-not-restored",
    "branch-rewrite",
    "content-length-stale",
    "expires-shrink",
    "expires-grow",
    "fqdn-drop",
    "block-unknown",
    "keepalive-drop",
    "no-clen-drop",
    "lowport-drop",
    "port-over-65535",
    "no-sdp",
    "c-only",
    "session-c-only",
    "audio-only",
    "expect-clash",
    "odd-to-even",
    "hold-broken",
    "retrans-remap",
    "delayed-offer-blind",
    "early-media-blind",
    "prack-update-blind",
    "ice-default-only",
    "rtcp-attr-stale",
    "direct-media-block",
    "direct-media-refused",
    "dialog-forgets",
    "pinhole-leak",
    "hide-then-forget",
    "sip-timer-short",
    "one-reg",
    "unreg-leaves-hole",
    "reply-to-5060",
    "tls-blind",
    "stun-clash",
    "rtcp-not-adjacent",
    "no-hairpin",
    "remap-on-new-flow",
    "wrong-port-forward",
    "reply-port-lost",
    "second-phone-steals",
    "stale-after-renumber",
    "split-wan",
    "born-unnatted",
    "symmetric-random",
    "table-full-evict",
    "rtp-timeout-on-hold",
    "inbound-no-refresh",
    "rst-cuts",
    "icmp-cuts",
    "drop-fragments",
    "bad-checksum",
    "tcp-split-miss",
    "tcp-no-seqadj",
    "tcp-slip",
]
"""Names stand in configurations, scenarios and lessons: new ones may come, none may go."""

EVERYTHING = list(chain.from_iterable(kind.FAULTS for kind in KINDS))


def test_no_two_faults_share_a_name() -> None:
    assert list(FAULTS.values()) == EVERYTHING


def test_the_catalogue_is_complete() -> None:
    assert set(CATALOGUE) <= set(FAULTS)


def test_a_fault_says_what_a_class_wants_to_know() -> None:
    """In sentences; and it does something."""
    for name, fault in FAULTS.items():
        assert name == fault.name == name.lower()
        for text in (fault.does, fault.breaks, fault.look_at):
            assert text.endswith("."), name
        assert fault.seen_in, name
        assert fault.kind in ("edit", "refuse", *CONTEXT_VERBS, *STREAM_RULES, *POINTS), name
        assert fault.acts_on_messages or fault.decisions or fault.manners, name
        assert fault.rfc.startswith("RFC "), name
        reason = SipPoor().explain(name)
        assert (reason.sentence, reason.rfc) == (fault.does, fault.rfc)


def test_a_fault_that_decides_names_its_decision_point() -> None:
    for name, fault in FAULTS.items():
        assert set(fault.decisions) <= POINTS, name
        assert not fault.decisions or fault.kind in fault.decisions, name
