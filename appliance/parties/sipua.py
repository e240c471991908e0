"""SIP text as a phone reads and writes it (RFC 3261).

This is the parties' own reader, on purpose no relative of the one in the ALG: a phone that shared
the ALG's ideas about SIP could not find out that they are wrong. It reads what phones and PBXs
write, not every form of the grammar; what it cannot read it says so about and drops.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from nat.endpoint import Endpoint, address_text, parse_address

DEFAULT_PORT = 5060
MAGIC_COOKIE = "z9hG4bK"  # RFC 3261 8.1.1.7: every branch starts with it
USER_AGENT = "glassnat-party/1.0"

MOST_REMEMBERED = 256
"""Names of headers, and addresses in them: in all messages of a call they are the same."""
COMPACT = {  # RFC 3261 7.3.3
    "c": "content-type",
    "f": "from",
    "i": "call-id",
    "l": "content-length",
    "m": "contact",
    "t": "to",
    "v": "via",
}

REASON_PHRASES = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    423: "Interval Too Brief",
    439: "First Hop Lacks Outbound Support",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    503: "Service Unavailable",
}


class Problem(NamedTuple):
    """Why a message is not for its receiver. `field` is named as in the ALG's changes."""

    reason: str
    field: str = ""
    rfc: str = ""


NOBODY_HERE = Problem("nobody here has that Request-URI", "request-uri", "RFC 3261 8.2.2.1")
NO_CONTACT = Problem("its Contact is no address", "contact", "RFC 3261 8.1.1.8")
NO_AUDIO_OFFERED = Problem("there is nowhere to send audio to", "sdp", "RFC 3264 6")
NO_SUCH_INVITE = Problem("no INVITE waits here in that branch", "via.branch", "RFC 3261 9.2")
NO_SUCH_CALL = Problem("it belongs to no call here", "call-id", "RFC 3261 12.2.2")


class UnreadableError(ValueError):
    """Not a SIP message that can be acted on; the text says why, `field` and `rfc` which rule is
    broken where, as far as that is known."""

    def __init__(self, reason: str, field: str = "", rfc: str = "") -> None:
        super().__init__(reason)
        self.problem = Problem(reason, field, rfc)


@dataclass(slots=True)
class SipMessage:
    """Start line, headers in their order, body. Header names keep the case they came in. `wire` is
    what was read, of a message that came."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    wire: bytes = b""

    @property
    def status(self) -> int:
        """The code of a response; 0 for a request."""
        return int(self.start[8:11]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """What is asked, or for a response what had been asked (from CSeq, RFC 3261 17.1.3)."""
        if self.status:
            return self.get("cseq").rpartition(" ")[2]
        return self.start.partition(" ")[0]

    @property
    def request_uri(self) -> str:
        return self.start.split(" ")[1]

    @property
    def cseq(self) -> int:
        number = self.get("cseq").partition(" ")[0]
        return int(number) if number.isascii() and number.isdecimal() else 0

    def get(self, name: str) -> str:
        """The first value of a header, or the empty text. `name` is the long form in lower case."""
        return next((value for given, value in self.headers if _long_form(given) == name), "")

    def all(self, name: str) -> list[str]:
        return [value for given, value in self.headers if _long_form(given) == name]

    def write(self) -> bytes:
        """The message as bytes, with the Content-Length that its body has."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@lru_cache(MOST_REMEMBERED)
def _long_form(given: str) -> str:
    """A header's name in lower case, whichever form it came in (RFC 3261 7.3.3)."""
    return COMPACT.get(given.lower(), given.lower())


_OF_THE_LENGTH = ("content-length", "RFC 3261 18.3")


def parse(payload: bytes, is_whole: bool = True) -> SipMessage:
    """Read one message, a whole datagram or a piece of a stream. Raises UnreadableError.

    RFC 3261 18.3: a datagram that ends before its Content-Length is in error, unless it is known
    not to be whole (its first fragment); bytes after it are dropped.
    """
    head, blank, body = payload.partition(b"\r\n\r\n")
    if not blank:
        raise UnreadableError("no empty line after the headers")
    lines = head.decode("latin-1").split("\r\n")
    message = SipMessage(lines[0], list(_headers(lines[1:])), body, payload)
    _check_start(message.start)
    for needed in ("via", "from", "to", "call-id", "cseq"):
        if not message.get(needed):
            raise UnreadableError(f"no {needed} header")
    length = message.get("content-length")
    if length:
        if not (length.isascii() and length.isdecimal() and len(length) < 7):
            raise UnreadableError("Content-Length is not a number", *_OF_THE_LENGTH)
        if is_whole and int(length) > len(body):
            reason = f"Content-Length says {int(length)}, the body has {len(body)} bytes"
            raise UnreadableError(reason, *_OF_THE_LENGTH)
        message.body = body[: int(length)]
    return message


def _check_start(start: str) -> None:
    words = start.split(" ")
    if words[0] == "SIP/2.0":
        code = words[1] if len(words) > 1 else ""
        good = len(code) == 3 and code.isascii() and code.isdecimal() and code[0] in "123456"
    else:
        good = len(words) == 3 and words[2] == "SIP/2.0" and words[0].isupper()
    if not good:
        raise UnreadableError("the first line is not SIP")


def _headers(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Name and value of each header, with folded lines joined (RFC 3261 7.3.1)."""
    whole: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and whole:
            whole[-1] += " " + line.strip()
        else:
            whole.append(line)
    for line in whole:
        name, colon, value = line.partition(":")
        if not colon:
            raise UnreadableError("a header without a colon")
        yield name.strip(), value.strip()


class Via(NamedTuple):
    """One Via value: who sent the message, and the parameters (RFC 3261 20.42)."""

    sent_by: str
    parameters: dict[str, str]

    @property
    def branch(self) -> str:
        return self.parameters.get("branch", "")

    @property
    def endpoint(self) -> Endpoint | None:
        """`sent_by` as numbers; None for a name."""
        return endpoint_of(self.sent_by)


def read_via(value: str) -> Via:
    """The first Via of a header value. Raises UnreadableError."""
    protocol, _, rest = value.partition(",")[0].strip().partition(" ")
    sent_by, *parameters = (part.strip() for part in rest.split(";"))
    if not protocol.upper().startswith("SIP/2.0/") or not sent_by:
        raise UnreadableError("a Via that cannot be read")
    pairs = (parameter.partition("=") for parameter in parameters)
    return Via(sent_by, {name.lower(): content for name, _, content in pairs})


def write_via(transport: str, endpoint: Endpoint, branch: str) -> str:
    return f"SIP/2.0/{transport} {endpoint};branch={branch}"


def essence(payload: bytes, is_whole: bool = True) -> tuple[str, str]:
    """What a message is in a word or two, and its Call-ID: ("200 OK (INVITE)", "…"). Empty texts
    for what is no message, nor the beginning of one that is not whole. The text comes from the
    network."""
    if b"\r\n\r\n" not in payload:  # audio, most often
        return "", ""
    try:
        message = parse(payload, is_whole)
    except UnreadableError:
        return "", ""
    said = f"{status_of(message)} ({message.method})" if message.status else message.method
    return said, message.get("call-id")


def uri_of(value: str) -> str:
    """The URI inside a Contact, From or To value."""
    before, bracket, after = value.partition("<")
    return after.partition(">")[0] if bracket else before.partition(";")[0].strip()


def user_of(value: str) -> str:
    """The user part of a header value or URI; empty when there is none."""
    address = uri_of(value).partition(":")[2]
    user, at, _ = address.rpartition("@")
    return user if at else ""


@lru_cache(MOST_REMEMBERED)
def endpoint_of(value: str) -> Endpoint | None:
    """Where a header value or URI points to; None when it names no IPv4 address."""
    address = uri_of(value)
    if address.lower().startswith(("sip:", "sips:")):
        address = address.partition(":")[2]
    host_port = address.rpartition("@")[2].partition(";")[0].partition("?")[0].strip()
    try:
        if ":" in host_port:
            return Endpoint.parse(host_port)
        return Endpoint(parse_address(host_port), DEFAULT_PORT)
    except ValueError:
        return None


def parameter_of(value: str, name: str) -> str:
    """A header parameter such as `tag` or `expires` (after the `>`); empty when absent."""
    _, bracket, after = value.partition(">")
    parts = (after if bracket else value).split(";")[1:]
    for part in parts:
        given, _, content = part.partition("=")
        if given.strip().lower() == name:
            return content.strip()
    return ""


def rule_of_target(message: SipMessage) -> str:
    """Which rule makes the Contact of `message` the place where requests go: of a registration, of
    an answer that sends elsewhere, or of a call."""
    if message.method == "REGISTER":
        return "RFC 3261 10.1"
    return "RFC 3261 8.1.3.4" if 300 <= message.status < 400 else "RFC 3261 12.2.1.1"


def route_set(message: SipMessage) -> list[str]:
    """The proxies that stay in the path of a dialog, the nearest one first: in a request as they
    stand in Record-Route (RFC 3261 12.1.1), in a response the other way round (12.1.2)."""
    routes = [each.strip() for value in message.all("record-route") for each in value.split(",")]
    return routes[::-1] if message.status else routes


def status_of(response: SipMessage) -> str:
    """Code and phrase of a response, in our words and not in those of the network."""
    return f"{response.status} {REASON_PHRASES.get(response.status, '')}".strip()


def respond(request: SipMessage, status: int, source: Endpoint, tag: str) -> SipMessage:
    """The frame of a response: what RFC 3261 8.2.6 has copied from the request.

    18.2.1: when the datagram came from another address than the top Via says, `received` is
    added, and RFC 3581 fills in an empty `rport`.
    """
    response = SipMessage(f"SIP/2.0 {status} {REASON_PHRASES[status]}")
    top, *lower = request.all("via")
    response.headers.append(("Via", stamped(top, source)))
    response.headers.extend(("Via", value) for value in lower)
    to = request.get("to")
    if status > 100 and not parameter_of(to, "tag"):
        to = f"{to};tag={tag}"
    recorded = request.all("record-route") if status > 100 else ()  # RFC 3261 12.1.1
    response.headers.extend(("Record-Route", value) for value in recorded)
    response.headers += [
        ("From", request.get("from")),
        ("To", to),
        ("Call-ID", request.get("call-id")),
        ("CSeq", request.get("cseq")),
    ]
    return response


def stamped(top: str, source: Endpoint) -> str:
    """The top Via with where the request came from (RFC 3261 18.2.1, RFC 3581 4)."""
    via = read_via(top)
    asked = "rport" in via.parameters
    if asked:
        parts = (part for part in top.split(";"))
        top = ";".join(
            f"rport={source.port}" if part.strip().lower() == "rport" else part for part in parts
        )
    if asked or via.endpoint is None or via.endpoint.address != source.address:
        top += f";received={address_text(source.address)}"
    return top


def reply_to(request: SipMessage, source: Endpoint) -> Endpoint:
    """Where the response goes: RFC 3261 18.2.2 (the address it came from, but the *port* that
    the Via says), or RFC 3581 (the port it came from) when the request asked for it."""
    via = read_via(request.get("via"))
    if "rport" in via.parameters:
        return source
    return Endpoint(source.address, via.endpoint.port if via.endpoint else DEFAULT_PORT)
