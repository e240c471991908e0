"""One message under a bad FTP ALG's hands: what a fault may change of the correct one's way."""

from __future__ import annotations

from dataclasses import dataclass

from alg.ftp.correct import Peer, other_end


@dataclass(slots=True)
class Case:
    """`peer` says who may use a port that the message announces."""

    peer: Peer = other_end
