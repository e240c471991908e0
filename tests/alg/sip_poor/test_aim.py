"""Aims are written after a fault's name."""

from __future__ import annotations

import pytest

from alg.sip_poor.aim import Aim, AimError, parse
from nat.endpoint import Direction


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no-sdp", ("no-sdp", Aim())),
        ("no-sdp@method=invite", ("no-sdp", Aim(method="INVITE"))),
        (
            "no-sdp@direction=in@nth=3@code=183",
            ("no-sdp", Aim(direction=Direction.IN, nth=3, code=183)),
        ),
    ],
)
def test_an_aim_is_read(text: str, expected: tuple[str, Aim]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x@", "there are method"),
        ("x@method", "there are method"),
        ("x@method=", "there are method"),
        ("x@moon=full", "there are method"),
        ("x@direction=up", "out and in"),
        ("x@nth=0", "from 1 on"),
        ("x@nth=-1", "from 1 on"),
        ("x@code=two", "from 1 on"),
        ("x@nth=9999999999", "from 1 on"),
    ],
)
def test_a_wrong_aim_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(AimError, match=sentence):
        parse(text)


@pytest.mark.parametrize(
    ("aim", "fits"),
    [
        (Aim(), True),
        (Aim(method="INVITE", direction=Direction.OUT, code=200), True),
        (Aim(method="BYE"), False),
        (Aim(direction=Direction.IN), False),
        (Aim(code=404), False),
    ],
)
def test_everything_that_is_said_must_fit(aim: Aim, fits: bool) -> None:
    assert aim.fits("INVITE", Direction.OUT, 200) is fits
