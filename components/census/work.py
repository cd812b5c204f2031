"""Carrying a survey on: one step after the other, each a transaction, until nothing is left to do.

Nothing is remembered outside the database. A worker that is killed leaves whole steps; the next one
goes on behind the last of them. Two workers never read, check or compare the same survey: each step
holds the survey's lock, and one that finds the survey elsewhere than it left it lets go. Parts are
published side by side, each worker in a district of its own: in a district they follow each other,
so that the same parts get the same codes however many workers there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import DomainError
from components.census.models import Survey, SurveyPart
from components.census.staging import findings_forget, survey_forget
from components.census.steps.check import check_step, is_said
from components.census.steps.compare import compare_begin, compare_end, compare_step
from components.census.steps.progress import manners_set, statement
from components.census.steps.publish import part_publish
from components.census.steps.read import Reader
from components.census.steps.undo import part_undo
from components.census.words import Dictionary
from components.census.workflow import (
    DECIDED,
    PARTS_WORKING,
    PUBLISHERS,
    WORKING,
    PartState,
    SurveyState,
)
from components.models import CaseType, TypeKind

LOCK_CLASS = 7_352  # of advisory locks; the second number is the survey's key
DISTRICT_LOCK_CLASS = 7_353  # the second number is the district's key
EVERY_DISTRICT = 0  # in its place, where the file's codes may be any district's
MOST_FAULTS = 5
BEGIN = -1  # position of a state before its first step
_LOCK = "SELECT pg_try_advisory_xact_lock(%(class)s, %(key)s)"
_LOCK_SHARED = "SELECT pg_try_advisory_xact_lock_shared(%(class)s, %(key)s)"


class Elsewhere(Exception):
    """Somebody else carries this survey on, or it was cancelled."""


def survey_work(
    *,
    survey_id: int,
    now: datetime,
    seconds: float | None = None,
    after_step: Callable[[], None] | None = None,
) -> bool:
    """Carry a survey on until nothing is left to do, or for so long; tell whether there is more.

    One call keeps the file open; the next has to find the place where it stopped. A step that fails
    is counted; a survey that fails again and again is refused, a part goes back to its reviewer.
    """
    worker = _Worker(survey_id, now)
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        try:
            if not worker.step():
                return False
        except Elsewhere:
            return False
        except OperationalError:  # the database went away: the watchdog comes back
            raise
        except Exception:
            worker.failed()
            raise
        if after_step is not None:
            after_step()
        if end is not None and time.monotonic() > end:
            return True


def survey_publish(*, survey_id: int, now: datetime) -> None:
    """Publish here what was approved, in as many threads as there would be workers."""

    def work(_number: int) -> None:
        try:
            survey_work(survey_id=survey_id, now=now)
        finally:
            connection.close()

    if connection.in_atomic_block:  # what is not committed is seen by no other thread
        survey_work(survey_id=survey_id, now=now)
        return
    with ThreadPoolExecutor(PUBLISHERS) as threads:
        list(threads.map(work, range(PUBLISHERS)))


def surveys_waiting() -> list[int]:
    """Return the surveys that a worker should carry on."""
    working = Survey.objects.filter(state__in=WORKING).values_list("pk", flat=True)
    parts = SurveyPart.objects.filter(state__in=PARTS_WORKING).values_list("survey_id", flat=True)
    return sorted({*working, *parts})


class _Worker:
    """One worker's view of a survey; what it keeps between steps can be had again."""

    def __init__(self, survey_id: int, now: datetime) -> None:
        self.survey_id = survey_id
        self.now = now
        self.on: date = timezone.localdate(now)
        self.reader: Reader | None = None
        self.dictionary: Dictionary | None = None
        self.part: SurveyPart | None = None  # the last it took

    def failed(self) -> None:
        """Count a fault of a step; what fails again and again is refused, not tried for ever."""
        Survey.objects.filter(pk=self.survey_id).update(fault_count=F("fault_count") + 1)
        if Survey.objects.get(pk=self.survey_id).fault_count < MOST_FAULTS:
            return
        sentence = _("The program failed at this. Tell the administrator the number of the survey.")
        self._refused(DomainError("fault", sentence))

    def step(self) -> bool:
        """Do the next step in a transaction of its own; return False when there is none."""
        try:
            with transaction.atomic():
                survey = self._locked()
                manners_set()
                return self._step(survey)
        except DomainError as refused:
            return self._refused(refused)

    def _locked(self) -> Survey:
        """Take the survey for the length of a step: alone, or with others to publish its parts."""
        survey = self._survey()
        is_working = survey.state in WORKING
        lock = _LOCK if is_working else _LOCK_SHARED
        [(is_mine,)] = statement(lock, {"class": LOCK_CLASS, "key": self.survey_id})
        survey = self._survey()  # as it is now that nobody moves it
        if not is_mine or (survey.state in WORKING) != is_working:
            raise Elsewhere
        return survey

    def _survey(self) -> Survey:
        survey = Survey.objects.select_related("city").filter(pk=self.survey_id).first()
        if survey is None:
            raise Elsewhere
        return survey

    def _step(self, survey: Survey) -> bool:
        match survey.state:
            case SurveyState.READING:
                self._read(survey)
            case SurveyState.CHECKING:
                self._check(survey)
            case SurveyState.COMPARING:
                self._compare(survey)
            case _:
                return self._part(survey)
        return True

    def _read(self, survey: Survey) -> None:
        if survey.position == BEGIN:
            survey_forget(survey.pk)
            self._note(survey, position=0, line_count=0)
            return
        if self.reader is None or self.reader.position != survey.position:
            self.reader = Reader(survey)
        if self.reader.step():
            count = self.reader.position
            self._note(survey, position=count, line_count=count, total=max(survey.total, count))
            return
        if not survey.line_count:
            raise _nothing_there()
        self._note(survey, SurveyState.CHECKING, position=BEGIN, total=survey.line_count)

    def _check(self, survey: Survey) -> None:
        if survey.position == BEGIN:
            findings_forget(survey.pk)
            self._note(survey, position=0, total=survey.line_count)
            return
        if self.dictionary is None:
            self.dictionary = Dictionary(city=survey.city, on=self.on, mapping=survey.mapping)
        upto, count = check_step(survey, on=self.on, dictionary=self.dictionary)
        if count:
            self._note(survey, position=upto)
            return
        total = CaseType.objects.filter(kind=TypeKind.COMPONENT).count()
        self._note(survey, SurveyState.COMPARING, position=BEGIN, total=total)

    def _compare(self, survey: Survey) -> None:
        if survey.position == BEGIN:
            compare_begin(survey)
            self._note(survey, position=0)
            return
        kind = compare_step(survey)
        if kind:
            self._note(survey, position=kind)
            return
        self._note(survey, SurveyState.CHECKED, position=0, total=0)
        compare_end(survey)

    def _part(self, survey: Survey) -> bool:
        """Publish or roll back the next part; the survey ends with its last one."""
        self.part = part = self._part_next(survey)
        if part is None:
            return False
        if part.state == PartState.UNDOING:
            part_undo(survey, part)
            part.state, part.undone_at, part.error = PartState.ROLLED_BACK, self.now, ""
        else:
            part_publish(survey, part, on=self.on, now=self.now)
            part.state, part.error = PartState.PUBLISHED, ""
        # Of two workers that end the last two parts, the second sees what the first did. The survey
        # before its part, as all doors lock them.
        Survey.objects.select_for_update(no_key=True).get(pk=survey.pk)
        part.save()
        is_open = survey.parts.exclude(state__in=DECIDED).exists()
        if not is_open and survey.state == SurveyState.REVIEWING:
            self._note(survey, SurveyState.PUBLISHED, ended_at=self.now)
        return True

    def _part_next(self, survey: Survey) -> SurveyPart | None:
        """Take the next part of the first district in which no other worker publishes."""
        parts = survey.parts.filter(state__in=PARTS_WORKING).order_by("community_id")
        if is_said(survey, "code"):
            chosen = {EVERY_DISTRICT: parts}
        else:
            district = "community__parent__parent_id"
            found = parts.order_by(district).values_list(district, flat=True).distinct()
            chosen = {key: parts.filter(**{district: key}) for key in found}
        for key, of_district in chosen.items():
            [(is_mine,)] = statement(_LOCK, {"class": DISTRICT_LOCK_CLASS, "key": key})
            if is_mine and (part := of_district.first()):
                return part
        return None

    def _note(self, survey: Survey, state: str = "", **changes: Any) -> None:
        """Write down how far the survey came; let go when somebody moved it meanwhile."""
        changes |= {"worked_at": self.now, "fault_count": 0} | ({"state": state} if state else {})
        found = Survey.objects.filter(
            pk=survey.pk, state=survey.state, position=survey.position
        ).update(**changes)
        if not found:
            raise Elsewhere

    def _refused(self, refused: DomainError) -> bool:
        """Keep the sentence: of a file with the survey, of a publication with its part."""
        with transaction.atomic():
            survey = self._locked()
            if survey.state in WORKING:
                self._note(
                    survey, SurveyState.REFUSED, error=str(refused.message), ended_at=self.now
                )
                return False
            survey = Survey.objects.select_for_update(no_key=True).get(pk=survey.pk)
            key = self.part.pk if self.part else None
            part = survey.parts.filter(state__in=PARTS_WORKING, pk=key).first()
            if part is not None:
                part.state = (
                    PartState.PUBLISHED if part.state == PartState.UNDOING else PartState.REVIEWING
                )
                part.error = str(refused.message)
                part.save(update_fields=["state", "error"])
        return True


def _nothing_there() -> DomainError:
    return DomainError("invalid", _("There is no row in this file."))
