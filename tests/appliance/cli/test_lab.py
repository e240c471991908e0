"""`glassnat lab`, as far as it goes without namespaces: what is wrong is said, and nothing made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import lab as module
from appliance.cli.base import Failure
from appliance.cli.words import labs_up
from appliance.control import paths
from appliance.namespaces.between import undo
from appliance.namespaces.between.record import Facts, Record
from appliance.settings.files import ConfigError


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or that would be all that is said."""
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)


@pytest.fixture(autouse=True)
def nothing_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests would become the command that is to be run there."""
    monkeypatch.setattr(module.netns, "exists", lambda _: False)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["check", "oneway-audio"], "did you mean 'one-way-audio'"),
        (["check", "one-way-audio", "--party", "alise=true"], 'did you mean "alice"?'),
        (["check", "one-way-audio", "--party", "alice"], "NAME='COMMAND'"),
        (["check", "one-way-audio", "--set", "parties.pbx.comdia=true"], '"comedia"?'),
        (["check", "--all", "one-way-audoi"], "did you mean 'one-way-audio'"),
        (["exec", "one-way-audio", "carol", "true"], "carol is no party; there are alice, pbx"),
        (["exec", "one-way-audio", "alice", "true"], "is not up; first: glassnat lab up"),
    ],
)
def test_what_is_wrong_is_a_sentence(words: list[str], complaint: str) -> None:
    result = CliRunner().invoke(module.lab, words)
    assert isinstance(result.exception, (Failure, ConfigError))
    assert complaint in str(result.exception)


@pytest.mark.parametrize(
    "words",
    [["check"], ["check", "one-way-audio", "nat-yes"], ["check", "--all", "--profile", "linux"]],
)
def test_one_story_is_checked_or_all_that_stories_expect(words: list[str]) -> None:
    """What the files tell the outcome of is turned by the files."""
    assert CliRunner().invoke(module.lab, words).exit_code == 2


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("words", [["check", "one-way-audio"], ["up", "nat-yes"], ["down", "x"]])
def test_who_is_not_root_has_namespaces_of_their_own(
    monkeypatch: pytest.MonkeyPatch, words: list[str], allowed: bool
) -> None:
    """Where the kernel allows it; else they are told why not, and what to type."""
    begun: list[list[str]] = []

    def begin(program: str, words: list[str]) -> None:
        begun.append(words)
        raise SystemExit(0)

    def way(name: str) -> list[str]:
        if allowed:
            return ["the", "way"]
        raise module.own.NotAllowed("not permitted")

    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(module.own, "way_to", way)
    monkeypatch.setattr(module.os, "execvp", begin)
    result = CliRunner().invoke(module.lab, words)
    assert bool(begun) is allowed
    if not allowed:
        assert isinstance(result.exception, Failure)
        assert result.exception.exit_code == 3
        assert "(not permitted; what to do: glassnat doctor): sudo " in str(result.exception)


@pytest.mark.parametrize("words", [["down", "nat-yes"], ["exec", "nat-yes", "alice", "true"]])
def test_what_root_has_up_stays_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path)
    Record.begin(Facts("lab-nat-yes", "in", "out", "/run/lab-nat-yes.sock")).close()
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    result = CliRunner().invoke(module.lab, words)
    assert isinstance(result.exception, Failure)
    assert result.exception.exit_code == 3
    assert "lab-nat-yes is root's: sudo " in str(result.exception)


@pytest.mark.parametrize("scenario", ["never-was", "./never-was", "/tmp/never-was.toml"])
def test_what_is_not_up_is_down_already(scenario: str) -> None:
    """By its name, or by the path that `lab up` was told."""
    result = CliRunner().invoke(module.lab, ["down", scenario])
    assert result.exit_code == 0
    assert "lab-never-was is not up" in result.stderr


def test_a_story_of_somebodys_own_is_known_by_its_name_while_it_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path)
    (tmp_path / f"lab-doorbell{module.PATH}").write_text("docs/examples/doorbell")
    result = CliRunner().invoke(module.lab, ["exec", "doorbell", "alice", "true"])
    assert "alice is no party; there are door, pbx" in str(result.exception)


def test_status_tells_which_stories_are_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names that `lab down` takes; an appliance between VMs is none of them."""
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path)
    alive = undo.own_process()
    for name, process in (
        ("lab-nat-yes", alive),
        ("lab-six-streams", alive._replace(detail="1")),
        ("classroom", alive),
    ):
        record = Record.begin(Facts(name, "in", "out", f"/run/{name}.sock"))
        record.expect(process)
        record.close()
    result = CliRunner().invoke(module.lab, ["status", "--json"])
    rows = json.loads(result.stdout)
    assert [(row["scenario"], row["state"]) for row in rows] == [
        ("nat-yes", "up"),
        ("six-streams", "stale"),
    ]
    assert list(labs_up(None)) == ["nat-yes", "six-streams"]  # type: ignore[arg-type]
    answer = CliRunner().invoke(module.lab, ["status"])
    assert "lab-nat-yes.sock" in answer.output
    assert "lab down six-streams" in answer.output
