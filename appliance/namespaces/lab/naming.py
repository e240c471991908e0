"""Names in the lab: `ping pbx` in the place of `ping 203.0.113.9`.

In the namespace of each side a small name server answers for the parties of the story. Programs
find it by `/etc/netns/NAMESPACE/resolv.conf`, which `ip netns exec` puts in the place of the
machine's own for whatever it starts (ip-netns(8)), and nobody else reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.namespaces.between import naming
from appliance.namespaces.between.naming import Names
from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.step import Step
from appliance.namespaces.names import hosts
from appliance.namespaces.names.hosts import Host
from appliance.sim.scenario import Scenario

FOLDER = Path("/etc/netns")
LISTEN = "127.0.0.53"
"""Of each namespace: there are no others in it."""
RESOLV_CONF = f"nameserver {LISTEN}\noptions timeout:1 attempts:2\n"


def known(story: Scenario) -> list[Host]:
    """The parties with their first addresses, as far as their names are those of hosts."""
    found = []
    for name, traits in story.parties.items():
        try:
            found.append(hosts.parse(f"{name}={traits.addresses[0]}"))
        except ValueError:
            continue
    return found


def step(namespace: str, story: Scenario) -> Step:
    """The server of one side."""
    return naming.step(namespace, Names(LISTEN, "", known(story)))


def file(namespace: str) -> Path:
    """By which programs in the namespace find it."""
    return FOLDER / namespace / "resolv.conf"


def traces(namespace: str) -> Iterator[Trace]:
    """What that file leaves behind. A folder goes only when nothing of anybody's is in it."""
    path = file(namespace)
    for folder in (FOLDER, path.parent):
        if not folder.exists():
            yield Trace("folder", str(folder))
    yield Trace("file", str(path))
