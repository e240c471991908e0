"""Lines that a tool wrote belong to no message, in a text of that tool."""

from __future__ import annotations

import pytest

from appliance.forensics.messages.lines import lines_of
from appliance.forensics.messages.tools import TOOLS, sections

SHOWN = {
    "Asterisk's log": (
        b"<--- SIP read from UDP:192.0.2.1:5060 --->\na\n<------------->\n"
        b"[Nov 21 10:00:01] VERBOSE[7] x.c: --- (9 headers 0 lines) ---\nb\n---\n",
        [[b"a"], [b"b"]],
    ),
    "sngrep": (
        b"2026/11/21 10:00:01.123456 192.0.2.1:5060 -> 192.0.2.2:5060\na\nb\n",
        [[b"a", b"b"]],
    ),
    "tshark's follow": (
        b"=====================\nFollow: udp,ascii\n12\na\n\t7\nb\n",
        [[b"a"], [b"b"]],
    ),
    "Kamailio's sipdump": (
        b"====================\ntag: rcv\n~~~~~~~~~~~~~~~~~~~~\na\nb||||||||||||||||||||\n",
        [[b"tag: rcv"], [b"a", b"b"]],
    ),
    "a fenced block": (b"see:\n```sip\na\n```\n", [[b"see:"], [b"a"]]),
}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_s_own_lines_cut_a_text(tool: object) -> None:
    name = tool.name
    text, parts = SHOWN[name]
    found = sections(lines_of(text))
    assert [[line.text for line in section.lines] for section in found] == parts
    assert {section.done for section in found} == {(name,)}


def test_a_number_alone_is_text_where_the_tool_is_not_known() -> None:
    (section,) = sections(lines_of(b"a\n12\n---\nb\n"))
    assert len(section.lines) == 4
    assert section.done == ()
