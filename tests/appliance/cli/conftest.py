"""The command line as a function: arguments in, exit code and both streams out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from appliance.cli import main


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def glassnat(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def run(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in err
        return Answer(ended.value.code, out, err)

    return run
