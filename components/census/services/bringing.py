"""Bringing a survey: the file, how it is set up, reading it again, ending it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

from accounts.models import City, User
from common.errors import DomainError
from common.text import clean_text
from components.census.mapping import datum_suggested, mapping_checked, mapping_suggested
from components.census.models import MappingProfile, Survey
from components.census.publish import work_later
from components.census.reading import Layout, kind_of, layout_of
from components.census.services.doors import not_possible, survey_locked, survey_move
from components.census.steps.read import ground_for
from components.census.work import BEGIN
from components.census.workflow import Coverage, Datum, PartState
from components.models import CaseType, TypeKind
from grid.models import Community

FOLDER = "surveys"
CHUNK = 1024 * 1024


def survey_upload(
    *, actor: User, city: City, name: str, upload: BinaryIO, now: datetime, encoding: str = ""
) -> Survey:
    """Keep a file and find out how it is written; nothing is read into the register's tables yet.

    Raise DomainError ``invalid`` for a file that cannot be used, ``too_large`` 413 above the limit.
    """
    name = get_valid_filename(Path(name.replace("\\", "/")).name[-120:] or "file")
    kind_of(name)
    folder = Path(settings.MEDIA_ROOT) / FOLDER / secrets.token_hex(16)
    folder.mkdir(parents=True, mode=0o755)
    try:
        digest, size = file_keep(upload, folder / name)
        layout = layout_of(folder / name, encoding=encoding)
        return _survey_create(actor, city, folder / name, layout, digest, size, now)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def file_keep(upload: BinaryIO, target: Path) -> tuple[str, int]:
    """Write a file in pieces; return its digest and its size."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        while piece := upload.read(CHUNK):
            size += len(piece)
            if size > settings.CENSUS_MOST_BYTES:
                most = settings.CENSUS_MOST_BYTES // 1024**2
                raise DomainError(
                    "too_large",
                    _("A file may have at most %(most)s MB.") % {"most": most},
                    {"file": [_("A file may have at most %(most)s MB.") % {"most": most}]},
                    status=413,
                )
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def _survey_create(
    actor: User, city: City, path: Path, layout: Layout, digest: str, size: int, now: datetime
) -> Survey:
    profile = (
        MappingProfile.objects.filter(city=city, mapping__headers=list(layout.headers))
        .order_by("-changed_at")
        .first()
    )
    mapping = profile.mapping if profile else mapping_suggested(layout.headers, attribute_names())
    remarks = list(layout.remarks)
    same = Survey.objects.filter(city=city, sha256=digest).order_by("-pk").first()
    if same is not None:
        remarks.append(
            _("The same file came on %(day)s as survey %(number)s (%(person)s).")
            % {
                "day": timezone.localdate(same.uploaded_at),
                "number": same.pk,
                "person": same.uploaded_by,
            }
        )
    return Survey.objects.create(
        city=city,
        name=path.name,
        path=str(path.relative_to(settings.MEDIA_ROOT)),
        sha256=digest,
        size_bytes=size,
        kind=layout.kind,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        headers=list(layout.headers),
        has_shapes=layout.has_shapes,
        file_crs=layout.crs,
        remarks=remarks,
        mapping=mapping,
        datum=profile.datum
        if profile
        else datum_suggested(layout.headers, has_shapes=layout.has_shapes),
        crs=profile.crs if profile else "",
        source=profile.source if profile else Path(path.name).stem[:60],
        total=layout.line_count,
        uploaded_by=actor,
        uploaded_at=now,
    )


def attribute_names() -> list[str]:
    """Return the names of attributes that any type of component may have."""
    schemas = CaseType.objects.filter(kind=TypeKind.COMPONENT).values_list(
        "attribute_schema", flat=True
    )
    return sorted({name for schema in schemas for name in (schema or {}).get("properties", {})})


@transaction.atomic
def survey_start(
    *,
    actor: User,
    survey_id: int,
    now: datetime,
    mapping: Mapping[str, Any] | None = None,
    datum: str = "",
    crs: str = "",
    source: str = "",
    surveyed_date: date | None = None,
    communities: Sequence[int] = (),
    coverage: str = Coverage.WHOLE,
    is_near_allowed: bool = False,
    profile_name: str = "",
) -> Survey:
    """Set a survey up and let it be read and checked; what was read before is forgotten.

    Raise DomainError ``invalid`` for a mapping or a datum that cannot work, ``not_possible`` 409.
    """
    survey = survey_locked(survey_id)
    survey_move(survey, "start")
    survey.mapping = mapping_checked(
        mapping if mapping is not None else survey.mapping,
        survey.headers,
        has_shapes=survey.has_shapes,
    ) | {"headers": survey.headers}
    survey.datum = Datum(datum) if datum else survey.datum
    survey.crs = clean_text(crs) or survey.crs
    survey.source = (clean_text(source) or survey.source)[:60]
    survey.surveyed_date = surveyed_date
    survey.coverage, survey.is_near_allowed = Coverage(coverage), is_near_allowed
    survey.communities = _communities(survey.city, communities)
    ground_for(survey)
    survey.position, survey.error, survey.started_at = BEGIN, "", now
    survey.ended_at = survey.ended_by = survey.rows_removed_at = None
    survey.save()
    if profile_name := clean_text(profile_name):
        _profile_save(survey, actor, profile_name[:80], now)
    work_later(survey.pk)
    return survey


def _communities(city: City, wanted: Sequence[int]) -> list[int]:
    known = Community.objects.filter(city=city, pk__in=wanted).values_list("pk", flat=True)
    if len(set(wanted)) != len(known):
        raise DomainError("invalid", _("There is no such community."), {"communities": []})
    return sorted(known)


def _profile_save(survey: Survey, actor: User, name: str, now: datetime) -> None:
    MappingProfile.objects.update_or_create(
        city=survey.city,
        name=name,
        defaults={
            "mapping": survey.mapping,
            "datum": survey.datum,
            "crs": survey.crs,
            "source": survey.source,
            "changed_by": actor,
            "changed_at": now,
        },
    )


@transaction.atomic
def survey_compare(*, actor: User, survey_id: int, now: datetime) -> Survey:
    """Check and compare a survey anew: the register or the catalogue have changed since.

    What is published already stays; decisions on single findings are forgotten.
    """
    survey = survey_locked(survey_id)
    if survey.parts.filter(state=PartState.APPROVED).exists():
        raise not_possible(_("A part is being published right now."))
    survey_move(survey, "compare")
    survey.confirmations.all().delete()
    survey.position = BEGIN
    survey.save()
    work_later(survey.pk)
    return survey


@transaction.atomic
def survey_cancel(*, actor: User, survey_id: int, now: datetime) -> Survey:
    """End a survey, in whatever it is: the register is as it was before.

    Raise DomainError ``not_possible`` 409 once a part of it is published.
    """
    survey = survey_locked(survey_id)
    if survey.parts.filter(state__in=(PartState.PUBLISHED, PartState.APPROVED)).exists():
        raise not_possible(_("A part of this survey is published: roll it back instead."))
    survey_move(survey, "cancel")
    survey.ended_at, survey.ended_by = now, actor
    survey.save()
    survey.parts.filter(state__in=(PartState.WAITING, PartState.REVIEWING)).update(
        state=PartState.SENT_BACK, decided_at=now, decided_by=actor
    )
    return survey
