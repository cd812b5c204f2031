"""The wall's figures of a moment, made once a second for everybody who looks at the same part.

A snapshot holds nothing about who looks, so that walls, people and processes may share it: it is
kept in this process for ``FRESH_SECONDS``, whatever number of screens asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.utils import timezone

from common import clock
from desks.wall import figures
from desks.wall.day import day_of_city
from desks.wall.evaluation import evaluation_figures
from desks.wall.open_cases import open_cases
from desks.wall.remote import orders_in_force
from desks.wall.scenes import scenes_in_order
from desks.wall.scope import Scope

FRESH_SECONDS = 1.0
EVALUATION_SECONDS = 30.0
MOST_KEPT = 64  # scopes; a city has a dozen districts


def wall_figures(scope: Scope, now: datetime, *, real_now: datetime, rate: float) -> dict[str, Any]:
    """Return everything a wall shows of a scope, in no language: at most ten queries."""
    totals = open_cases(scope.city).totals(scope, now)
    passed = day_of_city(scope.city).passed(scope, now)
    return {
        "scope": scope.key,
        "at": figures.milliseconds(now),
        "rate": rate,
        "today": figures.today_figures(passed),
        "stages": figures.stage_rows(totals),
        "districts": figures.district_counts(totals),
        "cells": totals.cells,
        "overdue": figures.longest_overdue(scope, now),
        "hot": figures.hot_types(passed),
        "news": figures.latest_news(scope),
        "silent": figures.silent_sources(real_now),
        "orders": orders_in_force(scope),
        **{
            scene.key: scene.figures(scope, now)
            for scene in scenes_in_order()
            if scene.figures is not None
        },
    }


Read = Callable[[Scope], dict[str, Any]]


@dataclass(slots=True)
class _Kept:
    made: float  # monotonic
    encoded: bytes


class Snapshots:
    """The last answer for each scope; who asks while one is made waits for that one."""

    def __init__(self, read: Read, fresh_seconds: float) -> None:
        self.read, self.fresh_seconds = read, fresh_seconds
        self._kept: dict[Scope, _Kept] = {}
        self._locks: dict[Scope, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, scope: Scope) -> tuple[bytes, float]:
        """Return the figures of a scope as JSON, and how many seconds ago they were read."""
        with self._guard:
            if len(self._locks) > MOST_KEPT:
                self._locks.clear()
                self._kept.clear()
            lock = self._locks.setdefault(scope, threading.Lock())
        with lock:
            kept = self._kept.get(scope)
            if kept is None or time.monotonic() - kept.made >= self.fresh_seconds:
                made = time.monotonic()
                kept = self._kept[scope] = _Kept(made, orjson.dumps(self.read(scope)))
            return kept.encoded, time.monotonic() - kept.made

    def forget(self) -> None:
        """Read anew when next asked; for tests, which change the past."""
        with self._guard:
            self._locks.clear()
            self._kept.clear()


def _read_figures(scope: Scope) -> dict[str, Any]:
    return wall_figures(scope, clock.now(), real_now=timezone.now(), rate=clock.rate())


def _read_evaluation(scope: Scope) -> dict[str, Any]:
    return evaluation_figures(scope, clock.now())


SNAPSHOTS = Snapshots(_read_figures, FRESH_SECONDS)
EVALUATIONS = Snapshots(_read_evaluation, EVALUATION_SECONDS)
