"""The manual is a claim about the program, and claims are tested.

What a page names must exist: files, functions, settings, links. What a page says to type must be
accepted by the program. What a `console` block shows must be what the program prints; a `sh` block
is only parsed, because it needs root, another terminal or a long time.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner

from alg import registry
from alg.spec import is_foreign
from appliance.cli import root
from appliance.settings import files as configuration
from appliance.settings.module_kinds import Spec
from appliance.settings.table import SETTINGS, Settings
from appliance.sim import knobs
from appliance.sim.scenario import ScenarioError
from appliance.sim.stories import load_scenario
from appliance.wires import netns
from docs import generate
from nat.endpoint import Network, parse_address
from tests.source import ROOT, name_of, read, tree
from tests.support.programs import Program, run_in
from tests.support.sweep import sampled

ROOMS = ("nat", "alg", "appliance", "tui", "tests", "docs")
STORY_TUTORIAL = ROOT / "docs" / "your-own-story.md"
PITFALLS = ROOT / "docs" / "pitfalls"  # written from stories: test_pitfalls.py
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if page.parent != PITFALLS
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\(\))?")
PLACED = re.compile(r"`([A-Za-z_][\w.]*(?:\(\))?)`\s+in\s+`([\w/]+\.py)`")
ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
SECTION = re.compile(r"RFC \d+\s[\d.]+")  # RFC 3261 8.1.1.1 is no address
REDIRECTION = re.compile(r"\d?[<>|&]")
FILE_KINDS = (".py", ".toml", ".md", ".tcss", ".txt", ".svg")

MAY_BE_SHOWN = [
    Network.parse(text)
    for text in (
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "0.0.0.0",
    )
]  # fmt: skip

# Names of the world outside that look like ours.
FOREIGN = {
    "CAP_NET_ADMIN", "IFF_VNET_HDR", "NEEDS_CSUM", "accept_local", "force_rport", "no_new_privs",
    "iptables_nat", "NO_COLOR", "os.readv", "DASK_SCHEDULER_ADDRESS",
}  # fmt: skip


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    kind: str
    text: str


class Command(NamedTuple):
    """Something to type. `arguments` are those of `glassnat`, or of `make`; one that is only
    `mentioned` in a sentence may leave out what it needs."""

    page: Path
    program: str
    arguments: list[str]
    mentioned: bool = False


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", read(page))


def blocks(page: Path) -> Iterator[Block]:
    for found in FENCE.finditer(read(page)):
        yield Block(page, found[1], found[2])


def each_page(has: Callable[[Path], object]) -> pytest.MarkDecorator:
    """Of those that have what is asked about."""
    return pytest.mark.parametrize("page", [page for page in PAGES if has(page)], ids=name_of)


# --- what a page names --------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """What the headings of a page can be linked by, as code hosts do it."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each_page(lambda page: LINK.search(prose(page)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)} links to {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(page)} links to {link}"


@cache
def all_files() -> set[str]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*")]
    return {name_of(path) for path in (*found, *ROOT.iterdir()) if "__pycache__" not in path.parts}


def files_of(page: Path) -> list[str]:
    """What it says in type-writer letters, where that is a file's name."""
    spans = [span.rstrip("/") for span in SPAN.findall(prose(page))]
    return [span for span in spans if re.fullmatch(r"[\w./-]+", span) and span.endswith(FILE_KINDS)]


@each_page(files_of)
def test_files_that_a_page_names_exist(page: Path) -> None:
    """By their path, or by the end of it: `datapath.py`."""
    for name in files_of(page):
        if name in OF_THE_READER or re.search(r"\b[A-Z]{2,}/", name):
            continue  # NAME/ stands for any
        known = name in all_files() or any(file.endswith(f"/{name}") for file in all_files())
        assert known, f"{name_of(page)} names {name}"


OF_THE_READER = {"lab.toml", "FILE.toml"}


class Names(NamedTuple):
    """Everything that the source gives a name to."""

    all: set[str]
    members: dict[str, set[str]]


@cache
def names() -> Names:
    """Of all rooms: what is defined, assigned, taken as an argument or spelt out as a key, and what
    belongs to which class."""
    known: set[str] = {*ROOMS, *dir(builtins), *sys.stdlib_module_names}
    members: dict[str, set[str]] = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py") if room != "tests" else ():
            known |= {path.stem, *bound(path)}
            for node in tree(path).body:
                if isinstance(node, ast.ClassDef):
                    members.setdefault(node.name, set()).update(_bound(node))
    return Names(known, members)


@cache
def bound(path: Path) -> set[str]:
    """What a file gives names to."""
    return set(_bound(tree(path)))


def _bound(scope: ast.AST) -> Iterator[str]:
    for node in ast.walk(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Constant) and str(node.value).isidentifier():
            yield str(node.value)  # the names in __slots__, the keys of documents


def looks_like_a_name(span: str) -> bool:
    """Not every word in type-writer letters is a name of the program; these surely are meant so."""
    if not DOTTED.fullmatch(span) or span in FOREIGN:
        return False
    camel = re.search(r"[a-z][A-Z]", span)
    return "_" in span or "." in span or span.endswith("()") or camel is not None


def is_key(span: str) -> bool:
    """A setting, or a section of them."""
    return any(key == span or key.startswith(f"{span}.") for key in SETTINGS)


def names_of(page: Path) -> list[str]:
    return [
        span
        for span in SPAN.findall(prose(page))
        if looks_like_a_name(span) and not span.endswith(FILE_KINDS) and not is_key(span)
    ]


@pytest.mark.slow
@each_page(names_of)
def test_names_that_a_page_uses_exist(page: Path) -> None:
    for span in names_of(page):
        parts = span.removesuffix("()").split(".")
        for part in parts:
            assert part in names().all, f"{name_of(page)} names {span}"
        for owner, member in pairwise(parts):
            if owner in names().members:
                assert member in names().members[owner], f"{name_of(page)} names {span}"


@pytest.mark.slow
@each_page(lambda page: PLACED.search(prose(page)))
def test_what_a_page_places_in_a_file_is_defined_there(page: Path) -> None:
    """As in: `Dependence.scope` in `nat/behavior.py`."""
    for name, file in PLACED.findall(prose(page)):
        for part in name.removesuffix("()").split("."):
            assert part in bound(ROOT / file), f"{name_of(page)} places {name} in {file}"


@each_page(lambda page: ADDRESS.search(SECTION.sub("", read(page))))
def test_addresses_in_a_page_are_nobodys(page: Path) -> None:
    """RFC 5737 sets three networks aside for documentation; private ones are fine as well."""
    for text in ADDRESS.findall(SECTION.sub("", read(page))):
        address = parse_address(text)
        assert any(address in network for network in MAY_BE_SHOWN), f"{name_of(page)} shows {text}"


# --- what a page says to type -------------------------------------------------------------


def commands(page: Path) -> Iterator[Command]:
    """Every `glassnat …` and `make …` of a page: in its blocks, and between its backticks."""
    lines = []
    for block in blocks(page):
        if block.kind == "console":
            lines += [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
        elif block.kind == "sh":
            lines += block.text.replace("\\\n", " ").splitlines()
    for line in lines:
        yield from _commands_of(page, line)
    for span in SPAN.findall(prose(page)):
        for command in _commands_of(page, span) if " " in span else ():
            yield command._replace(mentioned=True)


def _commands_of(page: Path, line: str) -> Iterator[Command]:
    words = shlex.split(line, comments=True)
    while words and words[0] in ("sudo", "exec"):
        words = words[1:]
    program = Path(words[0]).name if words else ""
    if program not in ("glassnat", "make"):
        return
    ends = [number for number, word in enumerate(words) if REDIRECTION.match(word)]
    yield Command(page, program, words[1 : min(ends, default=len(words))])


@pytest.mark.parametrize("page", [page for page in PAGES if any(commands(page))], ids=name_of)
def test_commands_in_the_manual_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option, argument, module, profile, scenario and key in them."""
    monkeypatch.chdir(ROOT)
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    for command in commands(page):
        if command.program == "make":
            assert set(command.arguments) <= targets
        elif not _is_placeholder(command):
            try:
                _parse(command.arguments)
            except click.MissingParameter:
                assert command.mentioned, command
            except click.ClickException as error:
                pytest.fail(f"{' '.join(command.arguments)}: {error.format_message()}")


def _is_placeholder(command: Command) -> bool:
    """`glassnat show WHAT` explains; it is not typed."""
    return any(word.isupper() and len(word) > 1 for word in command.arguments)


def _parse(arguments: Sequence[str]) -> None:
    group: click.Command = root
    context: click.Context | None = None
    left = list(arguments)
    chosen: dict[str, object] = {}
    while True:
        try:
            context = group.make_context(group.name or "glassnat", left, parent=context)
        except click.exceptions.Exit:  # --help, --version
            return
        chosen |= context.params
        if not isinstance(group, click.Group) or not (
            left := [*context._protected_args, *context.args]
        ):
            break
        _, found, left = group.resolve_command(context, left)
        assert found is not None
        group = found
    _check_values(group.name or "", chosen)


def _check_values(command: str, chosen: dict[str, object]) -> None:
    settings = Settings()
    sets, traits = knobs.split(chosen.get("sets") or ())  # type: ignore[arg-type]
    for assignment in sets:
        key, _, value = assignment.partition("=")
        settings.assign(key, value, "--set")
    named = (chosen.get("scenario"), *(chosen.get("scenarios") or ()))  # type: ignore[misc]
    stories = [load_scenario(str(name)) for name in named if name]
    for story in stories if traits else ():
        knobs.turned(story, traits)
    if command == "set":
        settings.assign(str(chosen["key"]), chosen["value"], "set")
        if str(chosen["key"]).endswith(".module"):
            _check_spec(str(chosen["value"]))
    for spec in (chosen.get("alg"), chosen.get("spec")):
        if spec is not None:
            _check_spec(str(spec))
    if chosen.get("profile"):
        configuration.profile_table(str(chosen["profile"]))
    if command == "check":
        _check_programs(chosen.get("commands") or ())  # type: ignore[arg-type]


def _check_programs(parties: Sequence[str]) -> None:
    """What is to play a party, where it is a file of this project with parts of its own."""
    for text in parties:
        program, *arguments = shlex.split(text.partition("=")[2])
        assert "/" not in program or os.access(program, os.X_OK), text
        for part in arguments if program.endswith("sipp.sh") else ():
            assert Path(program).parent.joinpath("sipp", f"{part}.xml").exists(), text


def _check_spec(spec: str) -> None:
    if is_foreign(spec):
        Spec("sip").parse(spec)
    else:
        registry.load(spec)


class Transcript(NamedTuple):
    """A command, and the lines that a page shows under it."""

    page: Path
    command: list[str]
    lines: list[str]


def transcripts() -> Iterator[Transcript]:
    for page in PAGES:
        for block in blocks(page):
            if block.kind != "console":
                continue
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                command, *lines = part.splitlines()
                found = list(_commands_of(page, command))
                yield Transcript(page, found[0].arguments if found else [command], lines)


@pytest.mark.slow
@pytest.mark.parametrize(
    "transcript",
    sampled(transcripts(), 24),
    ids=lambda each: f"{name_of(each.page)}: {each.command}",
)
def test_what_a_console_block_shows_is_what_the_program_prints(
    transcript: Transcript, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines in their order; a line of dots stands for any number of others."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_COLOR", "1")
    printed = iter(CliRunner().invoke(root, transcript.command).output.splitlines())
    for line in transcript.lines:
        if line.strip() not in ("...", ""):
            assert line.rstrip() in (each.rstrip() for each in printed), f"not printed: {line}"


# --- what a page copies from the source ----------------------------------------------------


@pytest.mark.slow
@each_page(lambda page: generate.PLACE.search(read(page)) or "\nTests: " in read(page))
def test_generated_tables_are_those_of_the_source(page: Path) -> None:
    assert read(page) == generate.filled(read(page)), "run: python docs/generate.py"


def test_the_first_evening_is_one() -> None:
    """Six files, and no more lines than all of h11 has (2,568)."""
    text = read(ROOT / "docs" / "reading-order.md").partition("## The first evening")[2]
    rows = re.findall(r"^\| \d \| `([\w/.]+)`", text.partition("\n## ")[0], re.MULTILINE)
    assert len(rows) == 6
    assert sum(len(read(ROOT / row).splitlines()) for row in rows) < 2_568


def test_the_reading_order_leads_to_every_room() -> None:
    text = read(ROOT / "docs" / "reading-order.md")
    for room in ("nat/", "alg/", "appliance/", "tui/", "tests/"):
        assert f"`{room}" in text


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(prose(page)))
        waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert reached >= set(PAGES)


# --- the examples ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["register.txt", "invite.txt"])
def test_the_example_messages_are_whole(name: str) -> None:
    """CRLF line ends, and a Content-Length that is right: else every module would leave them."""
    message = (ROOT / "docs" / "examples" / name).read_bytes()
    head, _, body = message.partition(b"\r\n\r\n")
    assert message.count(b"\n") == message.count(b"\r\n")
    assert b"Content-Length: %d" % len(body) in head.split(b"\r\n")


def test_the_example_configuration_is_valid() -> None:
    assert configuration.load(ROOT / "docs" / "examples" / "lab.toml")["name"] == "classroom"


def test_the_mistakes_of_the_tutorial_are_told_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ScenarioError) as error:
        load_scenario("docs/examples/doorbell-mistakes.toml")
    (shown,) = (text for kind, text in FENCE.findall(read(STORY_TUTORIAL)) if kind == "text")
    _, heading, *lines = shown.splitlines()
    told = str(error.value).splitlines()
    assert heading == f"glassnat: {told[0]}"
    assert set(lines) <= set(told)


@pytest.mark.host
def test_the_real_wires_of_the_readme_work(tmp_path: Path) -> None:
    """What it says to type, in namespaces of this test's own."""
    unique = {word: f"readme-{os.getpid()}-{word}" for word in ("phones", "world")}
    lines = read(ROOT / "README.md").partition("## Real wires")[2].partition("\n## ")[0]
    prepare, asked = (text for kind, text in FENCE.findall(lines) if kind == "sh")
    configuration_file = tmp_path / "lab.toml"
    configuration_file.write_text(_rename_of(read(ROOT / "docs/examples/lab.toml"), unique))
    control = str(tmp_path / "control")
    run = [sys.executable, "-m", "appliance.cli", "run", "--control", control]
    try:
        _type_ip_lines(prepare, unique)
        appliance = Program("", [*run, "--config", str(configuration_file)])
        try:
            appliance.wait_for("ready")
            _type_ip_lines(asked, unique)
        finally:
            appliance.stop()
    finally:
        for name in unique.values():
            netns.delete(name)


def _rename_of(text: str, unique: dict[str, str]) -> str:
    return re.sub(r"\b(phones|world)\b", lambda found: unique[found[1]], text)


def _type_ip_lines(block: str, unique: dict[str, str]) -> None:
    """The lines that begin with `ip`; the program itself is started by the test."""
    typed = [line for line in block.splitlines() if line.startswith("ip ")]
    assert typed
    for line in typed:
        run_in("", "sh", "-c", _rename_of(line, unique))
