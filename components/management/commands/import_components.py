"""`manage.py import_components FILE`: a survey from its file to its findings, or into the register.

    manage.py import_components trees.csv --by bai --datum gcj02 --type C0410
    manage.py import_components trees.csv --by bai --profile trees --publish --approver zhao

Without ``--publish`` the register stays as it is; the survey waits on its page. With it, the bodies
are not asked, and somebody other than who brought the file approves.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import City, User
from common import clock
from common.errors import DomainError
from components.census.models import MappingProfile, Survey
from components.census.problems import problem_sentence
from components.census.report import report_write
from components.census.selectors import problem_counts
from components.census.services import (
    findings_decide,
    parts_approve,
    survey_start,
    survey_submit,
    survey_upload,
)
from components.census.work import survey_publish, survey_work
from components.census.workflow import Coverage, Datum, PartState, SurveyState


class Command(BaseCommand):
    """A census file end to end."""

    help = "Import components from a Shapefile (.zip), GeoPackage, GeoJSON, CSV or Excel file."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="log-in of who brings the file")
        parser.add_argument("--city", default="", help="code of the city, where there are several")
        parser.add_argument("--profile", default="", help="name of a saved mapping")
        parser.add_argument("--mapping", default="", help="a mapping as JSON, or @file")
        parser.add_argument("--type", default="", help="the type of all rows")
        parser.add_argument("--datum", choices=Datum.values, default="")
        parser.add_argument(
            "--crs", default="", help="with --datum other: EPSG:4549, a PROJ string"
        )
        parser.add_argument("--encoding", default="")
        parser.add_argument("--source", default="")
        parser.add_argument("--part", action="store_true", help="what is missing is not gone")
        parser.add_argument("--near", action="store_true", help="near things are two things")
        parser.add_argument("--report", type=Path, help="write the error report (.xlsx) there")
        parser.add_argument("--publish", action="store_true")
        parser.add_argument("--approver", default="", help="log-in of who approves")
        parser.add_argument("--gone", action="store_true", help="accept what is gone, too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._import(options)
        except DomainError as refused:
            raise CommandError(str(refused.message)) from refused

    def _import(self, options: dict[str, Any]) -> None:
        actor, now = _person(options["by"]), clock.now()
        city = City.objects.get(code=options["city"]) if options["city"] else City.objects.first()
        if city is None:
            raise CommandError("There is no city.")
        started = time.monotonic()
        with options["file"].open("rb") as file:
            survey = survey_upload(
                actor=actor,
                city=city,
                name=options["file"].name,
                upload=file,
                now=now,
                encoding=options["encoding"],
            )
        survey_start(actor=actor, survey_id=survey.pk, now=now, **self._set_up(survey, options))
        self._carry_on(survey)
        self._tell(survey, time.monotonic() - started)
        if options["report"]:
            report_write(survey, options["report"])
        if survey.state == SurveyState.REFUSED:
            raise CommandError(survey.error)
        if options["publish"]:
            self._publish(survey, _person(options["approver"]), actor, options["gone"])

    def _set_up(self, survey: Survey, options: dict[str, Any]) -> dict[str, Any]:
        mapping, chosen = survey.mapping, {"datum": options["datum"], "crs": options["crs"]}
        source = options["source"]
        if options["profile"]:
            profile = MappingProfile.objects.filter(
                city=survey.city, name=options["profile"]
            ).first()
            if profile is None:
                raise CommandError(f"There is no profile “{options['profile']}”.")
            mapping = profile.mapping
            chosen = {"datum": options["datum"] or profile.datum, "crs": profile.crs}
            source = source or profile.source
        if text := options["mapping"]:
            mapping = json.loads(
                Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
            )
        if options["type"]:
            mapping["columns"].pop("type", None)
            mapping["constants"]["type"] = options["type"]
        return {
            "mapping": mapping,
            "source": source,
            "coverage": Coverage.PART if options["part"] else Coverage.WHOLE,
            "is_near_allowed": options["near"],
            **chosen,
        }

    def _carry_on(self, survey: Survey) -> None:
        """Do the worker's work here, with a bar for each of its states."""
        bars = ExitStack()
        bar: tqdm | None = None

        def show() -> None:
            nonlocal bar
            state = survey.state
            survey.refresh_from_db()
            if bar is None or survey.state != state:
                bars.close()
                bar = bars.enter_context(
                    tqdm(
                        desc=str(survey.get_state_display()),
                        total=survey.total,
                        disable=not sys.stderr.isatty(),
                    )
                )
            bar.update(max(survey.position, 0) - bar.n)

        with bars:
            survey_work(survey_id=survey.pk, now=clock.now(), after_step=show)
        survey.refresh_from_db()

    def _tell(self, survey: Survey, seconds: float) -> None:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.stdout.write(
            f"survey {survey.pk}: {survey.line_count:,} rows, {survey.bad_count:,} with errors, "
            f"{survey.same_count:,} as in the register; {seconds:.1f} s, {memory} MB"
        )
        for remark in survey.remarks:
            self.stdout.write(f"  {remark}")
        for row in problem_counts(survey):
            self.stdout.write(f"  {row['count']:>9,}  {problem_sentence(row['problem'])}")
        for part in survey.parts.select_related("community").order_by("-new_count")[:10]:
            self.stdout.write(
                f"  {part.community}: {part.new_count} new, {part.gone_count} gone, "
                f"{part.moved_count} moved, {part.changed_count} changed"
            )

    def _publish(self, survey: Survey, approver: User, actor: User, with_gone: bool) -> None:
        started = time.monotonic()
        survey_submit(actor=actor, survey_id=survey.pk, now=clock.now(), days=0)
        if with_gone:
            for part in survey.parts.filter(state=PartState.REVIEWING, gone_count__gt=0):
                findings_decide(actor=approver, part_id=part.pk, is_accepted=True, kind="gone")
        if survey.parts.filter(state=PartState.REVIEWING).exists():
            parts_approve(actor=approver, survey_id=survey.pk, now=clock.now(), reason="import")
        survey_publish(survey_id=survey.pk, now=clock.now())
        survey.refresh_from_db()
        published = survey.parts.filter(state=PartState.PUBLISHED)
        count = sum(published.values_list("published_count", flat=True))
        self.stdout.write(
            f"published: {count:,} components in {published.count()} communities, "
            f"{time.monotonic() - started:.1f} s"
        )
        for part in survey.parts.exclude(state=PartState.PUBLISHED):
            self.stdout.write(f"  {part.community}: {part.get_state_display()} {part.error}")


def _person(name: str) -> User:
    person = User.objects.filter(username=name).first()
    if person is None:
        raise CommandError(f"There is nobody called “{name}”.")
    return person
