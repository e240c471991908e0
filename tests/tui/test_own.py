"""Modules of somebody's own beside the screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.reading import screen_of
from tests.tui.stories import changes, invite
from tests.tui.test_foresight import Told
from tests.tui.test_simulated import simulation
from tui.app import GlassnatApp
from tui.foresight import Foresight
from tui.knobs import alg_choices
from tui.own import Watch, line_of, modules_in, with_lines
from tui.simulated import SimulationFeed

MODULE = Path("docs/examples/my_alg.py").resolve()


def test_files_with_a_module_in_them_are_listed_and_nothing_of_them_is_run(tmp_path: Path) -> None:
    (tmp_path / "live.py").write_text(MODULE.read_text())
    (tmp_path / "other.py").write_text("class Other:\n    pass\nraise SystemExit\n")
    (tmp_path / "broken.py").write_text("class Broken(")
    assert modules_in(tmp_path) == ["live.py:MyAlg"]


def test_a_change_says_where_in_the_file_its_rule_stands() -> None:
    spec = f"{MODULE}:MyAlg"
    line = (
        MODULE.read_text()
        .splitlines()
        .index('                Edit(found.start(), found.end(), outside, "address", "everywhere")')
    )
    assert line_of(spec, "everywhere") == f"my_alg.py:{line + 1}"
    assert line_of(spec, "nowhere") == line_of("gone.py:X", "everywhere") == ""
    event = invite("sip")
    assert with_lines(event) is event
    event.module = spec
    event.changes = changes("sip")
    event.changes[0].rule = "everywhere"
    told = with_lines(event).changes
    assert told[0].rfc == f"RFC 3261 18.2.2  my_alg.py:{line + 1}"
    assert told[1].rfc == "RFC 3261 8.1.1.8"


def test_a_file_that_was_saved_is_told_once(tmp_path: Path) -> None:
    file, watch = tmp_path / "live.py", Watch()
    file.write_text("1")
    specs = ["sip", f"{file}:MyAlg"]
    assert watch.saved(specs) == ""
    file.write_text("12")
    assert (watch.saved(specs), watch.saved(specs)) == ("live.py", "")
    assert watch.saved(["sip"]) == watch.saved(specs) == ""


@pytest.mark.slow
async def test_it_is_chosen_by_its_file_s_name_and_runs_again_when_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a class does that writes a module: choose it, look, change a line, look again."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "live.py"
    file.write_text(MODULE.read_text())
    feed = SimulationFeed(simulation)
    feed.foresight = Foresight(Told)
    app = GlassnatApp(feed, alg_choices(), refresh=None)
    async with app.run_test(size=(120, 36)) as pilot:
        await app.advance(0.0)
        await pilot.press("a")
        feed.foresight.wait()
        feed.foresight.outcomes["live.py:MyAlg"] = "registration-failed"
        await pilot.press("down")
        assert "1  live.py:MyAlg REG. FAILED" in screen_of(app)
        await pilot.press("1", "r")
        feed.finish()
        await app.advance(0.0)
        assert app.look.model.outcome is not None
        assert app.look.model.outcome.outcome == "registration-failed"
        assert "live.py:" in screen_of(app)
        file.write_text(MODULE.read_text().replace("Direction.IN:", "Direction.IN or message:"))
        os.utime(file, ns=(1, 1))
        await app.advance(0.0)
        assert app.look.model.outcome.outcome == "one-way-audio"
        assert app.look.said == "live.py was saved, and the story runs again."
        feed.foresee({"alg.sip.module": ["off", "live.py:MyAlg"]})
        feed.foresight.wait()
        assert feed.foresight.outcomes["live.py:MyAlg"] == "no-audio", "of the file as it is now"
        file.write_text("class MyAlg(")
        await app.advance(0.0)
        assert "live.py" in app.look.said
        assert app.look.model.outcome.outcome == "one-way-audio", "the run stays on the screen"
