"""Names of our own, each with an address: `pbx=192.168.20.10`."""

from __future__ import annotations

import re

from appliance.settings.hints import shown
from nat.endpoint import address_text, parse_address

PROGRAM = "glassnat-names"
"""What the process of the server is called, as far as the kernel keeps it (15 characters)."""
LONGEST = 253
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
"""A host's name (RFC 1123 2.1), with the underscore that many have."""

Host = tuple[str, int]
"""A name, and its address."""


def parse(text: str) -> Host:
    """`NAME=ADDRESS`. Raises ValueError with a sentence."""
    name, equals, address = text.partition("=")
    name = name.rstrip(".").lower()
    if not equals:
        raise ValueError(f"{shown(text)} is not NAME=ADDRESS")
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise ValueError(f"{shown(name)} is not the name of a host (RFC 1123 2.1)")
    try:
        return name, parse_address(address)
    except ValueError:
        raise ValueError(f"{shown(address)} is not an address such as 192.168.20.10") from None


def written(host: Host) -> str:
    """As `parse` takes it."""
    name, address = host
    return f"{name}={address_text(address)}"
