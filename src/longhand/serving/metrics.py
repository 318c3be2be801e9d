"""What Prometheus is told: requests, tokens, how long the first character took, how many write and wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from longhand.serving.served import Served
from longhand.serving.wire import Usage

FIRST = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # seconds
WHOLE = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300)


class Metrics:
    """The figures of one server.

    - served: returns the models
    """

    def __init__(self, served: Callable[[], Iterable[Served]]) -> None:
        self._registry, self._served = CollectorRegistry(), served
        registry = self._registry
        self.requests = Counter(
            "longhand_requests", "Requests that were answered.", ["path", "status"], registry=registry
        )
        self.read = Counter("longhand_prompt_tokens", "Tokens of prompts.", ["model"], registry=registry)
        self.written = Counter("longhand_completion_tokens", "Tokens that were written.", ["model"], registry=registry)
        self.first = Histogram(
            "longhand_first_text_seconds",
            "From a completion's request to its first text.",
            buckets=FIRST,
            registry=registry,
        )
        self.whole = Histogram(
            "longhand_completion_seconds",
            "From a completion's request to its end.",
            buckets=WHOLE,
            registry=registry,
        )
        self._registry.register(self)  # which has `collect`, as it says a collector must

    def count(self, model: str, usage: Usage) -> None:
        """Count the tokens of a completion, whatever came of it."""
        self.read.labels(model).inc(usage.prompt_tokens)
        self.written.labels(model).inc(usage.completion_tokens)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the figures of this moment, as Prometheus' client asks for them."""
        writing = GaugeMetricFamily("longhand_streams_writing", "Streams that are taken.", labels=["model"])
        waiting = GaugeMetricFamily("longhand_requests_waiting", "Requests that wait for a stream.", labels=["model"])
        for each in self._served():
            writing.add_metric([each.name], each.scheduler.writing)
            waiting.add_metric([each.name], each.scheduler.queued)
        return [writing, waiting]

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self._registry)
