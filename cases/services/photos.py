"""Photos: what was sent is decoded, its place and time are read, and it is written anew.

Only the re-encoded pixels are kept, so that neither metadata nor anything hidden in a file reaches
others. Two sizes, stored under the hash of the large one: the same picture is stored once.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from accounts.models import User
from cases.errors import invalid
from cases.models import Case, CasePhoto, Photo
from cases.parts import parts_of
from common.errors import DomainError, Sentence
from grid.models import SRID

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 60_000_000  # the largest phone cameras; above it a file is a trap
LARGE, SMALL = 1920, 400
FORMATS = ("JPEG", "PNG", "WEBP", "MPO")
SIZES = {"large": LARGE, "small": SMALL}
CAMERA_ZONE = ZoneInfo(settings.TIME_ZONE)


class PhotoRefused(DomainError):
    """The upload is no photo that can be used."""


def _refuse(message: Sentence) -> PhotoRefused:
    return PhotoRefused("invalid_photo", message, {"file": [message]}, status=400)


def photo_store(*, owner: User | None, upload: BinaryIO, now: datetime) -> Photo:
    """Check, re-encode and store an uploaded photo; returns its row.

    ``owner`` None: somebody without a log-in sent it, for one case.

    Raises:
        PhotoRefused: ``too_large`` 413 above 20 MB, ``invalid_photo`` 400 for anything that is not
            a whole JPEG, PNG or WebP picture.
    """
    raw = upload.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        message = _("A photo may have at most 20 MB.")
        raise PhotoRefused("too_large", message, {"file": [message]}, status=413)
    if not raw:
        raise _refuse(_("This file is empty."))
    picture, taken_at, place = _decode(raw)
    large = _encode(picture, LARGE, quality=85)
    digest = hashlib.sha256(large).hexdigest()
    _write(photo_path(digest, "large"), large)
    _write(photo_path(digest, "small"), _encode(picture, SMALL, quality=80))
    scale = min(1.0, LARGE / max(picture.size))
    return Photo.objects.create(
        owner=owner,
        sha256=digest,
        width=round(picture.width * scale),
        height=round(picture.height * scale),
        size_bytes=len(large),
        uploaded_at=now,
        taken_at=taken_at if taken_at and taken_at <= now else None,
        taken_point=Point(*place, srid=SRID) if place else None,
    )


def photo_copy(*, photo: Photo, owner: User, now: datetime) -> Photo:
    """Give a person a row of their own for a picture that is stored already; returns the row."""
    return Photo.objects.create(
        owner=owner,
        sha256=photo.sha256,
        width=photo.width,
        height=photo.height,
        size_bytes=photo.size_bytes,
        uploaded_at=now,
    )


def photos_link(*, case: Case, photos: Sequence[Photo], purpose: str, sequence: int) -> None:
    """Tie photos to the step ``sequence`` of a case; each photo serves once.

    Raise ActionRefused ``invalid`` when another act took one of them in the same moment.
    """
    if not photos:
        return
    try:
        added = CasePhoto.objects.bulk_create(
            CasePhoto(
                case=case, photo=photo, purpose=purpose, run=case.run, event_sequence=sequence
            )
            for photo in photos
        )
    except IntegrityError as error:
        message = _("A photo is not yours, was used already, or does not exist.")
        raise invalid("photos", message) from error
    parts_of(case).photos_added(added)


def photo_path(digest: str, size: str) -> Path:
    """Return where the pixels of a size lie, relative to the media root."""
    return Path("photos") / digest[:2] / digest[2:4] / f"{digest}-{size}.jpg"


def _decode(raw: bytes) -> tuple[Image.Image, datetime | None, tuple[float, float] | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(io.BytesIO(raw), formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise _refuse(_("This picture has too many pixels."))
            exif = picture.getexif()
            taken_at, place = _taken_at(exif), _place(exif)
            picture.draft("RGB", (LARGE * 2, LARGE * 2))
            picture.load()
            picture = ImageOps.exif_transpose(picture)
            return _on_white(picture), taken_at, place
    except PhotoRefused:
        raise
    except UnidentifiedImageError as error:
        raise _refuse(_("This file is not a JPEG, PNG or WebP picture.")) from error
    except Exception as error:
        raise _refuse(_("This picture is damaged and cannot be read.")) from error


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")


def _encode(picture: Image.Image, edge: int, quality: int) -> bytes:
    copy = picture.copy()
    copy.thumbnail((edge, edge))
    out = io.BytesIO()
    copy.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Write beside and rename: a reader never sees half a picture."""
    target = Path(settings.MEDIA_ROOT) / path
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    beside = target.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}")
    beside.write_bytes(content)
    beside.chmod(0o644)
    beside.replace(target)


def _taken_at(exif: Image.Exif) -> datetime | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    text = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    with contextlib.suppress(TypeError, ValueError, AttributeError):
        local = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
        return local.replace(tzinfo=CAMERA_ZONE).astimezone(UTC)
    return None


def _place(exif: Image.Exif) -> tuple[float, float] | None:
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    with contextlib.suppress(TypeError, ValueError, KeyError, ZeroDivisionError):
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude], gps.get(ExifTags.GPS.GPSLatitudeRef) == "S")
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude], gps.get(ExifTags.GPS.GPSLongitudeRef) == "W")
        if -180 <= lon <= 180 and -90 <= lat <= 90 and (lon, lat) != (0.0, 0.0):
            return lon, lat
    return None


def _degrees(parts: Iterable[float], is_negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if is_negative else value
