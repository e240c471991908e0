"""An FTP server that anybody may read from, and that fixes nothing.

python -m tests.host.ftpserver ADDRESS FOLDER [--cut-replies]

With `--cut-replies` a 227 leaves in two segments.
"""

from __future__ import annotations

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

PASSIVE_PORTS = range(40_000, 40_100)
CUT_AT = len("227 Entering passive mode (192,")
PAUSE = 0.05
"""Seconds between the halves of a reply."""


class CutReplies(FTPHandler):  # type: ignore[misc]
    def push(self, reply: str) -> None:
        if not reply.startswith("227"):
            super().push(reply)
            return
        self.socket.send(reply[:CUT_AT].encode())
        self.ioloop.call_later(PAUSE, super().push, reply[CUT_AT:])


def main(address: str, folder: str, *options: str) -> None:
    handler = CutReplies if "--cut-replies" in options else FTPHandler
    handler.authorizer = DummyAuthorizer()
    handler.authorizer.add_anonymous(folder)
    handler.passive_ports = PASSIVE_PORTS
    server = FTPServer((address, 21), handler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
