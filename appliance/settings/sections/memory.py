"""`[memory]`, `[capture]`, `[record]` and `[process]`: how many bytes the program keeps, in its
memory and in files, for those who ask later.

Each is shown in `show counters` with what is in use and the most that ever was.
"""

from __future__ import annotations

from appliance.settings.kinds import Text, Whole
from appliance.settings.setting import Setting, live

FILE = Text("the name of a file", 4096)
_BYTES = Whole(65_536, 1 << 34)
_MEBIBYTE = 1 << 20

MEMORY = (
    live(
        "memory.events",
        _BYTES,
        16 * _MEBIBYTE,
        "bytes of all events that are kept for who asks later (`watch --since`)",
    ),
    live(
        "memory.watcher",
        _BYTES,
        4 * _MEBIBYTE,
        "bytes that one watcher may be behind; who is further behind is dropped",
    ),
    live(
        "memory.watchers",
        _BYTES,
        16 * _MEBIBYTE,
        "the same, of all watchers together: who is furthest behind is dropped",
    ),
    live(
        "memory.capture",
        _BYTES,
        16 * _MEBIBYTE,
        "bytes that the writer of a capture may be behind; what is more goes by, and is counted",
    ),
    live(
        "memory.modules",
        _BYTES,
        8 * _MEBIBYTE,
        "bytes that modules of one protocol may have remembered; who has most loses its own",
    ),
    live(
        "memory.modules_per_host",
        _BYTES,
        _MEBIBYTE,
        "the same, for one inside host, which loses its own",
    ),
)

CAPTURE = (
    Setting(
        "capture.file",
        FILE,
        "",
        'pcapng, interfaces "inside" and "outside", reasons as packet comments',
    ),
    live(
        "capture.bytes",
        Whole(65_536, 1 << 50),
        1 << 30,
        "bytes of a file; when it is so long the next one begins, or the capture ends",
    ),
    live(
        "capture.files",
        Whole(1, 99_999),
        1,
        "files of a capture, of which the oldest go: a ring; with 1 it ends when the file is full",
    ),
)

PROCESS = Setting(
    "process.memory",
    Whole(0, 1 << 44),
    0,
    "bytes of the whole program, 64 MiB at least: beyond that it ends with a sentence; "
    "0 = 256 MiB, and 4 KiB for each of nat.limits.flows",
)

RECORD = (
    Setting("record.file", FILE, "", "events, one JSON object a line"),
    Setting(
        "record.bytes",
        Whole(65_536, 1 << 50),
        1 << 30,
        "bytes of that file; when it is so long the recording ends with a warning",
    ),
)
