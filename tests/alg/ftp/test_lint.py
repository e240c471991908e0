"""What is wrong with an FTP message, in a word."""

from __future__ import annotations

import pytest

from alg.ftp.lint import findings


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (b"PORT 203,0,113,1,156,65\r\n", []),
        (b"PORT 192,168,20,100,156,65\r\n", ["private-address"]),
        (b"PORT 172,32,0,1,156,65\r\n", []),
        (b"EPRT |1|10.0.0.1|40001|\r\n", ["private-address"]),
        (b"EPRT |2|2001:db8::1|40001|\r\n", []),
        (b"227 Entering Passive Mode (172,16,0,1,0,22).\r\n", ["private-address", "system-port"]),
        (b"227 Entering Passive Mode (0,0,0,0,156,65).\r\n", ["no-address"]),
        (b"227 Entering Passive Mode (203,0,113,1,156,256).\r\n", ["unreadable-endpoint"]),
        (b"229 Entering Extended Passive Mode (|||40001|)\r\n", []),
        (b"229 Entering Extended Passive Mode (|||1023|)\r\n", ["system-port"]),
        (b"PORT\r\n", ["unreadable-endpoint"]),
        (b"USER a\r\n", []),
        (b"\x16\x03\x01", []),
        (b"", []),
    ],
)
def test_each_finding_has_a_name(message: bytes, names: list[str]) -> None:
    found = findings(message)
    assert [each.name for each in found] == names
    assert all(each.sentence.endswith(".") and each.rfc.startswith("RFC ") for each in found)
