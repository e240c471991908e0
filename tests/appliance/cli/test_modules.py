"""`glassnat alg`: one message through a module, with the reason for each change."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alg.registry import MODULES
from alg.sip_poor.faults import FAULTS
from appliance.settings import files as config

Run = Callable[..., Any]

BODY = (
    b"v=0\r\no=alice 1 1 IN IP4 192.168.20.100\r\ns=-\r\nc=IN IP4 192.168.20.100\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0\r\n"
)
INVITE = (
    b"INVITE sip:bob@203.0.113.9 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK77ef\r\n"
    b"From: <sip:alice@203.0.113.9>;tag=1\r\n"
    b"To: <sip:bob@203.0.113.9>\r\n"
    b"Call-ID: a84b4c76e667\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:alice@192.168.20.100:5060>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)


@pytest.fixture
def invite(tmp_path: Path) -> str:
    path = tmp_path / "invite.txt"
    path.write_bytes(INVITE)
    return str(path)


@pytest.fixture
def diff(glassnat: Run, invite: str) -> Callable[..., dict[str, Any]]:
    def run(*arguments: str) -> dict[str, Any]:
        answer = glassnat("alg", "diff", invite, "--json", *arguments)
        assert answer.code == 0, answer.err
        assert answer.out.isascii()
        document: dict[str, Any] = json.loads(answer.out)
        return document

    return run


def test_the_correct_module_changes_what_names_the_inside_host(diff: Run) -> None:
    document = diff("--alg", "sip")
    assert document["verdict"] == "rewritten"
    assert document["before"].encode("latin-1") == INVITE
    assert "192.168.20.100" not in document["after"]
    assert {change["verdict"] for change in document["changes"]} == {"ok"}
    assert all(change["reason"] and change["rfc"] for change in document["changes"])
    assert {each["internal"] for each in document["expectations"]} == {
        "192.168.20.100:4000",
        "192.168.20.100:4001",
    }


def test_spans_are_offsets_into_before(diff: Run) -> None:
    document = diff("--alg", "sip")
    for change in document["changes"]:
        low, high = change["span"]
        assert document["before"][low:high] == change["before"]


def test_off_misses_everything_that_the_correct_one_changes(diff: Run) -> None:
    document = diff("--alg", "off")
    assert document["verdict"] == "unchanged"
    assert document["after"] == document["before"]
    assert document["expectations"] == []
    verdicts = {change["field"]: change["verdict"] for change in document["changes"]}
    assert verdicts.pop("sdp.o.address") == "info"  # nobody sends there (RFC 8866 5.2)
    assert set(verdicts) == {"via.host", "contact.host", "sdp.c.address"}
    assert set(verdicts.values()) == {"missed"}
    contact = next(each for each in document["changes"] if each["field"] == "contact.host")
    assert contact["expected"] == "203.0.113.1:5060"


def test_a_fault_is_seen_beside_what_is_right(diff: Run) -> None:
    document = diff("--alg", "sip-poor:no-sdp")
    verdicts = {
        change["field"].partition(".")[0]: change["verdict"] for change in document["changes"]
    }
    assert verdicts["via"] == "ok"
    assert verdicts["sdp"] == "missed"


def test_a_preset_mapping_is_used(diff: Run) -> None:
    pairs = ("--map", "192.168.20.100:4000=203.0.113.1:6000",
             "--map", "192.168.20.100:4001=203.0.113.1:6001")  # fmt: skip
    assert "m=audio 6000 " in diff("--alg", "sip", *pairs)["after"]


def test_the_other_direction_restores(glassnat: Run, diff: Run, tmp_path: Path) -> None:
    """What comes back is restored exactly as the phone wrote it."""
    answer = tmp_path / "answer.txt"
    after = diff("--alg", "sip")["after"]
    top = after.partition("\r\n\r\n")[0].replace(
        "INVITE sip:bob@203.0.113.9 SIP/2.0", "SIP/2.0 180 Ringing"
    )
    head = [line for line in top.split("\r\n") if not line.startswith(("Content", "Contact"))]
    answer.write_bytes("\r\n".join([*head, "Content-Length: 0", "", ""]).encode())
    document = json.loads(glassnat("alg", "diff", str(answer), "--direction", "in", "--json").out)
    assert "Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK77ef\r\n" in document["after"]


def test_a_setting_of_the_module_can_be_chosen(glassnat: Run, invite: str) -> None:
    answer = glassnat("alg", "diff", invite, "--set", "alg.sip.media_peers=any", "--json")
    remotes = [each["remote"] for each in json.loads(answer.out)["expectations"]]
    assert remotes
    assert set(remotes) == {None}


def test_ports_are_those_that_the_nat_would_choose(diff: Run) -> None:
    """The module answers as in an empty NAT with the configured port policy."""
    assert "m=audio 4000 " in diff("--set", "nat.ports=preserve")["after"]
    assert "m=audio 1024 " in diff("--set", "nat.ports=sequential")["after"]
    assert "m=audio 4000 " not in diff("--profile", "symmetric")["after"]


def test_the_nat_may_be_that_of_a_file(diff: Run, tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(config.sample() + '\n[[nat.static]]\ninternal = "192.168.20.100"\n'
                    'external = "203.0.113.10"\n')  # fmt: skip
    document = diff("--config", str(path), "--external", "203.0.113.10:5060")
    assert "c=IN IP4 203.0.113.10" in document["after"]


@pytest.mark.parametrize(
    "line",
    [
        "m=audio 4000 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.168.20.100 4000 typ host",
        "m=message 4000 TCP/MSRP *",
        "m=application 4000 TCP/DTLS/SCTP webrtc-datachannel",
    ],
)
def test_the_correct_module_does_no_damage_by_what_it_leaves_alone(
    glassnat: Run, tmp_path: Path, line: str
) -> None:
    body = BODY.replace(b"m=audio 4000 RTP/AVP 0", line.encode())
    length = b"Content-Length: %d" % len(body)
    whole = INVITE.replace(BODY, body).replace(b"Content-Length: %d" % len(BODY), length)
    path = tmp_path / "message"
    path.write_bytes(whole)
    document = json.loads(glassnat("alg", "diff", str(path), "--alg", "sip", "--json").out)
    assert document["findings"] == []
    assert "c=IN IP4 192.168.20.100" in document["after"]
    assert glassnat("alg", "lint", str(path)).out.count("private-media") == 0


@pytest.mark.parametrize(
    ("spec", "length", "origin"),
    [
        ("off", None, "info"),
        ("sip-poor:no-sdp", None, "info"),
        ("sip-poor:c-only", "ok", "ok"),
        ("sip-poor:session-c-only", "ok", "ok"),
        ("sip-poor:replace-all", "ok", "ok"),
        ("sip-poor:port-over-65535", "ok", "ok"),
        ("sip-poor:content-length-stale", "broken", "ok"),
    ],
)
def test_the_length_is_judged_by_the_body_that_leaves(
    diff: Run, spec: str, length: str | None, origin: str
) -> None:
    """RFC 3261 20.14: it counts the bytes of this body, not of the one that should have been."""
    document = diff("--alg", spec)
    verdicts = {change["field"]: change["verdict"] for change in document["changes"]}
    assert verdicts.get("content-length") == length
    assert verdicts["sdp.o.address"] == origin
    head, _, body = document["after"].partition("\r\n\r\n")
    assert (f"Content-Length: {len(body)}" in head) == (length != "broken")


def test_damage_is_what_is_wrong_after_the_module_and_was_not_before(
    glassnat: Run, invite: str, diff: Run
) -> None:
    assert diff("--alg", "sip")["findings"] == []
    (finding,) = diff("--alg", "sip-poor:content-length-stale")["findings"]
    assert finding == {
        "name": "content-length",
        "sentence": "Content-Length is not the length of the body.",
        "rfc": "RFC 3261 20.14",
    }
    out = glassnat("alg", "diff", invite, "--alg", "sip-poor:content-length-stale").out
    assert out.splitlines()[-1].startswith("DAMAGE content-length: Content-Length is not")


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        (INVITE.replace(b"Content-Length: ", b"Content-Length: 9"), "malformed"),
        (b"\x16\x03\x01 not SIP at all", "opaque"),
        (b"", "opaque"),
    ],
)
def test_what_cannot_be_edited_safely_is_left_alone_as_a_whole(
    glassnat: Run, tmp_path: Path, message: bytes, verdict: str
) -> None:
    path = tmp_path / "message"
    path.write_bytes(message)
    document = json.loads(glassnat("alg", "diff", str(path), "--alg", "sip", "--json").out)
    assert document["verdict"] == verdict
    assert document["after"].encode("latin-1") == message
    assert document["changes"] == []


def test_raw_writes_the_bytes_and_nothing_else(
    invite: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from appliance.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["alg", "diff", invite, "--alg", "off", "--raw"])
    assert ended.value.code == 0
    out, err = capfdbinary.readouterr()
    assert out == INVITE
    assert err == b""


def test_a_message_may_come_from_a_pipe(glassnat: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(INVITE)))
    assert json.loads(glassnat("alg", "diff", "-", "--json").out)["verdict"] == "rewritten"


def test_as_text_each_change_has_its_reason_beneath(glassnat: Run, invite: str) -> None:
    answer = glassnat("alg", "diff", invite, "--alg", "sip-poor:no-sdp")
    lines = answer.out.splitlines()
    at = lines.index("- Contact: <sip:alice@192.168.20.100:5060>")
    assert lines[at + 1] == "+ Contact: <sip:alice@203.0.113.1:5060>"
    assert lines[at + 2].startswith("    OK contact.host: ")
    at = lines.index("! c=IN IP4 192.168.20.100")
    assert lines[at + 1].startswith("    MISSED sdp.c.address: ")
    assert "Expected: 203.0.113.1." in lines[at + 1]
    assert "rewritten: 2 ok, 1 info, 1 missed" in answer.err


def test_text_of_other_alphabets_is_read_and_its_bytes_are_the_offsets(
    glassnat: Run, tmp_path: Path
) -> None:
    """RFC 3261 25.1: a message is UTF-8. (The letter Å has the byte 0x85 in it.)"""
    path = tmp_path / "message"
    name = '"Jürgen Åß" <sip:alice@'.encode()
    path.write_bytes(INVITE.replace(b"Contact: <sip:alice@", b"Contact: " + name))
    lines = glassnat("alg", "diff", str(path)).out.splitlines()
    assert '- Contact: "Jürgen Åß" <sip:alice@192.168.20.100:5060>' in lines
    assert '+ Contact: "Jürgen Åß" <sip:alice@203.0.113.1:5060>' in lines


def test_hostile_text_is_not_drawn(glassnat: Run, tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(INVITE.replace(b"alice 1 1", b"\x1b[2J\x9b \x07 1"))
    out = glassnat("alg", "diff", str(path)).out
    assert "␛[2J" in out
    assert all(line.isprintable() for line in out.splitlines())


def test_a_module_of_ones_own_that_fails_leaves_the_message_as_it_is(
    glassnat: Run, invite: str, tmp_path: Path
) -> None:
    module = tmp_path / "mine.py"
    module.write_text(
        "class Mine:\n"
        "    name = 'mine'\n"
        "    def inspect(self, message, context):\n"
        "        context.map_pair(context.internal._replace(port=4000))\n"
        "        raise RuntimeError('oops')\n"
        "    def explain(self, rule):\n"
        "        raise KeyError(rule)\n"
    )
    answer = glassnat("alg", "diff", invite, "--alg", f"{module}:Mine", "--json")
    document = json.loads(answer.out)
    assert document["verdict"] == "unchanged"
    assert document["note"] == "the module failed: RuntimeError: oops"
    assert document["expectations"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--alg", "pour"], "see: glassnat alg list"),
        (["--alg", "sip-poor:no-spd"], "no-sdp"),
        (["--internal", "nowhere"], "not an endpoint"),
        (["--map", "192.0.2.1:5"], "INTERNAL=EXTERNAL"),
        (["--direction", "up"], "not one of: out, in"),
        (["--set", "alg.sip.recieved=learn"], 'did you mean "alg.sip.received"'),
    ],
)
def test_what_is_wrong_is_said(glassnat: Run, invite: str, arguments: list[str], said: str) -> None:
    answer = glassnat("alg", "diff", invite, *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_a_file_that_is_no_message_is_said(glassnat: Run, tmp_path: Path) -> None:
    assert "No such file" in glassnat("alg", "diff", str(tmp_path / "none")).err
    (tmp_path / "huge").write_bytes(b"x" * 70_000)
    assert "more than" in glassnat("alg", "diff", str(tmp_path / "huge")).err


PORT_COMMAND = b"PORT 192,168,20,100,156,65\r\n"
FTP_ENDS = (
    *("--internal", "192.168.20.100:40000"),
    *("--external", "203.0.113.1:40000"),
    *("--remote", "203.0.113.9:21"),
)


@pytest.mark.parametrize(
    ("spec", "verdict", "change", "opened"),
    [
        ("ftp", "rewritten", "ok", ["203.0.113.9:0"]),
        ("ftp-poor:open-to-all", "rewritten", "ok", [None]),
        ("off", "unchanged", "missed", []),
    ],
)
def test_a_message_of_another_protocol(
    glassnat: Run,
    tmp_path: Path,
    spec: str,
    verdict: str,
    change: str,
    opened: list[str | None],
) -> None:
    """Over TCP, though nobody says so: FTP has nothing else. `off` reads what the message is."""
    path = tmp_path / "command.txt"
    path.write_bytes(PORT_COMMAND)
    answer = glassnat("alg", "diff", str(path), "--alg", spec, *FTP_ENDS, "--json")
    document = json.loads(answer.out)
    assert document["verdict"] == verdict
    assert [each["verdict"] for each in document["changes"]] == [change]
    assert [each["expected"] for each in document["changes"]] == ["203,0,113,1,156,65"]
    assert [each["remote"] for each in document["expectations"]] == opened
    assert {each["protocol"] for each in document["expectations"]} <= {"tcp"}
    assert document["findings"] == []


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ((), True),
        (("--remote", "203.0.113.9:21"), False),
        (("--internal", "192.168.20.100:21"), False),
        (("--set", "alg.ftp.ports=[5060]"), False),
    ],
)
def test_ends_without_a_port_of_the_protocol_are_told_with_the_option_to_give(
    glassnat: Run, tmp_path: Path, ends: tuple[str, ...], told: bool
) -> None:
    """No appliance would read the message there."""
    path = tmp_path / "command.txt"
    path.write_bytes(PORT_COMMAND)
    answer = glassnat("alg", "diff", str(path), "--alg", "ftp", *ends, "--json")
    hint = (
        "FTP is looked for on port 21: give --remote 203.0.113.9:21, "
        "or --internal 192.168.20.100:21 when the server is inside"
    )
    assert (hint in json.loads(answer.out)["note"]) is told


def test_modules_and_faults_are_listed(glassnat: Run) -> None:
    document = json.loads(glassnat("alg", "list", "--json").out)
    assert [module["name"] for module in document["modules"]] == list(MODULES)
    faults = [name for module in MODULES.values() for name in module.faults]
    assert [fault["name"] for fault in document["faults"]] == faults
    columns = {"name", "module", "does", "seen_in", "breaks", "look_at", "kind", "rfc"}
    for told in document["faults"]:
        assert set(told) == columns
        assert all(told.values())
    printed = glassnat("alg", "list").out
    assert all(name in printed for name in (*MODULES, *faults))


@pytest.mark.parametrize("name", ["sip", "no-sdp", "ftp", "ftp-poor:open-to-all"])
def test_one_is_explained(glassnat: Run, name: str) -> None:
    document = json.loads(glassnat("alg", "show", name, "--json").out)
    assert document["name"] == name.rpartition(":")[2]
    assert document["does"] in glassnat("alg", "show", name).out


@pytest.mark.parametrize("name", ["no-sdp", "sip-poor:no-sdp"])
def test_a_fault_says_what_to_look_at_first(glassnat: Run, name: str) -> None:
    """By its name, or as it stands in a SPEC."""
    document = json.loads(glassnat("alg", "show", name, "--json").out)
    assert document["look_at"] == FAULTS["no-sdp"].look_at
    assert f"look at   {document['look_at']}" in glassnat("alg", "show", name).out


def test_one_that_does_not_exist_is_answered_with_the_nearest(glassnat: Run) -> None:
    answer = glassnat("alg", "show", "no-spd")
    assert answer.code == 2
    assert 'did you mean "no-sdp"' in answer.err


def test_a_message_that_is_no_text_is_a_hex_dump(glassnat: Run, tmp_path: Path) -> None:
    """The module writes over the last two bytes, which lie across two rows."""
    module = tmp_path / "mine.py"
    module.write_text(
        "from alg.base import Edit, Edits, Reason\n"
        "class Mine:\n"
        "    name = 'mine'\n"
        "    def inspect(self, message, context):\n"
        "        return Edits((Edit(15, 17, bytes([1, 27]), 'flags', 'flags'),))\n"
        "    def explain(self, rule):\n"
        "        return Reason('Because.', 'RFC 1035 4.1')\n"
    )
    path = tmp_path / "message"
    path.write_bytes(bytes(20))
    lines = glassnat("alg", "diff", str(path), "--alg", f"{module}:Mine").out.splitlines()
    assert lines[:4] == [
        f"- 0000{' 00' * 15}«00»{'·' * 16}",
        f"- 0010«00»00 00 00{' ' * 37}····",
        f"+ 0000{' 00' * 15}«01»{'·' * 16}",
        f"+ 0010«1b»00 00 00{' ' * 37}····",
    ]
    assert lines[4].startswith("    WRONG flags: 00 00 -> 01 1b. This is not SIP, so ")


ANSWER = "docs/examples/pbx-answer.bin"
ASKER = (
    "--direction", "in", "--internal", "192.168.20.100:4000", "--external", "203.0.113.1:4000",
    "--remote", "203.0.113.53:53", "--map", "192.168.20.10=203.0.113.10",
)  # fmt: skip


def test_a_binary_message_is_shown_as_its_records(glassnat: Run) -> None:
    """And --json has both: the bytes with their spans, and the lines."""
    said = glassnat("alg", "diff", ANSWER, "--alg", "dns", *ASKER)
    assert "- pbx.example.net. 300 IN A 203.0.113.10\n" in said.out
    assert "+ pbx.example.net. 300 IN A 192.168.20.10\n" in said.out
    document = json.loads(glassnat("alg", "diff", ANSWER, "--alg", "dns", "--json", *ASKER).out)
    (change,) = document["changes"]
    assert document["before"][slice(*change["span"])] == "\xcb\x00\x71\x0a"
    assert document["lines"]["before"][3] == "pbx.example.net. 300 IN A 203.0.113.10"
    assert document["lines"]["after"][3] == "pbx.example.net. 300 IN A 192.168.20.10"


def test_what_is_wrong_with_a_binary_message_is_found(glassnat: Run, tmp_path: Path) -> None:
    raw = Path(ANSWER).read_bytes()
    for name, data, code in (("good", raw, 0), ("cut", raw[:-1], 1)):
        (tmp_path / name).write_bytes(data)
        assert glassnat("alg", "lint", str(tmp_path / name)).code == code
