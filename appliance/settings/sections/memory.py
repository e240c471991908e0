"""`[memory]` and `[record]`: how many bytes the program keeps for those who ask later.

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

RECORD = (
    Setting("record.file", FILE, "", "events, one JSON object a line"),
    Setting(
        "record.bytes",
        Whole(65_536, 1 << 50),
        1 << 30,
        "bytes of that file; when it is so long the recording ends with a warning",
    ),
)
