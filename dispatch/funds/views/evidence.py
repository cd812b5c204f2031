"""Pictures of invoices: whoever may see the money of a work may see them, nobody else."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from cases.services.photos import SIZES
from cases.views.photos import photo_response
from dispatch.funds.models import CostEvidence
from dispatch.funds.selectors import works_visible_to


@require_safe
def evidence_file(request: HttpRequest, evidence_id: int, size: str) -> HttpResponseBase:
    """Send one size of a picture; to all who may not see it, it does not exist."""
    found = CostEvidence.objects.filter(
        pk=evidence_id, cost__work__in=works_visible_to(request.user)
    )
    evidence = found.select_related("photo").first() if size in SIZES else None
    if evidence is None:
        raise Http404
    return photo_response(evidence.photo, size)
