"""Photos as files: whoever may see the case may see its photos, the uploader their own.

nginx sends the bytes (X-Accel-Redirect) once the permission is checked; without it Django does.
"""

from __future__ import annotations

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from accounts.models import User
from cases.models import Case, Photo
from cases.services.photos import SIZES, photo_path

KEPT_SECONDS = 7 * 24 * 3600  # the pixels of an id never change; who may see them may


@require_safe
def photo_file(request: HttpRequest, photo_id: int, size: str) -> HttpResponseBase:
    """Send one size of a photo to those who may see it; to all others it does not exist."""
    photo = Photo.objects.filter(pk=photo_id).first() if size in SIZES else None
    if photo is None or not _may_see(request.user, photo):
        raise Http404
    return photo_response(photo, size)


def photo_response(photo: Photo, size: str) -> HttpResponseBase:
    """Return the bytes of a size, once somebody was found to be allowed them."""
    path = photo_path(photo.sha256, size)
    if settings.X_ACCEL_PREFIX:
        response: HttpResponseBase = HttpResponse(content_type="image/jpeg")
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX}{path}"
    else:
        try:
            response = FileResponse((settings.MEDIA_ROOT / path).open("rb"))
        except FileNotFoundError as error:
            raise Http404 from error
        response["Content-Type"] = "image/jpeg"
    patch_cache_control(response, private=True, max_age=KEPT_SECONDS, immutable=True)
    return response


def _may_see(user: User, photo: Photo) -> bool:
    if photo.owner_id is not None and photo.owner_id == user.pk:
        return True
    return Case.objects.visible_to(user, from_case=True).filter(photos__photo=photo).exists()
