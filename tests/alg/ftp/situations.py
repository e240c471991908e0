"""Where FTP messages are met in these tests: an inside client of a server outside, or an inside
server that a client outside has reached by a forward.

    client   192.168.20.100:40000 ⇄ 203.0.113.1:40000 │ 203.0.113.9:21
    server   192.168.20.100:21    ⇄ 203.0.113.1:21    │ 203.0.113.9:50000
"""

from __future__ import annotations

from alg.base import Alg, Edits
from alg.edits import apply
from alg.ftp.correct import Ftp
from appliance.gateway.trial import Situation, Trial
from appliance.settings import files as config
from nat.endpoint import Direction, Endpoint

HOST = "192.168.20.100"
ENDS = {
    "client": (f"{HOST}:40000", "203.0.113.1:40000", "203.0.113.9:21"),
    "server": (f"{HOST}:21", "203.0.113.1:21", "203.0.113.9:50000"),
}


def met(inside: str = "client", direction: str = "out", *sets: str) -> Trial:
    """The context of a message in an empty NAT; `inside` is what the inside host is."""
    ends = (Endpoint.parse(each) for each in ENDS[inside])
    situation = Situation(Direction(direction), *ends, transport="tcp")
    return Trial(situation, config.defaults(None, sets), "ftp", Ftp())


def answer(context: Trial, message: bytes, module: Alg | None = None) -> Edits:
    """What the correct module (or another) answers; what it asks for is committed."""
    said = (module or Ftp()).inspect(message, context)
    assert isinstance(said, Edits)
    apply(message, said.edits)
    context.commit()
    return said


def opened(context: Trial) -> list[str]:
    """The expectations, as "40001 <- 203.0.113.9"."""
    return [
        f"{each.mapping.internal.port} <- {str(each.remote).removesuffix(':0')}"
        for each in context.expectations
    ]
