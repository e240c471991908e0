"""An appliance that commands can talk to: a real engine and a real control socket."""

from __future__ import annotations

import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from appliance.control.listener import read_only_listener
from appliance.control.server import ControlServer
from appliance.engine import Engine


class Appliance(threading.Thread):
    """An engine and its control socket, served until told to stop."""

    def __init__(self, path: Path, engine: Engine) -> None:
        super().__init__(daemon=True)
        self.engine = engine
        self.stopping = False
        self._jobs: deque[Callable[[], object]] = deque()
        self.server = ControlServer(engine, path, read_only_listener(path, "owner"))

    def do(self, job: Callable[[], object]) -> None:
        """Have something done by the thread that serves, and wait until it is."""
        self._jobs.append(job)
        while self._jobs:
            time.sleep(0.001)

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            self.server.register(selector)
            while not self.stopping:
                while self._jobs:
                    self._jobs[0]()
                    self._jobs.popleft()
                for key, mask in selector.select(0.01):
                    key.data.handle(key, mask, 10.0)
            self.server.close()
