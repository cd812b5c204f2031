"""What a monitoring system is told at `/-/metrics`, in Prometheus' text format.

An app registers what it has to say in its ``ready()``. The page answers whoever sends the token of
the settings (``METRICS_TOKEN``, as ``Authorization: Bearer …``); without one it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@dataclass(frozen=True, slots=True)
class Sample:
    """One value now; samples of one name share kind ("gauge", "counter") and text."""

    name: str
    kind: str
    text: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """Return the value as one line."""
        pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in self.labels.items())
        return f"{self.name}{{{pairs}}} {self.value}" if pairs else f"{self.name} {self.value}"


_SOURCES: list[Callable[[], Iterable[Sample]]] = []


def register_metrics(source: Callable[[], Iterable[Sample]]) -> None:
    """Let an app say how it is."""
    _SOURCES.append(source)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with every sample there is now."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not compare_digest(
        given.encode(), settings.METRICS_TOKEN.encode()
    ):
        raise Http404
    samples = [sample for source in _SOURCES for sample in source()]
    return HttpResponse(as_text(samples), content_type="text/plain; version=0.0.4; charset=utf-8")


def as_text(samples: Iterable[Sample]) -> str:
    """Return samples as Prometheus reads them, those of one name together."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines = []
    for name, alike in by_name.items():
        lines += [f"# HELP {name} {alike[0].text}", f"# TYPE {name} {alike[0].kind}"]
        lines += [sample.line() for sample in alike]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
