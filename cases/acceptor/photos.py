"""The photos of a report as an acceptor looks at them: large, when and how far away taken."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, CasePhoto
from cases.presenters import photo_data
from common.geo import distance_m

FAR_M = 100  # from here on the place of the photo contradicts the place reported


def report_photos(case: Case) -> list[dict[str, Any]]:
    """Return a case's photos in the order of its steps: one query.

    ``away_m`` is how far the camera says it was from the place reported; None where it is silent.
    """
    uses = case.photos.select_related("photo").order_by("event_sequence", "pk")
    return [_shown(use, case) for use in uses]


def _shown(use: CasePhoto, case: Case) -> dict[str, Any]:
    photo, point = use.photo, case.point
    taken = photo.taken_point
    away_m = round(distance_m((point.x, point.y), (taken.x, taken.y))) if taken else None
    captions = [str(use.get_purpose_display())]
    if photo.taken_at:
        captions.append(
            _("taken %(time)s") % {"time": f"{timezone.localtime(photo.taken_at):%m-%d %H:%M:%S}"}
        )
    if away_m is not None:
        captions.append(_("EXIF %(distance)s m from the report") % {"distance": away_m})
    return {
        **photo_data(photo, *captions),
        "away_m": away_m,
        "is_far": away_m is not None and away_m > FAR_M,
        "width": photo.width,
        "height": photo.height,
    }
