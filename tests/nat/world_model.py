"""What a NAT must do with UDP and ping, in as few words as possible: a list of who talks to whom.

The product has tables, timers and roads; this has one dict and looks at all of it each time. Where
both always agree, the tables are right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Internal = tuple[str, int]
Remote = tuple[str, int]


@dataclass
class Talk:
    """One inside endpoint has sent to one remote; `last` is when it counts as last heard."""

    protocol: str
    internal: Internal
    external: int
    remote: Remote
    last: float
    answered: bool = False


@dataclass
class Model:
    """`timeouts` in seconds: udp_unanswered, udp, icmp. `forwards`: external port -> internal."""

    mapping: int
    filtering: int
    refresh_inbound: bool
    timeouts: dict[str, float]
    forwards: dict[int, Internal] = field(default_factory=dict)
    talks: dict[tuple[str, Internal, Remote], Talk] = field(default_factory=dict)

    def timeout(self, talk: Talk) -> float:
        if talk.protocol == "icmp":
            return self.timeouts["icmp"]
        return self.timeouts["udp" if talk.answered else "udp_unanswered"]

    def alive(self, now: float) -> list[Talk]:
        return [talk for talk in self.talks.values() if talk.last + self.timeout(talk) > now]

    def tidy(self, now: float) -> None:
        living = {id(talk) for talk in self.alive(now)}
        self.talks = {key: talk for key, talk in self.talks.items() if id(talk) in living}

    def known(self, protocol: str, internal: Internal, remote: Remote, now: float) -> Talk | None:
        talk = self.talks.get((protocol, internal, remote))
        return talk if talk in self.alive(now) else None

    def said(
        self, protocol: str, internal: Internal, remote: Remote, external: int, now: float
    ) -> None:
        """The inside has sent, and left by `external`."""
        known = self.known(protocol, internal, remote, now)
        if known is None:
            known = Talk(protocol, internal, external, remote, now)
            self.talks[protocol, internal, remote] = known
        known.last = now

    def must_reuse(
        self, protocol: str, internal: Internal, remote: Remote, now: float
    ) -> int | None:
        """The external port that RFC 4787 4.1 prescribes, if one is in use already."""
        for port, owner in self.forwards.items():
            if owner == internal and protocol == "udp":
                return port
        for talk in self.alive(now):
            same_scope = talk.remote[: self.mapping] == remote[: self.mapping]
            if (talk.protocol, talk.internal) == (protocol, internal) and same_scope:
                return talk.external
        return None

    def users_of(self, protocol: str, external: int, now: float) -> set[Internal]:
        users = {
            talk.internal
            for talk in self.alive(now)
            if (talk.protocol, talk.external) == (protocol, external)
        }
        if protocol == "udp" and external in self.forwards:
            users.add(self.forwards[external])
        return users

    def receivers(self, protocol: str, remote: Remote, external: int, now: float) -> set[Internal]:
        """Whom RFC 4787 5 lets `remote` reach by an external port: nobody is the usual answer."""
        found = {
            talk.internal
            for talk in self.alive(now)
            if (talk.protocol, talk.external) == (protocol, external)
            and talk.remote[: self.filtering] == remote[: self.filtering]
        }
        if protocol == "udp" and external in self.forwards:
            found.add(self.forwards[external])
        return found

    def heard(
        self, protocol: str, internal: Internal, remote: Remote, external: int, now: float
    ) -> None:
        """The inside has received: that answers what it had sent to this very remote."""
        known = self.known(protocol, internal, remote, now)
        if known is not None and known.external == external:
            known.answered = True
            if self.refresh_inbound:
                known.last = now
