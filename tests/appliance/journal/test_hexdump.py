"""Rows of a hex dump, and values as people write them."""

from __future__ import annotations

import pytest

from appliance.journal.events import Change
from appliance.journal.hexdump import dump, dumped, spelled
from appliance.journal.rows import Mark, Run


def text_of(*some: Run, offset: int = 0, width: int = 8) -> list[str]:
    return ["".join(run.text for run in row) for row in dumped(some, offset, width)]


def test_a_row_has_its_offset_its_bytes_and_their_picture() -> None:
    assert text_of(Run("AB\0\xff\x1b~ .xyz"), offset=0x40) == [
        "0040 41 42 00 ff 1b 7e 20 2e AB···~ .",
        "0048 78 79 7a                xyz",
    ]


@pytest.mark.parametrize(
    ("some", "row"),
    [
        ((Run("a"), Run("b", Mark.CHANGED), Run("c")), "0000 61«62»63                abc"),
        ((Run("a"), Run("b", Mark.LEFT), Run("c")), "0000 61!62!63                abc"),
        ((Run("a"), Run("", Mark.CHANGED), Run("c")), "0000 61¦63                   ac"),
        ((Run("", Mark.CHANGED), Run("c")), "0000¦63                      c"),
        ((Run("c"), Run("", Mark.CHANGED)), "0000 63¦                     c"),
        ((Run("", Mark.CHANGED),), "0000¦                        "),
        ((Run("a", Mark.CHANGED), Run("b", Mark.CHANGED)), "0000«61«62»                  ab"),
    ],
)
def test_signs_stand_in_the_gaps_so_that_columns_stay_where_they_are(
    some: tuple[Run, ...], row: str
) -> None:
    assert text_of(*some) == [row]


def test_a_change_that_goes_on_in_the_next_row_is_marked_there_again() -> None:
    assert text_of(Run("abc"), Run("defg", Mark.CHANGED), width=4) == [
        "0000 61 62 63«64»abcd",
        "0004«65 66 67»   efg",
    ]


def test_every_byte_can_be_drawn() -> None:
    drawn = text_of(Run(bytes(range(256)).decode("latin-1")), width=16)
    assert len(drawn) == 16
    assert all(row.isprintable() for row in drawn)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("answer[0].address", "\xc6\x33\x64\x07", "198.51.100.7"),
        ("answer[0].address", " \x01\r\xb8" + "\0" * 11 + "\x01", "2001:db8::1"),
        ("answer[0].address", "\xc6\x33", "c6 33"),
        ("question.name", "example", "example"),
        ("question[0].name", "\x0210\x0220\x03168\x03192", "10.20.168.192"),
        ("answer[0].data", "\x03pbx\x07example\x03net\0", "pbx.example.net"),
        ("answer[0].data", "\x05pbx\0", "05 70 62 78 00"),
        ("answer[0].ttl", "\0\0\x0e\x10", "3600"),
        ("answer[0]", "", "nothing"),
        ("answer[0]", "\x1b[2J\x07", "1b 5b 32 4a 07"),
    ],
)
def test_a_value_is_spelled_as_people_write_it(field: str, value: str, said: str) -> None:
    assert spelled(field, value) == said


def test_a_long_value_is_cut_and_says_so() -> None:
    assert len(spelled("rest", "\0" * 60_000)) < 200
    assert spelled("rest", "\0" * 60_000).endswith(" …")


def test_a_message_as_plain_rows_with_its_changes() -> None:
    message = "\0" * 20
    change = Change("f", (15, 17), "\0\0", "\1\2", None, "ok", "f", "Why.", "")
    missed = Change("g", (19, 20), "\0", "\0", "\1", "missed", "g", "Why.", "")
    ((before, after, changes),) = dump(message, [change, missed])
    assert before[0].endswith("00«00»" + "·" * 16)
    assert after[1].startswith("0010«02»00 00!00!")
    assert [each.field for each in changes] == ["f", "g"]
