"""Two real virtual machines, one on each bridge, and the appliance between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.host import guests
from tests.host.guests import Guest
from tests.support.lab import capture, tshark
from tests.support.laptop import EXTERNAL, GATEWAY, INSIDE, OUTSIDE, PHONE, SERVER, Laptop

pytestmark = [
    pytest.mark.host,
    pytest.mark.needs("ip", "nsenter", "tcpdump", "tshark", "qemu-system-x86_64", "busybox"),
]

SERVE = r"""
mkdir -p /www/cgi-bin
printf '#!/bin/sh\necho; echo you are $REMOTE_ADDR\n' > /www/cgi-bin/who
chmod 755 /www/cgi-bin/who
httpd -h /www
nc -l -p 9 > /dev/null
"""
VISIT = f"""
until ping -c 1 -W 1 {SERVER} > /dev/null; do :; done
ping -c 3 {SERVER}
traceroute -n -q 1 -w 2 {SERVER}
until wget -q -O - http://{SERVER}/cgi-bin/who; do :; done
echo bye | nc {SERVER} 9
"""


@pytest.mark.skipif(bool(guests.obstacle()), reason=guests.obstacle() or "-")
def test_two_virtual_machines_meet_through_the_appliance(
    namespace: Callable[[str], str], tmp_path: Path
) -> None:
    """They ping, trace the route and fetch a page, with the stacks of their own kernel. The page
    says whom its server has seen: the external address, and nobody else."""
    laptop = Laptop(namespace, machines=False)
    outside = Guest(laptop, OUTSIDE, f"{SERVER}/24", "", SERVE, tmp_path)
    inside = Guest(laptop, INSIDE, f"{PHONE}/24", GATEWAY, VISIT, tmp_path)
    try:
        laptop.up()
        with capture(laptop.netns, outside.tap, tmp_path / "outside.pcap") as file:
            inside.program.wait_for("the guest is done", timeout=120)
            outside.program.wait_for("the guest is done")
    finally:
        inside.stop()
        outside.stop()
        laptop.down()
    said = inside.program.text
    assert "3 packets received" in said
    for hop in (GATEWAY, "192.0.0.8", SERVER):
        assert hop in said.partition("traceroute to")[2]
    assert re.search(rf"you are \S*\b{EXTERNAL}\b", said)
    assert tshark(file, f"http and ip.src == {EXTERNAL}")
    assert tshark(file, "ip.addr == 192.168.20.0/24") == []
