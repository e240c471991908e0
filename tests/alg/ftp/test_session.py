"""Who is the client and who is the server, and what is known of their connection."""

from __future__ import annotations

import pytest

from alg.ftp import session
from alg.ftp.session import UNKNOWN, Role, Session
from tests.alg.ftp.situations import met


@pytest.mark.parametrize(
    ("inside", "direction", "role"),
    [
        ("client", "out", Role.CLIENT),
        ("client", "in", Role.SERVER),
        ("server", "out", Role.SERVER),
        ("server", "in", Role.CLIENT),
    ],
)
def test_the_end_with_the_port_of_ftp_is_the_server(
    inside: str, direction: str, role: Role
) -> None:
    assert session.speaker(met(inside, direction)) is role


@pytest.mark.parametrize("ports", ["[2121]", "[21, 40000]"])
def test_of_both_or_none_nobody_can_tell(ports: str) -> None:
    assert session.speaker(met("client", "out", f"alg.ftp.ports={ports}")) is None


def test_a_server_may_have_another_port() -> None:
    context = met("client", "out", "alg.ftp.ports=[40000]")
    assert session.speaker(context) is Role.SERVER


def test_what_is_remembered_is_recalled() -> None:
    context = met()
    assert session.recall(context) == UNKNOWN
    known = Session(only_epsv=True)
    session.remember(context, known)
    assert session.recall(context) == known


def test_each_control_connection_is_a_parent_of_its_own() -> None:
    assert session.parent(met("client")) == session.parent(met("client", "in"))
    assert session.parent(met("client")) != session.parent(met("server"))
