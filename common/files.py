"""Sending a stored file once the permission is checked: nginx does it where it stands in front."""

from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpResponseBase
from django.http.response import HttpResponse


def stored_file_response(name: str, content_type: str, max_age_seconds: int) -> HttpResponseBase:
    """Return the answer that carries the file `name` under MEDIA_ROOT, private to this visitor."""
    response: HttpResponseBase
    if settings.X_ACCEL_PREFIX:
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = settings.X_ACCEL_PREFIX + quote(name)
    else:
        response = FileResponse((Path(settings.MEDIA_ROOT) / name).open("rb"))
        response["Content-Type"] = content_type
    response["Cache-Control"] = f"private, max-age={max_age_seconds}, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
