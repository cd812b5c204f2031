"""Pictures of street problems, drawn by the program: each scene before and after, always the same.

They are no photographs and do not pretend to be; they stand where photographs would stand, so that
desks, timelines and comparisons have something real to show, and pass through the same door.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from accounts.models import City, User
from cases.models import Photo
from cases.services import photo_store
from cases.services.photos import photo_path

SIZE = (960, 720)
VARIANTS = 2
BEFORE, AFTER = "before", "after"
Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw
Pictures = dict[tuple[str, str], list[Photo]]

# Whose the originals are: a source without a camera, so that no case ever uses them up.
PHOTOGRAPHER = "sharing_partner_hangzhou_1"
SCENES = ("asphalt", "clutter", "green", "lamp", "manhole", "pothole", "rubbish", "wall")


def pictures_of(city: City, now: datetime) -> Pictures:
    """Return the demo's pictures by scene, before and after; draw them where files are gone."""
    owner = User.objects.get(city=city, username=PHOTOGRAPHER)
    keys = [(scene, when) for scene in SCENES for when in (BEFORE, AFTER)]
    unused = Photo.objects.filter(owner=owner, uses__isnull=True).order_by("pk")
    photos = list(unused[: len(keys) * VARIANTS])
    if len(photos) < len(keys) * VARIANTS or not all(_is_on_disk(photo) for photo in photos):
        photos = [
            photo_store(owner=owner, upload=picture(scene, when, variant), now=now)
            for scene, when in keys
            for variant in range(VARIANTS)
        ]
    return {
        key: photos[number * VARIANTS : (number + 1) * VARIANTS] for number, key in enumerate(keys)
    }


def _is_on_disk(photo: Photo) -> bool:
    return (Path(settings.MEDIA_ROOT) / photo_path(photo.sha256, "large")).exists()


def picture(scene: str, when: str, variant: int) -> io.BytesIO:
    """Return a JPEG of a scene; before and after share their ground."""
    chance = random.Random(f"{scene}:{variant}")  # noqa: S311  drawn, not guarded
    image = _ground(GROUNDS[scene], chance)
    draw = ImageDraw.Draw(image)
    PAINTERS[scene](draw, chance, when == BEFORE)
    image = _light(image, random.Random(f"light:{scene}:{variant}"))  # noqa: S311
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    out.seek(0)
    return out


# ── ground and light ──────────────────────────────────────────────────────────────────────────

GROUNDS: dict[str, Colour] = {
    "asphalt": (92, 93, 96),
    "clutter": (164, 156, 146),
    "green": (88, 122, 66),
    "lamp": (150, 170, 190),
    "manhole": (96, 97, 99),
    "pothole": (98, 98, 100),
    "rubbish": (150, 146, 140),
    "wall": (196, 186, 170),
}


def _ground(colour: Colour, chance: random.Random) -> Image.Image:
    """Return a surface of one colour with coarse and fine grain."""
    image = Image.new("RGB", SIZE, colour)
    for size, strength in ((SIZE, 0.28), ((SIZE[0] // 6, SIZE[1] // 6), 0.2)):
        grain = Image.frombytes("L", size, chance.randbytes(size[0] * size[1]))
        grain = grain.point(lambda value, strength=strength: 128 + int((value - 128) * strength))
        grain = grain.resize(SIZE, Image.Resampling.BICUBIC)
        image = ImageChops.add(image, grain.convert("RGB"), scale=1, offset=-128)
    return image.filter(ImageFilter.GaussianBlur(0.6 + chance.random() * 0.4))


def _light(image: Image.Image, chance: random.Random) -> Image.Image:
    """Darken the corners and shift the whole a little, as cameras do."""
    vignette = Image.radial_gradient("L").resize(SIZE).point(lambda value: value // 5)
    shade = Image.merge("RGB", (vignette,) * 3)
    warm = Image.new("RGB", SIZE, (8 + chance.randrange(10), 4, 0))
    return ImageChops.add(ImageChops.subtract(image, shade), warm)


def _shadow(draw: Draw, box: tuple[float, float, float, float], depth: int = 16) -> None:
    left, _top, right, bottom = box
    draw.ellipse((left, bottom - depth, right + depth, bottom + depth), fill=(58, 58, 58))


def _kerb(draw: Draw, top: int) -> None:
    draw.rectangle((0, top, SIZE[0], top + 26), fill=(176, 174, 168))
    for left in range(0, SIZE[0], 160):
        draw.line((left, top, left, top + 26), fill=(120, 118, 112), width=3)


def _slabs(draw: Draw, chance: random.Random) -> None:
    """The joints of a pavement, running away from the camera."""
    for row, top in enumerate(range(0, SIZE[1], 74)):
        draw.line((0, top, SIZE[0], top), fill=(128, 122, 114), width=3)
        for left in range(-60 * (row % 2), SIZE[0], 120):
            draw.line((left, top, left, top + 74), fill=(134, 128, 120), width=2)
    yellow = 430 + chance.randrange(60)
    draw.rectangle((0, yellow, SIZE[0], yellow + 60), fill=(196, 164, 62))
    for left in range(10, SIZE[0], 40):
        draw.line((left, yellow + 8, left, yellow + 52), fill=(170, 138, 46), width=8)


def _blob(
    draw: Draw, chance: random.Random, centre: tuple[float, float], radius: float, colour: Colour
) -> None:
    x, y = centre
    points = [
        (
            x + radius * (0.7 + 0.6 * chance.random()) * dx,
            y + radius * (0.5 + 0.5 * chance.random()) * dy,
        )
        for dx, dy in ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1),
                       (0.7, -0.7))
    ]  # fmt: skip
    draw.polygon(points, fill=colour, outline=tuple(max(0, part - 40) for part in colour))


def _colour(chance: random.Random, low: int = 40, high: int = 230) -> Colour:
    return (
        chance.randrange(low, high),
        chance.randrange(low, high),
        chance.randrange(low, high),
    )


# ── scenes ────────────────────────────────────────────────────────────────────────────────────


def _asphalt(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    _kerb(draw, 560)
    draw.polygon([(430, 0), (470, 0), (620, 720), (540, 720)], fill=(214, 212, 204))
    for _number in range(90 if is_bad else 0):
        x, y = chance.gauss(430, 180), chance.gauss(330, 120)
        _blob(draw, chance, (x, y), chance.uniform(6, 26), (108 + chance.randrange(40), 84, 52))


def _clutter(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    _slabs(draw, chance)
    for number in range(7 if is_bad else 0):
        left, top = 70 + number * 118, 250 + chance.randrange(120)
        width, height = chance.randrange(80, 150), chance.randrange(90, 190)
        _shadow(draw, (left, top, left + width, top + height))
        draw.rectangle(
            (left, top, left + width, top + height), fill=_colour(chance), outline=(40, 36, 30)
        )
        draw.line((left, top + 22, left + width, top + 22), fill=(240, 236, 220), width=4)


def _green(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    for _number in range(1500):
        x, y = chance.randrange(SIZE[0]), chance.randrange(SIZE[1])
        shade = chance.randrange(70, 150)
        draw.line((x, y, x + chance.randrange(-6, 6), y - 16), fill=(shade - 30, shade, 40))
    draw.rectangle((640, 0, 730, 520), fill=(92, 72, 52))
    draw.ellipse((560, 480, 810, 590), fill=(74, 58, 42))
    for _number in range(26 if is_bad else 0):
        place = (chance.uniform(80, 620), chance.uniform(330, 660))
        _blob(draw, chance, place, chance.uniform(10, 30), _colour(chance, 120, 250))


def _lamp(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    draw.rectangle((0, 600, SIZE[0], SIZE[1]), fill=(104, 104, 106))
    lean = 90 if is_bad else 0
    foot, head = (470, 640), (470 + lean, 120)
    draw.line((*foot, *head), fill=(70, 74, 78), width=18)
    draw.line((*head, head[0] + 150, head[1] + 10), fill=(70, 74, 78), width=12)
    lamp = (head[0] + 110, head[1], head[0] + 210, head[1] + 44)
    draw.ellipse(lamp, fill=(60, 60, 58) if is_bad else (250, 238, 186), outline=(50, 50, 50))
    for _number in range(5):
        x = chance.randrange(0, SIZE[0])
        draw.rectangle(
            (x, 380 + chance.randrange(100), x + 130, 600), fill=_colour(chance, 90, 160)
        )


def _manhole(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    x, y, radius = 480 + chance.randrange(-40, 40), 380, 210
    draw.ellipse(
        (x - radius - 22, y - radius + 40, x + radius + 22, y + radius - 10), fill=(70, 70, 72)
    )
    draw.ellipse((x - radius, y - radius + 56, x + radius, y + radius - 26), fill=(58, 56, 54))
    for ring in range(3):
        inset = 36 + ring * 48
        box = (x - radius + inset, y - radius + 56 + inset * 0.8, x + radius - inset,
               y + radius - 26 - inset * 0.8)  # fmt: skip
        draw.ellipse(box, outline=(96, 92, 88), width=6)
    for number in range(12):
        angle = number * 30
        draw.arc(
            (x - 150, y - 112, x + 150, y + 126), angle, angle + 12, fill=(104, 100, 94), width=9
        )
    if is_bad:
        hole = [
            (x + 40, y - 10),
            (x + 190, y - 90),
            (x + 214, y + 20),
            (x + 150, y + 96),
            (x + 62, y + 70),
        ]
        draw.polygon(hole, fill=(12, 12, 14), outline=(110, 104, 98))
        for _number in range(8):
            place = (x + chance.uniform(120, 300), y + chance.uniform(70, 190))
            _blob(draw, chance, place, chance.uniform(8, 20), (82, 80, 78))


def _pothole(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    draw.polygon([(120, 0), (170, 0), (90, 720), (0, 720)], fill=(212, 210, 202))
    if not is_bad:
        draw.rectangle((300, 240, 700, 520), fill=(72, 72, 75))
        return
    for radius, colour in ((190, (80, 78, 76)), (150, (62, 60, 58)), (96, (44, 42, 42))):
        _blob(draw, chance, (500, 380), radius, colour)
    for _number in range(40):
        place = (chance.gauss(500, 160), chance.gauss(400, 110))
        _blob(draw, chance, place, chance.uniform(4, 14), (126, 122, 116))


def _rubbish(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    _slabs(draw, chance)
    _shadow(draw, (650, 200, 850, 560))
    draw.rectangle((650, 200, 850, 560), fill=(52, 104, 74), outline=(24, 52, 36), width=6)
    draw.rectangle((634, 170, 866, 214), fill=(44, 92, 64))
    for _number in range(24 if is_bad else 0):
        place = (chance.gauss(430, 150), chance.gauss(470, 70))
        colour = chance.choice(
            ((34, 34, 38), (210, 208, 200), (176, 60, 52), (70, 110, 170), (196, 168, 96))
        )
        _blob(draw, chance, place, chance.uniform(34, 78), colour)


def _wall(draw: Draw, chance: random.Random, is_bad: bool) -> None:
    for row, top in enumerate(range(0, SIZE[1], 60)):
        for left in range(-70 * (row % 2), SIZE[0], 140):
            draw.rectangle((left, top, left + 140, top + 60), outline=(168, 156, 140), width=3)
    for _number in range(16 if is_bad else 0):
        left, top = chance.randrange(60, 780), chance.randrange(80, 520)
        width, height = chance.randrange(90, 170), chance.randrange(70, 150)
        paper = chance.choice(((246, 244, 236), (250, 226, 120), (238, 150, 140), (200, 226, 246)))
        draw.rectangle((left, top, left + width, top + height), fill=paper)
        for line in range(top + 14, top + height - 10, 16):
            draw.line(
                (left + 10, line, left + width - chance.randrange(10, 50), line),
                fill=(60, 50, 50),
                width=5,
            )


PAINTERS: dict[str, Callable[[Draw, random.Random, bool], None]] = {
    "asphalt": _asphalt,
    "clutter": _clutter,
    "green": _green,
    "lamp": _lamp,
    "manhole": _manhole,
    "pothole": _pothole,
    "rubbish": _rubbish,
    "wall": _wall,
}
