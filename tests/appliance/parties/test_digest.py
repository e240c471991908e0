"""Proofs, and the two sides that make and check them."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest

from appliance.parties.digest import NONE_GIVEN, OVER, STALE, USED, WRONG, Credentials, Guard, Proof

URI = "sip:203.0.113.9"
MUFASA = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "method": "GET",
    "uri": "/dir/index.html",
    "counter": "00000001",
    "client_nonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    "qop": "auth",
}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_the_rfc(algorithm: str, response: str) -> None:
    """RFC 7616 3.9.1."""
    proof = Proof(algorithm=algorithm, **MUFASA)
    assert proof.response("Mufasa", "Circle of Life") == response


def test_the_example_without_counting() -> None:
    """RFC 2069 2.4, as corrected: nc, cnonce and qop are no part of it."""
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    proof = Proof("MD5", "testrealm@host.com", nonce, "GET", "/dir/index.html")
    assert proof.response("Mufasa", "CircleOfLife") == "1949323746fe6a43ef61f9606e7febea"


def a_guard(qop: bool = True, algorithm: str = "MD5", lifetime: float = 300.0) -> Guard:
    serial = count()
    return Guard("pbx", "secret", algorithm, qop, lifetime, lambda: f"{next(serial):08x}")  # type: ignore[arg-type]


def a_phone(
    password: str = "secret", keeps_first: bool = False, reuses: bool = False
) -> Credentials:
    return Credentials("alice", password, keeps_first, reuses, Random(1))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", [True, False])
def test_who_knows_the_password_is_let_in(algorithm: str, qop: bool) -> None:
    guard, phone = a_guard(qop, algorithm), a_phone()
    assert guard.check("", "REGISTER", "alice", 0.0) == NONE_GIVEN
    assert phone.hear(guard.challenge("alice", False, 0.0))
    proof = phone.answer("REGISTER", URI)
    assert guard.check(proof, "REGISTER", "alice", 1.0).accepted
    assert ("qop=auth" in proof) == qop


@pytest.mark.parametrize("spoilt", ["the password", "the method", "the user", "the URI"])
def test_who_proves_something_else_is_not(spoilt: str) -> None:
    guard = a_guard()
    phone = a_phone("guessed" if spoilt == "the password" else "secret")
    phone.hear(guard.challenge("alice", False, 0.0))
    proof = phone.answer("INVITE" if spoilt == "the method" else "REGISTER", URI)
    if spoilt == "the URI":
        proof = proof.replace(URI, "sip:203.0.113.1")
    user = "carol" if spoilt == "the user" else "alice"
    assert guard.check(proof, "REGISTER", user, 0.0) == WRONG


def test_a_nonce_that_was_replaced_is_stale_and_the_password_right() -> None:
    """RFC 7616 3.3: the client may try again without asking its user."""
    guard, phone = a_guard(), a_phone()
    phone.hear(guard.challenge("alice", False, 0.0))
    late = phone.answer("REGISTER", URI)
    again = guard.challenge("alice", True, 1.0)
    assert guard.check(late, "REGISTER", "alice", 2.0) == STALE
    assert "stale=true" in again
    phone.hear(again)
    assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 3.0).accepted


def test_a_phone_that_keeps_its_first_nonce_is_stale_for_ever() -> None:
    """As a Snom 300 was seen to be in 2007; in a new attempt it begins with a new one."""
    guard, phone = a_guard(), a_phone(keeps_first=True)
    for _ in range(2):
        phone.hear(guard.challenge("alice", False, 0.0))
    assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 0.0) == STALE
    phone.begin()
    phone.hear(guard.challenge("alice", False, 0.0))
    assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 0.0).accepted


def test_a_nonce_ends_with_its_lifetime() -> None:
    guard, phone = a_guard(lifetime=30.0), a_phone()
    phone.hear(guard.challenge("alice", False, 0.0))
    assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 29.0).accepted
    assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 30.0) == OVER


@pytest.mark.parametrize("reuses", [True, False])
def test_a_phone_that_reuses_its_nonce_proves_before_it_is_asked(reuses: bool) -> None:
    """RFC 7616 3.6: the count goes on, and the nonce holds for its lifetime."""
    guard, phone = a_guard(lifetime=30.0), a_phone(reuses=reuses)
    phone.hear(guard.challenge("alice", False, 0.0))
    assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 1.0).accepted
    assert phone.begin() == reuses
    if reuses:
        assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 29.0).accepted
        assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 30.0) == OVER


def test_what_was_heard_once_is_not_believed_again() -> None:
    """RFC 7616 3.3: the count must grow."""
    guard, phone = a_guard(), a_phone()
    phone.hear(guard.challenge("alice", False, 0.0))
    proof = phone.answer("REGISTER", URI)
    assert guard.check(proof, "REGISTER", "alice", 0.0).accepted
    assert guard.check(proof, "REGISTER", "alice", 0.0) == USED
    assert guard.check(phone.answer("REGISTER", URI), "REGISTER", "alice", 0.0).accepted


def test_users_have_nonces_of_their_own() -> None:
    guard, alice = a_guard(), a_phone()
    alice.hear(guard.challenge("alice", False, 0.0))
    guard.challenge("carol", False, 0.0)
    assert guard.check(alice.answer("REGISTER", URI), "REGISTER", "alice", 0.0).accepted


@pytest.mark.parametrize(
    "challenge",
    ["", "Basic realm=x", 'Digest realm="x"', 'Digest nonce="1", algorithm=SHA-512-256'],
)
def test_what_cannot_be_answered_is_not(challenge: str) -> None:
    assert not a_phone().hear(challenge)
