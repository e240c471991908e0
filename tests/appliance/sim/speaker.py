"""A party that does what a test tells it and writes down what it hears."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from appliance.parties.party import Action, Datagram, News
from nat.endpoint import Endpoint

OnNews = Callable[[News], Sequence[Action]]


def silent(news: News) -> Sequence[Action]:
    return ()


class Speaker:
    """Listens at `endpoint`, by UDP and TCP; `on_news` is what it does about news."""

    def __init__(
        self, endpoint: Endpoint, ports: Set[int] | None = None, on_news: OnNews = silent
    ) -> None:
        self.name = str(endpoint)
        self.address = endpoint.address
        self.ports: Set[int] = {endpoint.port} if ports is None else ports
        self.tcp_ports: Set[int] = {endpoint.port}
        self.heard: list[tuple[float, Datagram]] = []
        self.news: list[tuple[float, News]] = []
        self.woken: list[float] = []
        self.at_start: Sequence[Action] = ()
        self.on_news = on_news

    def start(self, now: float) -> Sequence[Action]:
        return self.at_start

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        self.heard.append((now, datagram))
        return ()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        self.news.append((now, news))
        return self.on_news(news)

    def wake(self, now: float) -> Sequence[Action]:
        self.woken.append(now)
        return ()

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        return ()

    def said(self) -> list[News]:
        """What it heard of its connections and pings, without the times."""
        return [news for _, news in self.news]
