"""`glassnat names`: a small name server."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
from collections.abc import Collection, Sequence

import click

from appliance.cli.base import IMPOSSIBLE, USAGE, Command, Failure, narrate
from appliance.cli.endpoints import AddressType, HostType
from appliance.namespaces.names.hosts import PROGRAM, Host
from nat.endpoint import address_text

MOST_DESCRIPTORS = 256
SET_NAME = 15  # PR_SET_NAME, linux/prctl.h


@click.command(cls=Command, short_help="A small name server.")
@click.option(
    "--listen",
    type=AddressType(),
    required=True,
    metavar="ADDRESS",
    help="An address of this machine, or of this namespace.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=53, show_default=True, help="There.")
@click.option(
    "--forward",
    type=AddressType(),
    metavar="ADDRESS",
    help="A resolver that is asked for all other names.",
)
@click.option(
    "--host",
    "hosts",
    type=HostType(),
    multiple=True,
    metavar="NAME=ADDRESS",
    help="A name that it answers by itself. Several are fine.",
)
@click.option("--background", is_flag=True, help="Return when it listens; it runs on.")
def names(
    listen: int, port: int, forward: int | None, hosts: Sequence[Host], background: bool
) -> int:
    """Answer names of your own, by UDP and TCP, and ask a resolver for all others.

    `glassnat up --names` and `glassnat lab` start it in their own namespaces. It becomes an
    ordinary user once it listens. It remembers no answers: each question goes on by itself.

    \b
    Examples:
      sudo glassnat names --listen 192.168.20.1 --forward 203.0.113.53 --host pbx=192.168.20.10
      glassnat names --listen 127.0.0.1 --port 5300 --host pbx.example.net=192.0.2.7
    """
    if forward == listen:
        raise Failure("--forward: it would ask itself", USAGE)
    # Loaded here: other commands need neither.
    import asyncio

    from appliance.namespaces.names import own
    from appliance.namespaces.names.forwarding import Forwarding
    from appliance.namespaces.names.serving import Listening, serve

    resolver = None if forward is None else (address_text(forward), 53)
    zones = own.zones(hosts)
    try:
        listening = Listening((address_text(listen), port))
    except OSError as error:
        reason = error.strerror or str(error)
        place = f"{address_text(listen)}:{port}"
        raise Failure(f"cannot listen at {place}: {reason}", IMPOSSIBLE) from None
    if background and not _is_left_alone(listening.descriptors):
        return 0
    _give_up_privileges()
    if not background:
        narrate(f"answers at {address_text(listen)}:{port}; Ctrl-C ends it")
    forwarding = Forwarding(zones, resolver is not None, random.SystemRandom())
    asyncio.run(serve(listening, forwarding, resolver))
    return 0


def _is_left_alone(needed: Collection[int]) -> bool:
    """Go on as a copy that is nobody's child, holds nobody's terminal or files but the `needed`
    ones, and has the name by which `down` knows it. True in the copy.

    Who has started this holds a lock, which this inherits. It is let go here at last: so nobody
    looks for the process before it has its name."""
    ctypes.CDLL(None).prctl(SET_NAME, PROGRAM.encode(), 0, 0, 0)
    if os.fork():
        return False
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    for descriptor in set(range(3, MOST_DESCRIPTORS)) - set(needed):
        with contextlib.suppress(OSError):
            os.close(descriptor)
    return True


def _give_up_privileges() -> None:
    from appliance.wires import privileges  # Linux only

    privileges.give_up(privileges.unprivileged())
