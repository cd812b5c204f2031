"""A surveyor's files, and a survey carried on as the worker does."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from components.census.models import Survey, SurveyPart
from components.census.services import (
    part_approve,
    survey_start,
    survey_submit,
    survey_upload,
)
from components.census.work import survey_work
from components.models import Component
from tests.cast import NOW, Cast

HEADERS = "资产编号,部件名称,状态,经度,纬度"
METRES_PER_DEGREE_EAST = 96_000  # at the city's latitude


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences are compared in English."""
    with translation.override("en"):
        yield


class Census:
    """What the administrator and the shift supervisor do, in few words."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    def upload(self, content: str | bytes | Path, name: str = "survey.csv", **options) -> Survey:
        if isinstance(content, Path):
            name, content = content.name, content.read_bytes()
        raw = content.encode() if isinstance(content, str) else content
        return survey_upload(
            actor=self.cast.administrator_bai,
            city=self.cast.city,
            name=name,
            upload=io.BytesIO(raw),
            now=NOW,
            **options,
        )

    def read(self, content: str | bytes | Path, name: str = "survey.csv", **options: Any) -> Survey:
        """Upload, start, and work until there is nothing left to do."""
        survey = self.upload(content, name)
        mapping = options.pop("mapping", survey.mapping)
        constants = {"competent_body": "gardens", **mapping.get("constants", {})}
        mapping = mapping | {"constants": constants}
        return self.work(self.start(survey, mapping=mapping, **{"source": "census", **options}))

    def start(self, survey: Survey, **options: Any) -> Survey:
        return survey_start(
            actor=self.cast.administrator_bai, survey_id=survey.pk, now=NOW, **options
        )

    def work(self, survey: Survey) -> Survey:
        survey_work(survey_id=survey.pk, now=NOW)
        survey.refresh_from_db()
        return survey

    def submit(self, survey: Survey, days: int = 0) -> Survey:
        survey_submit(actor=self.cast.administrator_bai, survey_id=survey.pk, now=NOW, days=days)
        survey.refresh_from_db()
        return survey

    def publish(self, survey: Survey) -> Survey:
        """Submit, approve every part as somebody else, and let it be published."""
        self.submit(survey)
        for part in SurveyPart.objects.filter(survey=survey, state="reviewing"):
            part_approve(
                actor=self.cast.supervisor_zhao, part_id=part.pk, now=NOW, reason="seen on site"
            )
        return self.work(survey)

    def rows(
        self,
        count: int,
        *,
        first: int = 1,
        kind: str = "雨水井盖",
        step_m: float = 3,
        columns: int = 1,
    ) -> str:
        """Return lines of a CSV: so many of a type, every few metres north of the cast's place.

        With several columns each next one stands a step further east.
        """
        east = step_m / METRES_PER_DEGREE_EAST
        places = ((number, *divmod(number, columns)) for number in range(first, first + count))
        return "".join(
            f"K{number},{kind},完好,{self.lon + column * east:.7f},{self.lat(row * step_m):.7f}\n"
            for number, row, column in places
        )

    @property
    def lon(self) -> float:
        return self.cast.place[0]

    def lat(self, metres: float) -> float:
        return self.cast.near(metres)[1]


@pytest.fixture
def census(cast: Cast) -> Census:
    return Census(cast)


@pytest.fixture
def register() -> Callable[[], list[tuple]]:
    """Return what the register says, without the keys of its rows."""

    def read() -> list[tuple]:
        return sorted(
            Component.objects.values_list(
                "code", "type__code", "state", "name", "point", "cell", "community", "ending"
            ),
            key=str,
        )

    return read
