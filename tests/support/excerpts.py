"""Good messages, and what tools, mails and editors make of them. Documentation addresses only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from struct import pack


def message(*lines: str, body: bytes = b"", length: str = "Content-Length") -> bytes:
    """With CRLF, and the length of its body."""
    head = "".join(f"{line}\r\n" for line in lines)
    return f"{head}{length}: {len(body)}\r\n\r\n".encode() + body


COMMON = (
    "Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK7",
    "From: <sip:alice@192.0.2.9>;tag=1",
    "To: <sip:bob@192.0.2.9>",
    "Call-ID: 9c8a315e",
)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.168.20.100\r\ns=-\r\nc=IN IP4 192.168.20.100\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
)
INVITE = message(
    "INVITE sip:bob@192.0.2.9 SIP/2.0",
    *COMMON,
    "CSeq: 1 INVITE",
    "Contact: <sip:alice@192.168.20.100:5060>",
    "Content-Type: application/sdp",
    body=SDP,
)
RINGING = message(
    "SIP/2.0 180 Ringing", *COMMON[:2], f"{COMMON[2]};tag=2", COMMON[3], "CSeq: 1 INVITE"
)
GOOD = {
    "an offer": INVITE,
    "an answer without a body": RINGING,
    "a request without a body": message(
        "OPTIONS sips:192.0.2.9 SIP/2.0", *COMMON, "CSeq: 2 OPTIONS"
    ),
    "a folded header": message(
        "BYE sip:bob@192.0.2.9 SIP/2.0", *COMMON, "Subject: first\r\n second", "CSeq: 3 BYE"
    ),
    "compact names": message(
        "INVITE sip:bob@192.0.2.9 SIP/2.0",
        *(line.replace("Call-ID", "i").replace("Via", "v") for line in COMMON),
        "m: <sip:alice@192.168.20.100>",
        "c: application/sdp",
        "CSeq: 1 INVITE",
        body=SDP,
        length="l",
    ),
    "a body without a line end": message(
        "MESSAGE sip:bob@192.0.2.9 SIP/2.0",
        *COMMON,
        "CSeq: 4 MESSAGE",
        "Content-Type: text/plain",
        body=b"At noon?\r\n\r\n-- \r\nAlice",
    ),
    "a body whose lines end in LF": message(
        "INFO sip:bob@192.0.2.9 SIP/2.0",
        *COMMON,
        "CSeq: 5 INFO",
        "Content-Type: application/dtmf-relay",
        body=b"Signal=5\nDuration=160\nVolume=10\n",
    ),
    "the first line of another message in its body": message(
        "NOTIFY sip:bob@192.0.2.9 SIP/2.0",
        *COMMON,
        "CSeq: 6 NOTIFY",
        "Content-Type: message/sipfrag",
        body=b"SIP/2.0 200 OK\r\nServer: glass\r\n",
    ),
}


def lf(data: bytes) -> str:
    return data.decode("latin-1").replace("\r\n", "\n")


def ended(data: bytes) -> str:
    """As a tool prints it: the last line ends too."""
    text = lf(data)
    return text if text.endswith("\n") else f"{text}\n"


def before_each_line(*prefixes: str) -> Callable[[bytes], str]:
    """With prefixes that take turns."""

    def wrap(data: bytes) -> str:
        rows = ended(data).split("\n")[:-1]
        return "".join(
            _behind(prefixes[number % len(prefixes)], row) for number, row in enumerate(rows)
        )

    return wrap


def _behind(prefix: str, row: str) -> str:
    """An editor leaves no blanks in an empty line."""
    return f"{prefix}{row}\n" if row else f"{prefix.rstrip()}\n"


def numbered(data: bytes) -> str:
    """`cat -n`, and the sources of a debugger."""
    return "".join(
        f"{number:6}\t{row}\n" for number, row in zip(count(98), ended(data).split("\n")[:-1])
    )


def only_the_first(prefix: str, rest: str = "") -> Callable[[bytes], str]:
    def wrap(data: bytes) -> str:
        first, *others = ended(data).split("\n")[:-1]
        rows = "".join(_behind(rest, row) for row in others)
        return f"{prefix}{first}\n{rows}{prefix}ACC: transaction answered\n"

    return wrap


KAMAILIO = "Nov 21 10:00:01 proxy /usr/sbin/kamailio[2212]: INFO: <script>: "
ASTERISK = "[Nov 21 10:00:01] VERBOSE[1042][C-0000002a] chan_sip.c: "
HEADERS = "E..`....@.gv...d..q^I.....L."

WRAPPINGS: dict[str, Callable[[bytes], str]] = {
    "as it is": lambda data: data.decode("latin-1"),
    "with LF": lf,
    "with LF, and white space behind it": lambda data: f"{lf(data)}\n\n\n",
    "with empty lines before it": lambda data: f"\n\n{lf(data)}",
    "with CR CR LF": lambda data: data.decode("latin-1").replace("\r\n", "\r\r\n"),
    "with its CRs shown": lambda data: ended(data).replace("\n", "^M\n"),
    "with a byte order mark": lambda data: f"\xef\xbb\xbf{lf(data)}",
    "with a byte order mark, and CRLF": lambda data: f"\xef\xbb\xbf{data.decode('latin-1')}",
    "in UTF-16": lambda data: lf(data).encode("utf-16").decode("latin-1"),
    "indented": before_each_line("    "),
    "indented by tabs": before_each_line("\t"),
    "quoted": before_each_line("> "),
    "quoted twice": before_each_line(">> "),
    "commented out": before_each_line("# "),
    "numbered": numbered,
    "in a mail": lambda data: f"Hello,\n\nthis is what my phone sends:\n\n{ended(data)}\nBob\n",
    "in a fenced block": lambda data: f"What it sends:\n\n```\n{ended(data)}```\n",
    "sngrep": lambda data: (
        f"2026/11/21 10:00:01.123456 192.168.20.100:5060 -> 192.0.2.9:5060\n{lf(data)}\n\n"
    ),
    "tcpdump -A": lambda data: (
        "10:00:01.123456 IP 192.168.20.100.5060 > 192.0.2.9.5060: SIP: "
        f"{lf(data).partition(chr(10))[0]}\n{HEADERS}{lf(data)}\n"
    ),
    "tcpdump -A -i any": lambda data: (
        "10:00:01.123456 eth0  Out IP 192.168.20.100.5060 > 192.0.2.9.5060: SIP: "
        f"{lf(data).partition(chr(10))[0]}\nE..`....\n.gv...d..q^I.....X{lf(data)}\n"
    ),
    "tcpdump -A, a port that it does not know": lambda data: (
        "2026-11-21 10:00:01.123456 IP 192.168.20.100.5070 > 192.0.2.9.5080: UDP, length 400\n"
        f"{HEADERS[:-1]}X{lf(data)}\n"
    ),
    "tcpdump -v": lambda data: (
        "10:00:01.123456 IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), "
        "length 608)\n    192.168.20.100.5060 > 192.0.2.9.5060: SIP, length: 580\n"
        + before_each_line("\t")(data)
    ),
    "tshark's follow": lambda data: (
        f"\n{'=' * 67}\nFollow: udp,ascii\nFilter: udp.stream eq 0\nNode 0: 192.168.20.100:5060\n"
        f"Node 1: 192.0.2.9:5060\n{len(data)}\n{data.decode('latin-1')}\n{'=' * 67}\n"
    ),
    "Asterisk, chan_sip": lambda data: (
        f"{ASTERISK}\n<--- SIP read from UDP:192.168.20.100:5060 --->\n{ended(data)}"
        f"<------------->\n{ASTERISK}--- (9 headers 7 lines) ---\n"
        "Sending to 192.168.20.100:5060 (NAT)\n"
    ),
    "Asterisk, chan_sip, sent": lambda data: (
        f"Reliably Transmitting (no NAT) to 192.0.2.9:5060:\n{ended(data)}\n---\n"
    ),
    "Asterisk, chan_sip, each line": lambda data: (
        f"{ASTERISK}<--- SIP read from UDP:192.168.20.100:5060 --->\n"
        + before_each_line(ASTERISK)(data)
        + f"{ASTERISK}<------------->\n"
    ),
    "Asterisk, res_pjsip": lambda data: (
        "[Nov 21 10:00:01] VERBOSE[1042] res_pjsip_logger.c: <--- Received SIP request "
        f"({len(data)} bytes) from UDP:192.168.20.100:5060 --->\n{ended(data)}\n"
        "[Nov 21 10:00:01] DEBUG[1042] res_pjsip.c: Got SIP/2.0 200 OK from somewhere\n"
    ),
    "Kamailio, each line": before_each_line(KAMAILIO, KAMAILIO.replace("01 proxy", "02 proxy")),
    "Kamailio, the first line": only_the_first(KAMAILIO),
    "Kamailio, journalctl": only_the_first(KAMAILIO, " " * len(KAMAILIO)),
    "Kamailio, rsyslog": lambda data: (
        KAMAILIO + ended(data).replace("\n", "#015#012").removesuffix("#015#012") + "\n"
    ),
    "Kamailio, JSON": lambda data: (
        json.dumps({"level": "INFO", "message": data.decode(), "pid": 2212}) + "\n"
    ),
    "Kamailio's sipdump": lambda data: (
        f"{'=' * 20}\ntag: rcv\npid: 2212\ntime: 1795255201.123456\nproto: udp ipv4\n"
        f"srcip: 192.168.20.100\nsrcport: 5060\n{'~' * 20}\n{data.decode('latin-1')}{'|' * 20}\n"
    ),
}


def wrapped(name: str, data: bytes) -> bytes:
    return WRAPPINGS[name](data).encode("latin-1")


def pcap(
    packets: Sequence[bytes], link: int = 101, order: str = "<", magic: int = 0xA1B2C3D4
) -> bytes:
    """A capture of whole frames, a second apart."""
    records = (
        pack(f"{order}IIII", second, 0, len(packet), len(packet)) + packet
        for second, packet in enumerate(packets)
    )
    return pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link) + b"".join(records)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """One block of a pcapng."""
    padded = body + bytes(-len(body) % 4)
    length = pack(f"{order}I", len(padded) + 12)
    return pack(f"{order}I", kind) + length + padded + length


def pcapng(frames: Sequence[tuple[int, bytes]], order: str = "<") -> bytes:
    """A section with an interface for each link type, and a packet for each (link type, frame)."""
    links = [*dict.fromkeys(link for link, _ in frames)]
    section = pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)
    return b"".join(
        (
            block(0x0A0D0D0A, section, order),
            *(block(1, pack(f"{order}HHI", link, 0, 0), order) for link in links),
            block(5, pack(f"{order}III", 0, 0, 0), order),  # statistics: stepped over
            *_packets(frames, links, order),
        )
    )


def _packets(
    frames: Sequence[tuple[int, bytes]], links: Sequence[int], order: str
) -> Iterator[bytes]:
    for link, frame in frames:
        lengths = (len(frame), len(frame))
        yield block(6, pack(f"{order}IIIII", links.index(link), 0, 0, *lengths) + frame, order)
