"""Something that answers at a control socket and is no appliance of ours."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path


class Forger(threading.Thread):
    """Answers every request with `result`, and `watch` with `lines` as well."""

    def __init__(self, path: Path, result: object, lines: bytes = b"") -> None:
        super().__init__(daemon=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        answer = {"id": 1, "ok": True, "result": result}
        self._answer = json.dumps(answer, ensure_ascii=False).encode() + b"\n" + lines
        self.start()

    def run(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if connection.recv(65536):
                    connection.sendall(self._answer)
