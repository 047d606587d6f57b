"""``/metrics``: the figures of the model and of everybody who shares it, for Prometheus.

They are read when Prometheus asks, so that nothing is counted twice. Names follow its guide
("Metric and label naming"): base units, ``_total`` on what only grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from echocli.runtime.ladder import Rung
from echocli.runtime.lifecycle import State

if TYPE_CHECKING:
    from echocli.runtime.host import Host
    from echocli.server.sessions import Sessions

MB = 2**20

GAUGES: Mapping[str, tuple[str, float, str]] = {
    "realtime_factor": ("rtf_ratio", 1, "Busy seconds by seconds of sound since the start."),
    "rtf_avg_10s": ("rtf_10s_ratio", 1, "The same over the last 10 s, finals only."),
    "rtf_avg_60s": ("rtf_60s_ratio", 1, "The same over the last 60 s, finals only."),
    "memory_usage_mb": ("worker_memory_bytes", MB, "Memory of the process with the model."),
    "gpu_memory_mb": ("gpu_memory_bytes", MB, "Memory of the GPU that the model takes."),
    "model_load_time_ms": ("model_load_seconds", 0.001, "What loading the model took."),
    "model_warmup_time_ms": ("model_warmup_seconds", 0.001, "What warming it up took."),
    "consecutive_errors": ("consecutive_errors", 1, "Errors since the last success."),
}
"""Figure of a provider's record → name, factor to the unit, and help."""

SESSION: Mapping[str, tuple[str, float, str]] = {
    "backlog_estimate": ("backlog_seconds", 1, "Speech of all live sessions that has no text."),
    "parent_memory_mb": ("server_memory_bytes", MB, "Memory of the server itself."),
    "vad_speech_ratio": ("speech_ratio", 1, "Share of the sound that is speech."),
}
"""The same of what is no provider's."""

COUNTERS: Mapping[str, tuple[str, str]] = {
    "audio_seconds": ("audio_seconds", "Sound that was decoded for good."),
    "windows": ("finals", "Inferences of live finals."),
    "dropped_chunks": ("dropped_chunks", "Stretches of sound that were lost."),
    "dropped_seconds": ("dropped_seconds", "Sound that was lost."),
    "spooled_seconds": ("spooled_seconds", "Sound that was put aside, to be decoded later."),
    "restarts": ("worker_restarts", "Workers that were replaced."),
    "errors": ("errors", "Errors of providers."),
}

LIVE: Mapping[str, tuple[str, str]] = {
    "sessions": ("live_sessions", "Live sessions, with a connection or without."),
    "sessions_detached": ("live_sessions_detached", "Those whose connection was lost."),
    "queue_bytes": ("live_buffer_bytes", "Sound of live sessions that was not taken up yet."),
}
"""Figure of the live sessions → name and help."""

LIVE_COUNTERS: Mapping[str, tuple[str, str]] = {
    "sessions_opened": ("live_sessions_opened", "Live sessions that began."),
    "sessions_resumed": ("live_sessions_resumed", "Times one was resumed."),
    "sessions_refused": ("live_sessions_refused", "Times there was no room for one."),
}

QUANTILES = {"p50_infer_ms": "0.5", "p95_infer_ms": "0.95", "p99_infer_ms": "0.99"}


class HostCollector(Collector):
    """Turn the figures of a host into metrics."""

    def __init__(self, host: Host, sessions: Sessions) -> None:
        self._host = host
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        """Yield all of them."""
        figures = self._host.metrics()
        yield from self._model()
        yield from self._live()
        yield from _providers(figures["providers"])
        yield from _gauges(figures)
        yield from _counters(figures)
        yield from _queue(figures["scheduler"])
        if "inference_ms" in figures:
            yield _histogram(
                "inference_seconds",
                "How long inferences took.",
                figures["inference_ms"],
                figures["inference_total_ms"],
            )

    def _model(self) -> Iterator[Metric]:
        standing = self._host.standing
        yield _gauge("model_ready", "1 while the model is ready and warm.", standing.ready)
        states = GaugeMetricFamily(
            "echocli_model_state", "1 for the state of now.", None, ["state"]
        )
        for state in State:
            states.add_metric([str(state)], float(state is standing.state))
        yield states
        info = GaugeMetricFamily(
            "echocli_model_info", "What serves; always 1.", None, ["provider", "model", "device"]
        )
        spec = standing.spec
        info.add_metric([spec.provider, spec.model, spec.device], 1.0)
        yield info
        if (left := self._host.memory_left_mb()) is not None:
            yield _gauge("memory_left_bytes", "Memory that may still be taken.", left * MB)

    def _live(self) -> Iterator[Metric]:
        figures = self._sessions.figures()
        for key, (name, text) in LIVE.items():
            yield _gauge(name, text, figures[key])
        yield _gauge(
            "live_sessions_limit", "Live sessions there is room for.", self._sessions.limit
        )
        for key, (name, text) in LIVE_COUNTERS.items():
            yield CounterMetricFamily(f"echocli_{name}", text, figures[key])


def _providers(records: list[dict[str, Any]]) -> Iterator[Metric]:
    labels = ["provider", "model"]
    for key, (name, factor, text) in GAUGES.items():
        family = GaugeMetricFamily(f"echocli_{name}", text, None, labels)
        for record in records:
            if (value := record.get(key)) is not None:
                family.add_metric(_names(record), float(value) * factor)
        yield family
    text = "How long the last inferences took."
    last = GaugeMetricFamily("echocli_inference_last_seconds", text, None, [*labels, "quantile"])
    for record in records:
        for key, quantile in QUANTILES.items():
            if (value := record.get(key)) is not None:
                last.add_metric([*_names(record), quantile], float(value) / 1000)
    yield last


def _names(record: Mapping[str, Any]) -> list[str]:
    return [record["provider"] or "", record["model"] or ""]


def _gauges(figures: Mapping[str, Any]) -> Iterator[Metric]:
    health = figures["health"]
    for key, (name, factor, text) in SESSION.items():
        if (value := health.get(key)) is not None:
            yield _gauge(name, text, float(value) * factor)
    yield _gauge("requests", "Files that are being transcribed.", figures["requests"])
    yield _gauge("live_load_ratio", "RTF of all live sources together.", figures["load"] or 0.0)
    yield _gauge(
        "ladder_level",
        "Level of the ladder: " + ", ".join(f"{rung.value} {rung.name}" for rung in Rung) + ".",
        Rung[figures["level"]].value,
    )
    alerts = GaugeMetricFamily(
        "echocli_alerts", "Alerts that are kept.", None, ["code", "severity"]
    )
    found: dict[tuple[str, str], int] = {}
    for alert in health["alerts"]:
        key_of = (alert["code"], alert["severity"])
        found[key_of] = found.get(key_of, 0) + 1
    for names, count in found.items():
        alerts.add_metric(list(names), count)
    yield alerts


def _counters(figures: Mapping[str, Any]) -> Iterator[Metric]:
    for key, (name, text) in COUNTERS.items():
        yield CounterMetricFamily(f"echocli_{name}", text, figures["counters"][key])
    shed = "Partials that came too late to be decoded."
    yield CounterMetricFamily("echocli_partials_shed", shed, figures["partials_shed"])


def _queue(queue: Mapping[str, Any]) -> Iterator[Metric]:
    yield _gauge("queue_depth", "Windows that wait for the model.", queue["queue_depth"])
    yield _gauge("queue_depth_peak", "Most that ever waited.", queue["queue_depth_peak"])
    yield _gauge("queue_pressure", "1 while less should be asked for.", queue["queue_pressure"])
    refused = "Windows that found the line full."
    yield CounterMetricFamily("echocli_queue_refused", refused, queue["queue_refused"])
    yield _histogram(
        "queue_wait_seconds",
        "How long windows waited for the model.",
        queue["queue_wait_ms"],
        queue["queue_wait_total_ms"],
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"echocli_{name}", text, float(value))


def _histogram(name: str, text: str, counts: Mapping[str, int], total_ms: float) -> Metric:
    """Return a histogram of counts that are each under their least bound in milliseconds."""
    so_far, buckets = 0, []
    for bound, count in counts.items():
        so_far += count
        edge = "+Inf" if bound == "inf" else f"{float(bound) / 1000:g}"
        buckets.append((edge, float(so_far)))
    return HistogramMetricFamily(f"echocli_{name}", text, buckets, total_ms / 1000)
