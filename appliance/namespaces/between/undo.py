"""How each kind of thing that `up` has made is removed again.

Every remover first looks whether there is anything to do, says the command and runs it: what is
gone already is fine, for who tidies up does not know how far the other has come. What is removed
has the name that was written down; nothing is looked for by a pattern.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from appliance.control.paths import read_only_path
from appliance.namespaces.between.record import Record, Trace
from appliance.wires import netns
from appliance.wires.netns import CommandError

PATIENCE = 5.0
"""Seconds that a process has to end by itself."""
TRIES = 5
NO_ADDRESS = "00:00:00:00:00:00"

Echo = Callable[[Sequence[str]], None]
"""Says a command before it is run."""


def remove(trace: Trace, echo: Echo) -> None:
    """Raises CommandError when it is still there afterwards."""
    _REMOVERS[trace.kind](trace, echo)


def take_down(record: Record, echo: Echo) -> list[str]:
    """Remove all that is written down, the last first, and then the record. Answers a sentence for
    each thing that could not be removed: then the record stays, and this can be tried again."""
    failures = []
    for trace in reversed(record.traces()):
        try:
            remove(trace, echo)
        except CommandError as error:
            failures.append(str(error))
    if failures:
        record.close()
    else:
        record.end()
    return failures


def own_process() -> Trace:
    """This process, so that no other one is taken for it when its number is used again."""
    return process(os.getpid())


def process(number: int) -> Trace:
    """The process that has this number now."""
    return Trace("process", str(number), _began(number))


def is_alive(process: Trace) -> bool:
    """Does it run?"""
    return _began(int(process.name)) == process.detail


def _began(process: int) -> str:
    """When it did, in the kernel's own counting; empty when it has ended (proc(5), field 22)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[19] if fields[0] not in "ZX" else ""


def _end_process(trace: Trace, echo: Echo) -> None:
    """Asked first, so that a recording is whole; then not asked any more."""
    try:
        process = os.pidfd_open(int(trace.name))
    except ProcessLookupError:
        return
    try:
        for number, word in ((signal.SIGTERM, "-TERM"), (signal.SIGKILL, "-KILL")):
            if not is_alive(trace):
                return
            echo(("kill", word, trace.name))
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, number)
            if select.select([process], [], [], PATIENCE)[0]:
                return
    finally:
        os.close(process)
    raise CommandError(f"process {trace.name} does not end")


def _end_server(trace: Trace, echo: Echo) -> None:
    """A program in a namespace of its own, which is how it is known to be ours. It may be starting
    a copy of itself just now, so what was not there yet is looked for again."""
    for _ in range(TRIES):
        found = [each for each in _processes(trace.detail) if _called(each) == trace.name]
        if not found:
            return
        for process in found:
            _end_process(Trace("process", str(process), _began(process)), echo)
    raise CommandError(f"{trace.name} in {trace.detail} does not end")


def _processes(namespace: str) -> Iterator[int]:
    """Those in a private namespace."""
    if not netns.exists(namespace):
        return
    there = netns.path_of(namespace).stat()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            here = (entry / "ns" / "net").stat()
            if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                yield int(entry.name)


def _called(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def _delete_namespace(trace: Trace, echo: Echo) -> None:
    if netns.exists(trace.name):
        _run(("ip", "netns", "delete", trace.name), echo)


def _delete_port(trace: Trace, echo: Echo) -> None:
    """By itself, and not with its namespace, which the kernel clears away a little later."""
    if _exists(trace.name):
        _run(("ip", "link", "delete", trace.name), echo)


def _give_back_address(trace: Trace, echo: Echo) -> None:
    """To a bridge that had no other port, and so has lost its own."""
    if _exists(trace.name) and _link(trace.name)["address"] == NO_ADDRESS:
        _run(("ip", "link", "set", trace.name, "address", trace.detail), echo)


def _forget_neighbour(trace: Trace, echo: Echo) -> None:
    """What the machine itself remembers of an address, if that is still ours."""
    bridge, _, hardware = trace.detail.partition(" ")
    if _exists(bridge):
        place = (trace.name, "dev", bridge)
        known = json.loads(netns.run(["ip", "-json", "neighbour", "show", *place]) or "[]")
        if any(each.get("lladdr") == hardware for each in known):
            _run(("ip", "neighbour", "delete", *place), echo)


def _remove_file(trace: Trace, echo: Echo) -> None:
    if os.path.lexists(trace.name):
        echo(("rm", "-f", trace.name))
        _unlink(Path(trace.name))


def _remove_folder(trace: Trace, echo: Echo) -> None:
    """If it is empty: what somebody else has put there is theirs."""
    folder = Path(trace.name)
    if folder.is_dir() and not any(folder.iterdir()):
        echo(("rmdir", trace.name))
        with contextlib.suppress(OSError):
            folder.rmdir()


def _remove_sockets(trace: Trace, echo: Echo) -> None:
    """The appliance has ended; if it could not remove them, this does."""
    path = Path(trace.name)
    for each in (path, read_only_path(path)):
        _unlink(each)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"{path} cannot be removed: {error.strerror}") from None


def _exists(device: str) -> bool:
    return device in (name for _, name in socket.if_nameindex())


def _link(device: str) -> Mapping[str, Any]:
    (found,) = json.loads(netns.run(["ip", "-json", "link", "show", "dev", device]))
    return dict(found)


def _run(command: Sequence[str], echo: Echo) -> None:
    echo(command)
    netns.run(command)


_REMOVERS: Mapping[str, Callable[[Trace, Echo], None]] = {
    "process": _end_process,
    "server": _end_server,
    "namespace": _delete_namespace,
    "port": _delete_port,
    "bridge": _give_back_address,
    "neighbour": _forget_neighbour,
    "file": _remove_file,
    "folder": _remove_folder,
    "sockets": _remove_sockets,
}
