"""Modules that students have written, or an attacker: what one may do to the appliance, in a
table.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HEAD = """
import os, sys
from alg.base import Edit, Edits, Reason, Refuse, Unavailable
from nat.endpoint import Endpoint
"""

CLASS = """
class Mine:
    def __init__(self):
        {made}

    def inspect(self, message, context):
        {inspect}

    def explain(self, rule):
        {explain}
"""

AN_EDIT = 'return Edits((Edit(0, 1, b"X", "field", "rule"),))'
EDIT_ALL = (
    "each = range(len(message))\n"
    '        return Edits(tuple(Edit(n, n + 1, b"X", "field", f"rule {n}") for n in each))'
)
SLOWLY = "sum(range(10**5)); return Reason(rule, '')"


class Hostile(NamedTuple):
    """A class by what stands in its methods, and before it. `loads`: can the file be loaded at all?
    `error`: what an alg-error says of the first message (empty: it is none)."""

    inspect: str = AN_EDIT
    explain: str = 'return Reason("why", "RFC 1")'
    made: str = "pass"
    head: str = ""
    error: str = ""
    loads: bool = True

    def write(self, folder: Path) -> str:
        """The SPEC of a file that holds it."""
        body = CLASS.format(made=self.made, inspect=self.inspect, explain=self.explain)
        file = folder / "mine.py"
        file.write_text(HEAD + self.head + body, encoding="utf-8")
        return f"{file}:Mine"


FOR_EVER = "while True: pass"
LOADS_FOR_EVER = "loading it took longer than"
STUBBORN = """
        while True:
            try:
                while True: pass
            except BaseException: pass"""
WRITE_TO_ALL = """
        for number in range(21):
            try: os.write(number, b"x" * 1000)
            except OSError: pass
        return Edits()"""
BLOCK_SIGNALS = """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True: pass"""
FORK_BOMB = """
        for _ in range(100):
            os.fork()
        return Edits()"""
NO_PARENT = """
        import ctypes
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
        while True: pass"""
KILL_THEM = """
        os.kill(os.getppid(), 9)"""
SIGNAL_BY_LINE = """
        import fcntl
        fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())
        fcntl.fcntl(3, 10, 9)  # F_SETSIG
        fcntl.fcntl(3, fcntl.F_SETFL, os.O_ASYNC)
        return Edits()"""
DEEP = """
        def deeper(): return deeper()
        return deeper()"""
THREADS = """
        import threading
        for _ in range(50):
            threading.Thread(target=lambda: os._exit(1)).start()
        return Edits()"""
MANY_PORTS = """
        for number in range(60):
            context.map_pair(Endpoint(context.internal.address, 20000 + 2 * number))
        while True: pass"""
MANY_CALLS = """
        for _ in range(10**6):
            context.external_of(context.internal)
        return Edits()"""
FLOOD = """
        while True:
            os.write(3, b"x" * 1000)"""

HOSTILE: dict[str, Hostile] = {
    "a module that is harmless": Hostile(),
    "sys.exit()": Hostile("sys.exit()", error="SystemExit"),
    "os._exit()": Hostile("os._exit(0)", error="its process has ended"),
    "abort": Hostile("os.abort()", error="its process has ended"),
    "raises": Hostile("raise ValueError('no')", error="ValueError: no"),
    "raises a BaseException": Hostile("raise BaseException('no')", error="BaseException: no"),
    "raises KeyboardInterrupt": Hostile("raise KeyboardInterrupt", error="KeyboardInterrupt"),
    "raises what has no text": Hostile(
        "raise Bad", head="class Bad(Exception):\n    def __str__(self): 1 // 0\n", error="Bad:"
    ),
    "loops": Hostile(FOR_EVER, error="longer than 50 ms"),
    "loops whatever is raised": Hostile(STUBBORN, error="longer than 50 ms"),
    "counts for ever": Hostile(
        "max(itertools.count())", head="import itertools\n", error="longer than 50 ms"
    ),
    "blocks signals": Hostile(BLOCK_SIGNALS, error="longer than 50 ms"),
    "does not die with its parent": Hostile(NO_PARENT, error="longer than 50 ms"),
    "kills its parent": Hostile(KILL_THEM, error="PermissionError"),
    "kills everybody": Hostile("os.kill(-1, 9)", error="PermissionError"),
    "has the kernel kill its parent": Hostile(SIGNAL_BY_LINE, error="PermissionError"),
    "forks": Hostile(FORK_BOMB, error="PermissionError"),
    "starts a program": Hostile(
        "subprocess.run(['id'])", head="import subprocess\n", error="PermissionError"
    ),
    "starts threads": Hostile(THREADS, error="can't start new thread"),
    "allocates 3 GB": Hostile("bytearray(3 << 30)", error="MemoryError"),
    "recurses": Hostile(DEEP, error="RecursionError"),
    "closes all descriptors": Hostile("os.closerange(0, 100)", error="its process has ended"),
    "writes to all descriptors": Hostile(WRITE_TO_ALL, error="is not allowed"),
    "writes for ever": Hostile(FLOOD, error="is not allowed"),
    "prints megabytes": Hostile("print('x' * 10**7, flush=True); return Edits()"),
    "reads the shadow file": Hostile("open('/etc/shadow').read()", error="PermissionError"),
    "writes into root's home": Hostile("open('/root/x', 'w')", error="PermissionError"),
    "writes anywhere": Hostile("open('/tmp/gnwrk', 'w')", error="PermissionError"),
    "deletes": Hostile("os.unlink(__file__)", error="PermissionError"),
    "becomes root": Hostile("os.setuid(0)", error="PermissionError"),
    "opens a socket": Hostile("socket.socket()", head="import socket\n", error="PermissionError"),
    "surrogates in the note": Hostile(r"return Edits(note='\udc80')", error="UnicodeEncodeError"),
    "surrogates in a field": Hostile(
        r'return Edits((Edit(0, 1, b"X", "\udc80", "rule"),))', error="UnicodeEncodeError"
    ),
    "a note of a megabyte": Hostile("return Edits(note='x' * 10**6)", error="more than 163840"),
    "a note of a page": Hostile("return Edits(note='x' * 1001)", error="length <= 1000"),
    "an edit of a megabyte": Hostile(
        'return Edits((Edit(0, 1, b"X" * 10**6, "f", "r"),))', error="more than 163840 bytes"
    ),
    "a thousand edits": Hostile(
        'return Edits((Edit(0, 1, b"X", "f", "r"),) * 1000)', error="length <= 256"
    ),
    "an edit outside": Hostile(
        'return Edits((Edit(0, 10**5, b"X", "f", "r"),))', error="lies outside"
    ),
    "answers text": Hostile("return 'yes'", error="answered str"),
    "answers nothing": Hostile("return None", error="answered NoneType"),
    "a million calls": Hostile(MANY_CALLS, error="too much of its context"),
    "maps for somebody else": Hostile("context.map(Endpoint(1, 5000)); return Edits()", error=""),
    "maps many ports and loops": Hostile(MANY_PORTS, error="longer than 50 ms"),
    "maps no port": Hostile("context.map(Endpoint(1, 0))", error="Expected `int` >= 1"),
    "remembers a megabyte": Hostile(
        "context.remember('k', 'x' * 1025, 10.0); return Edits()", error="length <= 1024"
    ),
    "remembers an object": Hostile(
        "context.remember('k', object(), 10.0); return Edits()", error="not plain data"
    ),
    "explains every byte, and slowly": Hostile(EDIT_ALL, explain=SLOWLY),
    "explains for ever": Hostile(explain=FOR_EVER),
    "explains by leaving": Hostile(explain="os._exit(0)"),
    "explains nothing": Hostile(explain="return None"),
    "explains by a number": Hostile(explain="return Reason(1, 2)"),
    "explains with surrogates": Hostile(explain=r"return Reason('\udc80', '')"),
    "loops when it is loaded": Hostile(head=FOR_EVER + "\n", loads=False, error=LOADS_FOR_EVER),
    "exits when it is loaded": Hostile(head="sys.exit()\n", loads=False, error="SystemExit"),
    "dies when it is loaded": Hostile(head="os._exit(0)\n", loads=False, error="has ended"),
    "allocates when it is loaded": Hostile(
        head="x = bytearray(3 << 30)\n", loads=False, error="MemoryError"
    ),
    "loops when it is made": Hostile(made=FOR_EVER, loads=False, error=LOADS_FOR_EVER),
    "is named by a megabyte": Hostile(
        made="self.name = 'x' * 65", loads=False, error="length <= 64"
    ),
    "decides for ever": Hostile(
        made="self.decisions = {'port': self.never}",
        inspect="return Edits()",
        head="",
        explain="return None\n\n    def never(self, normal, wish):\n        while True: pass",
    ),
}
