"""Is a module somebody's own? To know that, none of ours needs to be loaded."""

from __future__ import annotations


def is_foreign(spec: str) -> bool:
    """Does `spec` name somebody's own module, and not one of ours? A file of somebody's own ends
    with `.py`, and none of our names does."""
    return spec.partition(":")[0].endswith(".py")
