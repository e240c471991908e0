"""Digest authentication: to know a password without saying it (RFC 3261 22; RFC 2617, RFC 7616, and
RFC 8760 for SIP).

    phone  REGISTER ─────────────────────────────────────────►  server   who are you?
           ◄──────────────────── 401, realm and a fresh nonce
           REGISTER, H(H(user:realm:password):nonce:…:H(method:uri)) ►   yes, and with my nonce

The nonce is the server's: it makes an answer that was overheard worthless. One that the server has
replaced since is *stale*: whoever answers it knows the password, and is asked once more. A phone
that sends two requests at a time may mix up the two nonces, and the addresses in its messages are
part of nothing here: what an ALG changes in Via or Contact does no harm. The URI is part of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

Algorithm = Literal["MD5", "SHA-256"]

MOST_NONCES = 1000
"""Nonces that a server remembers, of all users."""

_PARAMETER = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HASHES = {"md5": "MD5", "sha-256": "SHA-256"}


def parameters(value: str) -> dict[str, str]:
    """What stands behind `Digest` in a header, by lower-case name; nothing for another scheme."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return {}
    return {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}


def hashed(algorithm: str, *parts: str) -> str:
    """H of the parts with colons between them, in hexadecimal (RFC 7616 3.4.1)."""
    text = ":".join(parts).encode("latin-1", "replace")
    if algorithm == "SHA-256":
        return hashlib.sha256(text).hexdigest()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


class Proof(NamedTuple):
    """All that a response is made of, beside user and password."""

    algorithm: str
    realm: str
    nonce: str
    method: str
    uri: str
    counter: str = ""  # nc; with cnonce and qop, or none of the three (RFC 2617 3.2.2)
    client_nonce: str = ""
    qop: str = ""

    def response(self, user: str, password: str) -> str:
        """RFC 7616 3.4.1."""
        secret = hashed(self.algorithm, user, self.realm, password)
        request = hashed(self.algorithm, self.method, self.uri)
        between = (self.counter, self.client_nonce, self.qop) if self.qop else ()
        return hashed(self.algorithm, secret, self.nonce, *between, request)


class Credentials:
    """A phone's. One that `keeps_first` answers a second challenge with the nonce of the first, as
    a Snom 300 was seen to do. One that `reuses` its nonce begins each attempt with it."""

    def __init__(
        self, user: str, password: str, keeps_first: bool, reuses: bool, rng: Random
    ) -> None:
        self._user = user
        self._password = password
        self._keeps_first = keeps_first
        self._reuses = reuses
        self._rng = rng
        self._challenge: dict[str, str] = {}
        self._count = 0

    def begin(self) -> bool:
        """A new attempt, with no challenge so far, or with the last one. Can it prove something at
        once?"""
        if not self._reuses:
            self._challenge = {}
        return bool(self._challenge)

    def hear(self, challenge: str) -> bool:
        """A WWW-Authenticate header came. False when it is none that can be answered."""
        said = parameters(challenge)
        if said.get("algorithm", "MD5").lower() not in _HASHES or not said.get("nonce"):
            return False
        if not (self._keeps_first and self._challenge):
            self._challenge, self._count = said, 0
        return True

    def answer(self, method: str, uri: str) -> str:
        """The Authorization header for a request (RFC 7616 3.4)."""
        said = self._challenge
        algorithm = _HASHES[said.get("algorithm", "MD5").lower()]
        offered = [each.strip() for each in said.get("qop", "").split(",")]
        proof = Proof(algorithm, said.get("realm", ""), said["nonce"], method, uri)
        if "auth" in offered:
            self._count += 1
            client_nonce = f"{self._rng.getrandbits(32):08x}"
            proof = proof._replace(
                counter=f"{self._count:08x}", client_nonce=client_nonce, qop="auth"
            )
        words = [
            f'username="{self._user}"',
            f'realm="{proof.realm}"',
            f'nonce="{proof.nonce}"',
            f'uri="{uri}"',
            f'response="{proof.response(self._user, self._password)}"',
            f"algorithm={algorithm}",
        ]
        if proof.qop:
            words += [f"qop={proof.qop}", f"nc={proof.counter}", f'cnonce="{proof.client_nonce}"']
        if "opaque" in said:
            words.append(f'opaque="{said["opaque"]}"')
        return f"Digest {', '.join(words)}"


@dataclass(slots=True)
class Nonce:
    """One that was given out: to whom, until when it holds (seconds), and the last count seen."""

    user: str
    until: float
    count: int = 0


class Verdict(NamedTuple):
    """Is it who it says? If not, `problem` says why in a sentence, unless nothing was tried; a
    `stale` one knows the password."""

    accepted: bool
    problem: str = ""
    stale: bool = False


STALE = Verdict(False, "the password is right, but the nonce is stale: it was replaced", True)
OVER = Verdict(False, "the password is right, but the nonce is stale: its time is over", True)
USED = Verdict(False, "the password is right, but the nonce was used before", True)
WRONG = Verdict(False, "the credentials are wrong")
NONE_GIVEN = Verdict(False)


class Guard:
    """A server's. Of each user only the newest nonce holds, for `lifetime` seconds. `token` makes
    random words, of which two are a nonce."""

    def __init__(
        self,
        realm: str,
        password: str,
        algorithm: Algorithm,
        qop: bool,
        lifetime: float,
        token: Callable[[], str],
    ) -> None:
        self._realm = realm
        self._password = password
        self._algorithm = algorithm
        self._qop = qop
        self._lifetime = lifetime
        self._token = token
        self._nonces: dict[str, Nonce] = {}

    def check(self, authorization: str, method: str, user: str, now: float) -> Verdict:
        """What a request for `user` says of itself."""
        said = parameters(authorization)
        if not said:
            return NONE_GIVEN
        proof = Proof(
            self._algorithm,
            self._realm,
            said.get("nonce", ""),
            method,
            said.get("uri", ""),
            *(said.get(name, "") for name in ("nc", "cnonce", "qop")),
        )
        right = proof.response(user, self._password) == said.get("response")
        if not right or said.get("username") != user or bool(proof.qop) != self._qop:
            return WRONG
        nonce = self._nonces.get(proof.nonce)
        if nonce is None or nonce.user != user:
            return STALE
        if nonce.until <= now:
            return OVER
        return self._counted(nonce, proof) if self._qop else Verdict(True)

    def challenge(self, user: str, stale: bool, now: float) -> str:
        """The WWW-Authenticate header of a 401, with a nonce that no one else has."""
        old = [key for key, nonce in self._nonces.items() if nonce.user == user]
        for key in old if old else list(self._nonces)[: len(self._nonces) + 1 - MOST_NONCES]:
            del self._nonces[key]
        value = f"{self._token()}{self._token()}"
        self._nonces[value] = Nonce(user, now + self._lifetime)
        words = [f'realm="{self._realm}"', f'nonce="{value}"', f"algorithm={self._algorithm}"]
        words += ['qop="auth"'] * self._qop + ["stale=true"] * stale
        return f"Digest {', '.join(words)}"

    @staticmethod
    def _counted(nonce: Nonce, proof: Proof) -> Verdict:
        """RFC 7616 3.3: a count that does not grow is a replay."""
        count = int(proof.counter, 16) if re.fullmatch("[0-9A-Fa-f]{8}", proof.counter) else 0
        if count <= nonce.count:
            return USED
        nonce.count = count
        return Verdict(True)
