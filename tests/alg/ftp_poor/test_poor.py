"""The FTP ALG that is wrong on purpose: the correct one, but for its faults."""

from __future__ import annotations

import pytest

from alg.fault import UnknownFault
from alg.ftp.correct import Ftp
from alg.ftp_poor.faults import FAULTS
from alg.ftp_poor.poor import FtpPoor
from alg.stream import RIGHT
from tests.alg.ftp.situations import answer, met, opened

MESSAGES = [
    b"PORT 192,168,20,100,156,65\r\n",
    b"EPRT |1|192.168.20.100|40001|\r\n",
    b"PORT 192,168,20,101,156,65\r\n",
    b"PORT nonsense\r\n",
    b"220 ready\r\n",
    b"\x16\x03\x01",
]


@pytest.mark.parametrize("faults", [[], ["no-seqadj"], ["split-miss"], list(FAULTS)])
@pytest.mark.parametrize("message", MESSAGES)
def test_its_edits_are_those_of_the_correct_one(faults: list[str], message: bytes) -> None:
    assert answer(met(), message, FtpPoor(faults)) == answer(met(), message, Ftp())


def test_without_faults_it_is_the_correct_one() -> None:
    context = met()
    answer(context, MESSAGES[0], FtpPoor())
    assert opened(context) == ["40001 <- 203.0.113.9"]
    assert FtpPoor().manners == RIGHT == FtpPoor(["open-to-all"]).manners


def test_faults_add_up() -> None:
    module = FtpPoor(list(FAULTS))
    assert module.manners == RIGHT._replace(adjusts=False, waits=False)
    context = met()
    answer(context, MESSAGES[0], module)
    assert opened(context) == ["40001 <- None"]


def test_it_explains_its_edits_as_the_correct_one_does() -> None:
    assert FtpPoor().explain("port") == Ftp().explain("port")
    with pytest.raises(KeyError):
        FtpPoor().explain("no-seqadj")


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(UnknownFault, match="no-seqadjust"):
        FtpPoor(["no-seqadjust"])
