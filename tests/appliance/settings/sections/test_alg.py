"""The sections of ALGs: every protocol's begins alike, and none is on."""

from __future__ import annotations

import pytest

from appliance.settings.sections.alg import ALGS, DNS, FTP, SIP
from appliance.settings.setting import Setting


def test_rfc4787_req10_no_alg_is_on_by_default() -> None:
    """RFC 4787 REQ-10: a NAT SHOULD have all of its ALGs for UDP turned off by default; RFC 5382
    REQ-6 wants the same for TCP."""
    modules = [setting for setting in ALGS if setting.key.endswith(".module")]
    assert [setting.key for setting in modules] == [
        "alg.sip.module",
        "alg.ftp.module",
        "alg.dns.module",
    ]
    assert [setting.default for setting in modules] == ["off"] * 3


@pytest.mark.parametrize("section", [SIP, FTP, DNS], ids=["sip", "ftp", "dns"])
def test_a_section_is_one_protocol_and_says_what_its_module_may_be(
    section: tuple[Setting, ...],
) -> None:
    first, *others = section
    slot = first.key.removesuffix(".module")
    assert all(setting.key.startswith(f"{slot}.") for setting in others)
    assert first.help.startswith("off")


def test_modules_are_changed_while_packets_flow() -> None:
    assert all(setting.live for setting in ALGS)


@pytest.mark.parametrize("path", ["my_ftp.py:MyFtp", "/tmp/my_ftp.py:MyFtp"])
def test_somebodys_own_module_may_stand_in_any_slot(path: str) -> None:
    assert FTP[0].kind.parse(path) == path
