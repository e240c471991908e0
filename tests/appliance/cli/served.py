"""An appliance that commands can talk to: a real engine and a real control socket."""

from __future__ import annotations

import selectors
import threading
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
        self.server = ControlServer(engine, path, read_only_listener(path, "owner"))

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            self.server.register(selector)
            while not self.stopping:
                for key, mask in selector.select(0.01):
                    key.data.handle(key, mask, 10.0)
            self.server.close()
