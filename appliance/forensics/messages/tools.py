"""What tools write between messages: one row for each tool.

A line that stands apart belongs to no message, so it ends the one before it, and the next begins
behind it. These lines are believed only in a text with the tool's sign in it: a line that consists
of a number alone may be part of a message everywhere else.

To add a tool, add a row: its name, its sign, and the lines that stand apart; `last` in one of these
is the end of a message that does not end its own last line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from re import Pattern
from typing import NamedTuple

from appliance.forensics.messages.lines import Line


class Tool(NamedTuple):
    name: str
    sign: Pattern[bytes]
    apart: Pattern[bytes]


class Section(NamedTuple):
    """Lines with nothing of a tool's between them; `done` names the tool."""

    lines: Sequence[Line]
    done: tuple[str, ...] = ()


def _tool(name: str, sign: bytes, apart: bytes) -> Tool:
    return Tool(name, re.compile(rb"^(?:" + sign + rb")$", re.MULTILINE), re.compile(apart))


_ARROW = rb"(?:.*[ \t])?(?:<-{3,}>|<-{3} .* -{3}>)[ \t]*"

TOOLS = (
    # <--- SIP read from UDP:192.0.2.1:5060 --->  …  <------------->  --- (9 headers 0 lines) ---
    # Reliably Transmitting (NAT) to 192.0.2.1:5060:  …  ---
    _tool(
        "Asterisk's log",
        rb"(?:.*[ \t])?(?:<-{3} .* -{3}>|(?:Reliably |Ret|T)ransmitting .*:)[ \t]*",
        _ARROW + rb"|(?:.*[ \t])?(?:-{3}|-{3} \([0-9]+ headers [0-9]+ lines\) -{3})[ \t]*"
        rb"|(?:.*[ \t])?(?:Reliably |Ret|T)ransmitting .*:[ \t]*",
    ),
    # 2026/11/21 10:00:00.123456 192.0.2.1:5060 -> 192.0.2.2:5060
    _tool(
        "sngrep",
        rb"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:.]+ [^ ]+ -> [^ ]+[ \t]*",
        rb"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:.]+ [^ ]+ -> [^ ]+[ \t]*",
    ),
    # Follow: udp,ascii … ===== and, before each message, its length
    _tool(
        "tshark's follow",
        rb"Follow: [a-z]+,[a-z]+",
        rb"={20,}|\t?[0-9]+|(?:Follow|Filter|Node [01]): .*",
    ),
    # a file of Kamailio's sipdump: ==== key: value … ~~~~ message ||||
    _tool("Kamailio's sipdump", rb"~{20}", rb"={20}|~{20}|(?P<last>.*?)\|{20}"),
    _tool("a fenced block", rb"[ \t>]*```.*", rb"[ \t>]*```.*"),
)


def sections(lines: Sequence[Line]) -> list[Section]:
    """A text cut where a tool's own lines stand; whole if it is no known tool's."""
    whole = b"\n".join(line.text for line in lines)
    for tool in TOOLS:
        if tool.sign.search(whole):
            return [Section(part, (tool.name,)) for part in _cut(lines, tool.apart)]
    return [Section(lines)]


def _cut(lines: Sequence[Line], apart: Pattern[bytes]) -> list[list[Line]]:
    parts: list[list[Line]] = [[]]
    for line in lines:
        if found := apart.fullmatch(line.text):
            if last := found.groupdict().get("last"):
                parts[-1].append(line._replace(text=last))
            parts.append([])
        else:
            parts[-1].append(line)
    return [part for part in parts if part]
