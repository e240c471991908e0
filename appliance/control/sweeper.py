"""Who removes the control sockets when the appliance itself may not do so any more.

The sockets are in root's folder, so that nobody else can put one of his own in their place. An
appliance that was started by root is another user by the time it ends, and so may not remove them.
What stays behind for that is a process that does nothing but wait for the appliance's end. It has
no wire and no connection, reads nothing that anybody sends, and has no capabilities either.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from appliance.control.behind import stay_behind
from appliance.control.listener import Listener
from appliance.wires.privileges import give_up


class Sweeper:
    """The process, which removes the files of `listeners` at `close`, or when the appliance ends in
    whatever way. Raises OSError when there can be none."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        # Its only descriptor is the end of a pipe that the appliance holds as long as it lives.
        end, self._alive = os.pipe()

        def sweep() -> None:
            give_up()
            os.read(end, 1)
            for listener in listeners:
                listener.remove()

        self.process = stay_behind(sweep, (end,))
        os.close(end)

    def close(self) -> None:
        """Have it done, and wait until it is."""
        os.close(self._alive)
        os.waitpid(self.process, 0)
