"""By what a mapping is found when an inside host sends: RFC 4787 4.1, as the shape of a key.

    endpoint-independent          (protocol, internal)
    address-dependent             (protocol, internal, remote address)
    address-and-port-dependent    (protocol, internal, remote address, remote port)

The mapping behaviour may change while packets flow. Then all keys must be made anew, from the flows
of each mapping: an old mapping goes on serving its own remotes. With many flows that takes longer
than packets may wait, so a second table is filled a little at a time, and takes the place of the
first when it is complete. Until then the first one answers, and what is new stands in both:

    the first    answers ──────────────────────┐ is emptied, a key at each step
    the second   is filled, a flow at a step ──┴──► answers
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nat.behavior import Dependence
from nat.endpoint import Endpoint
from nat.mapping import Flow, Mapping

Key = tuple[int, ...]
Table = dict[Key, Mapping]


class Keys:
    """The mappings that policy has made, by key; not those that are pinned."""

    def __init__(self, dependence: Dependence) -> None:
        self.dependence = dependence
        self._table: Table = {}
        self._of_endpoint: dict[Key, dict[int, Mapping]] = {}  # those that do not serve all
        self._next: tuple[Dependence, Table] | None = None

    def __len__(self) -> int:
        return len(self._table)

    def items(self) -> Iterator[tuple[Key, Mapping]]:
        """All of them."""
        return iter(self._table.items())

    def find(self, protocol: int, internal: Endpoint, remote: Endpoint) -> Mapping | None:
        """The mapping by which `internal` reaches `remote`."""
        return self._table.get((protocol, *internal, *self.dependence.scope(remote)))

    def serving_all(self, protocol: int, internal: Endpoint) -> Mapping | None:
        """The mapping by which `internal` reaches every remote, if it has such a one."""
        return self._table.get((protocol, *internal))

    def of(self, protocol: int, internal: Endpoint) -> list[Mapping]:
        """All mappings of `internal`, whomever they serve."""
        serving_all = self.serving_all(protocol, internal)
        some = list(self._of_endpoint.get((protocol, *internal), {}).values())
        return some if serving_all is None or serving_all in some else [serving_all, *some]

    def add(self, mapping: Mapping, remote: Endpoint) -> None:
        """`mapping` serves `remote`, if no other does."""
        self._add(self._table, self.dependence, mapping, remote)
        if self._next is not None:
            self._add(self._next[1], self._next[0], mapping, remote)

    def remove(self, mapping: Mapping) -> None:
        """`mapping` serves nobody any more."""
        tables = (self._table,) if self._next is None else (self._table, self._next[1])
        for key in mapping.keys:
            for table in tables:
                if table.get(key) is mapping:
                    del table[key]
        mapping.keys = ()
        endpoint = (mapping.protocol, *mapping.internal)
        some = self._of_endpoint.get(endpoint, {})
        if some.pop(mapping.id, None) is not None and not some:
            del self._of_endpoint[endpoint]

    def change(self, dependence: Dependence, flows: Iterable[Flow]) -> Iterator[None]:
        """Take over another mapping behaviour, a flow at each step. `flows` are those that exist
        now and whose mappings stand here; those that are opened meanwhile are added as they come.
        """
        table: Table = {}
        self._next = (dependence, table)
        for flow in flows:
            if not flow.is_over:
                self._enter(table, dependence, flow.mapping, flow.remote)
            yield
        # Only now, or two large tables would double at the same flow: packets wait while one does.
        for mapping in list(table.values()):
            self._note_endpoint(mapping)
            yield
        self.dependence, self._table, self._next, old = dependence, table, None, self._table
        while old:  # to let go of all at once takes its time too
            old.popitem()
            yield

    def _add(
        self, table: Table, dependence: Dependence, mapping: Mapping, remote: Endpoint
    ) -> None:
        self._enter(table, dependence, mapping, remote)
        self._note_endpoint(mapping)

    def _enter(
        self, table: Table, dependence: Dependence, mapping: Mapping, remote: Endpoint
    ) -> None:
        """Enter `mapping` for `remote`, if the key is free. A mapping notes its keys, so that it
        can be taken out without a search."""
        key = (mapping.protocol, *mapping.internal, *dependence.scope(remote))
        if table.setdefault(key, mapping) is mapping and key not in mapping.keys:
            mapping.keys = (*mapping.keys, key)

    def _note_endpoint(self, mapping: Mapping) -> None:
        """A mapping that does not serve all is found by its internal endpoint as well."""
        endpoint = (mapping.protocol, *mapping.internal)
        if any(key != endpoint for key in mapping.keys):
            self._of_endpoint.setdefault(endpoint, {})[mapping.id] = mapping
