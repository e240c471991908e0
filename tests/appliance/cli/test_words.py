"""What the shell is offered: the program's own words."""

from __future__ import annotations

import pytest

from appliance.cli import main


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sc", ["scenario"]),
        ("show fl", ["flows"]),
        ("completion z", ["zsh"]),
        ("sim one-w", ["one-way-audio"]),
        ("check inc", ["incoming-call"]),
        ("scenario show one-w", ["one-way-audio"]),
        ("profile show sym", ["symmetric"]),
        ("run --profile sym", ["symmetric"]),
        ("sim one-way-audio --alg of", ["off"]),
        ("alg show no-sd", ["no-sdp"]),
        ("alg li", ["list", "lint"]),
        ("alg lint docs/examples/invite.txt --message 1", ["1"]),
        ("alg diff docs/examples/none.txt --message 1", []),
        ("set nat.timeouts.tcp_e", ["nat.timeouts.tcp_established"]),
        ("set nat.mapping address-d", ["address-dependent"]),
        ("set nat.hairpin t", ["true"]),
        ("set nat.timeouts.udp 3", []),
        ("set alg.sip.module sip-poor:no-sd", ["sip-poor:no-sdp"]),
        ("set alg.ftp.module of", ["off"]),
        ("set alg.dns.module s", []),
        ("set nat.ports seq", ["sequential"]),
        ("sim one-way-audio --set nat.timeouts.tcp_e", ["nat.timeouts.tcp_established="]),
        ("sim one-way-audio --set nat.ports=r", ["nat.ports=random"]),
        ("sim one-way-audio --set nat.hairpin=f", ["nat.hairpin=false"]),
        ("sim one-way-audio --set no.such.key=", []),
        ("matrix one-w", ["one-way-audio"]),
        ("matrix one-way-audio --axis nat.timeouts.tcp_e", ["nat.timeouts.tcp_established="]),
        ("matrix one-way-audio --axis parties.pbx.com", ["parties.pbx.comedia="]),
        ("matrix one-way-audio --axis alg=al", ["alg=all"]),
        ("matrix one-way-audio --axis alg=off,sip-poor:no-sd", ["alg=off,sip-poor:no-sdp"]),
        ("matrix one-way-audio --axis profile=cgn,sym", ["profile=cgn,symmetric"]),
        ("matrix one-way-audio --axis nat.hairpin=false,t", ["nat.hairpin=false,true"]),
        ("run --set alg.sip.module=sip-poor:no-sd", ["alg.sip.module=sip-poor:no-sdp"]),
        ("show flows --protocol u", ["udp"]),
        ("show flows --state un", ["unanswered"]),
    ],
)
def test_what_the_shell_asks_is_answered(
    typed: str,
    offered: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A word that is half written: with which of the program's words might it go on?"""
    for name, value in (("_GLASSNAT_COMPLETE", "bash_complete"),
                        ("COMP_WORDS", f"glassnat {typed}"),
                        ("COMP_CWORD", str(len(typed.split())))):  # fmt: skip
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out.split() == [f"plain,{word}" for word in offered]
