"""Names in the lab: every party of a story that has the name of a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.namespaces.between.record import Trace
from appliance.namespaces.lab import naming
from appliance.sim.stories import load_scenario


def test_every_party_is_known_by_its_first_address() -> None:
    story = load_scenario("one-way-audio")
    command = naming.step("room", story).command
    told = {command[at + 1] for at, word in enumerate(command) if word == "--host"}
    assert told == {f"{name}={each.addresses[0]}" for name, each in story.parties.items()}
    assert command[:4] == ("ip", "netns", "exec", "room")
    assert naming.LISTEN in naming.RESOLV_CONF


def test_what_tells_programs_of_it_goes_with_the_folders_that_were_made_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "FOLDER", tmp_path / "netns")
    folder = tmp_path / "netns" / "room"
    file = Trace("file", str(folder / "resolv.conf"))
    assert [*naming.traces("room")] == [
        Trace("folder", str(tmp_path / "netns")),
        Trace("folder", str(folder)),
        file,
    ]
    folder.mkdir(parents=True)
    assert [*naming.traces("room")] == [file], "these were somebody's before"
