"""Tags and filters of the shared fragments: icons, durations, times of day, the five chips.

Times are shown in the city's time zone and durations are cut down, never up. The tags take plain
data; what a state or a light means is decided by the server's domain code, not here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from html import escape
from typing import Any
from uuid import uuid4

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from common import clock as city_clock
from common.durations import duration_text, duration_words, limit_text, remaining_text
from common.money import money_text
from common.text import list_words

register = template.Library()

STAGE_COUNT = 7
PIE_LENGTH = 2 * math.pi * 2  # circumference of the badge's pie, radius 2 under a stroke of 4
RING_LENGTH = 2 * math.pi * 4.5  # circumference of the clock's ring
RUNNING_LIGHTS = {"green", "yellow", "red"}
STOPPED_ICONS = {
    "paused": "player-pause",
    "kept": "check",
    "late": "alert-triangle",
    "none": "minus",
}
BADGE_ICONS = {"rework": "refresh", "suspended": "player-pause", "ended": "ban"}


def read(source: Any, name: str, default: Any = None) -> Any:
    """Return a value of a mapping or an object by name, as a template would."""
    if isinstance(source, dict):
        return source.get(name, default)
    return getattr(source, name, default)


def is_english() -> bool:
    return (get_language() or "").startswith("en")


@register.simple_tag
def outside_map() -> str:
    """Return the outside base map for the browser (JSON); "" where the city has set none."""
    return settings.OUTSIDE_MAP.as_json() if settings.OUTSIDE_MAP else ""


@register.simple_tag
@cache
def icon(name: str, size: str = "") -> SafeString:
    """Draw an icon of the sprite; ``size`` is "", "small" or "large"."""
    classes = f"icon icon-{size}" if size else "icon"
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        classes,
        static("vendor/icons.svg"),
        name,
    )


@register.filter
def named(thing: Any) -> str:
    """Return the name of an area, organisation or type in the reader's language."""
    if thing is None:
        return ""
    return in_language(thing, "name")


@register.filter
def in_language(thing: Any, name: str) -> str:
    """Return a text kept in two languages, such as ``condition`` and ``condition_en``."""
    english = read(thing, f"{name}_en", "")
    return str(english if english and is_english() else read(thing, name, ""))


@register.filter
def listed(items: Iterable[Any]) -> str:
    """Return items in one line, as the reader's language separates them."""
    return list_words(str(item) for item in items)


@register.filter
def money(fen: int | None) -> str:
    """Return an amount of fen in yuan, such as "1,234.50"; empty without a value."""
    return "" if fen is None else money_text(fen)


@register.filter
def duration(seconds: Any) -> str:
    """Return a length of time, cut down to two units; empty without a value."""
    return "" if seconds is None else duration_text(seconds)


@register.filter
def remaining(seconds_left: float) -> str:
    """Return what is left of a deadline in words, or how far it is behind."""
    return remaining_text(seconds_left)


@register.simple_tag
def time_limit(amount: int, unit: str) -> str:
    """Return a limit of the standards, such as "4 working days"."""
    return limit_text(amount, unit)


def time_words(at: datetime, now: datetime) -> str:
    """Return "14:26" for today, "11-22 08:41" within the year, else the whole date."""
    return _shortened(digits_of(at), digits_of(now))


def digits_of(moment: datetime) -> str:
    """Return a moment in the city's time zone, "2026-11-22 08:41:07".

    A list shows hundreds of them, and ``strftime`` takes five times as long.
    """
    local = moment.astimezone(timezone.get_default_timezone())
    return local.replace(tzinfo=None).isoformat(" ", "seconds")


def _shortened(at: str, now: str) -> str:
    day, minute = len("2026-11-22"), len("2026-11-22 08:41")
    if at[:day] == now[:day]:
        return at[day + 1 : minute]
    year = len("2026-")
    return at[year:minute] if at[:year] == now[:year] else at[:minute]


def page_now(context: template.Context) -> datetime:
    """Return the moment the page was made for; a view that shows times passes it as ``now``."""
    return context.get("now") or city_clock.now()


@register.simple_tag(takes_context=True)
def at(context: template.Context, moment: datetime | None) -> SafeString | str:
    """Show a moment as short as the day allows; the title holds the whole of it."""
    if moment is None:
        return ""
    whole = digits_of(moment)
    return mark_safe(  # noqa: S308  digits and marks
        f'<time class="figure" datetime="{moment.isoformat(timespec="seconds")}"'
        f' title="{whole}">{_shortened(whole, digits_of(page_now(context)))}</time>'
    )


@register.simple_tag(takes_context=True)
def day_words(context: template.Context, moment: datetime) -> str:
    """Return the day of a moment with its weekday; today and yesterday are called so."""
    local, today = timezone.localtime(moment), timezone.localtime(page_now(context)).date()
    day = f"{local:%m-%d}" if local.year == today.year else f"{local:%Y-%m-%d}"
    known = {0: gettext("Today"), 1: gettext("Yesterday")}.get((today - local.date()).days, "")
    return " ".join(part for part in (known, day, date_format(local, "D")) if part)


@register.filter
def clock_time(moment: datetime) -> str:
    """Return the time of day to the second."""
    return f"{timezone.localtime(moment):%H:%M:%S}"


@register.simple_tag(takes_context=True)
def city_now(context: template.Context) -> str:
    """Return the city's present moment, ISO 8601, for the header's clock."""
    return timezone.localtime(page_now(context)).isoformat()


@register.simple_tag
def clock_words() -> dict[str, str]:
    """Return the words with which the page keeps its clock chips true."""
    return duration_words()


@register.simple_tag
def new_key() -> str:
    """Return a fresh idempotency key for a form."""
    return str(uuid4())


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """Return the theme the reader chose: "light" or "dark"."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request else ""
    return "dark" if chosen == "dark" else "light"


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: Any) -> str:
    """Return the page's query string with some parameters set, or dropped when empty."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = value
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def selected_if(context: template.Context, name: str, value: Any) -> str:
    """Mark the option of a filter that stands in the address."""
    return " selected" if str(value) in context["request"].GET.getlist(name) else ""


@register.simple_tag(takes_context=True)
def option_list(context: template.Context, name: str, options: Any) -> SafeString:
    """Draw the options of a filter, those that stand in the address selected.

    In one piece: a loop of a template takes ten times as long, and a filter may have hundreds.
    """
    chosen = set(context["request"].GET.getlist(name))
    return mark_safe(  # noqa: S308  escaped
        "".join(
            f'<option value="{escape(str(value))}"{" selected" if str(value) in chosen else ""}>'
            f"{escape(str(text))}</option>"
            for value, text in options
        )
    )


@register.simple_tag
def state_badge(badge: Any) -> SafeString:
    """Draw the badge of a case: {label, step, kind, mine}.

    This and what else each row of a list shows is drawn in one piece: a template takes six times
    as long.
    """
    kind = read(badge, "kind", "progress")
    if kind in BADGE_ICONS:
        sign = icon(BADGE_ICONS[kind])
    elif kind == "closed":
        sign = CLOSED_DISC
    else:
        sign = _pie(min(read(badge, "step", 0), STAGE_COUNT))
    classes = "badge badge-mine" if read(badge, "mine", False) else "badge"
    label = escape(str(read(badge, "label")))
    return mark_safe(f'<span class="{classes}">{sign}{label}</span>')  # noqa: S308  escaped


CLOSED_DISC = (
    '<svg viewBox="0 0 12 12" aria-hidden="true"><circle class="disc-full" cx="6" cy="6" r="5.5"/>'
    '<path class="on-disc" d="m3.5 6.2 1.8 1.8 3.4-3.6"/></svg>'
)


def _pie(step: int) -> str:
    """Draw how many of the stages a case has passed."""
    return (
        '<svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="5.2"/>'
        '<circle cx="6" cy="6" r="2" stroke-width="4"'
        f' stroke-dasharray="{PIE_LENGTH * step / STAGE_COUNT:.1f} 13"'
        ' transform="rotate(-90 6 6)"/></svg>'
    )


@register.simple_tag
def clock_chip(clock: Any) -> SafeString | str:
    """Draw a clock: {light, text, due_at, warn_at, started_at, seconds_left, label}."""
    if not clock:
        return ""
    light = read(clock, "light") or "none"
    seconds_left, text = read(clock, "seconds_left"), read(clock, "text")
    if light in RUNNING_LIGHTS:
        times, sign = _clock_times(clock), _clock_ring(used_share(clock, seconds_left))
        if not text and seconds_left is not None:
            text = remaining_text(seconds_left)
    else:
        times, sign = "", icon(STOPPED_ICONS.get(light, "minus"))
    due_at = read(clock, "due_at")
    deadline = f" {digits_of(due_at)[:-3]}" if due_at else ""
    title, words = escape(str(read(clock, "label", ""))), escape(str(text or gettext("stopped")))
    return mark_safe(  # noqa: S308  escaped
        f'<span class="clock clock-{light}"{times} title="{title}{deadline}">{sign}'
        f"<span data-text>{words}</span></span>"
    )


def _clock_times(clock: Any) -> str:
    """Return what the page needs to keep a running clock true."""
    started, warn, due = (
        moment.isoformat() if moment else ""
        for moment in (read(clock, name) for name in ("started_at", "warn_at", "due_at"))
    )
    return f' data-clock data-started="{started}" data-warn="{warn}" data-due="{due}"'


def _clock_ring(used: float) -> str:
    """Draw the light of a running clock: ring, triangle and octagon, of which the style shows one.

    ``used`` is the share of the time that is gone, 0 to 1.
    """
    return (
        '<svg viewBox="0 0 12 12" aria-hidden="true"><g class="clock-ring">'
        '<circle class="clock-ring-rest" cx="6" cy="6" r="4.5"/>'
        f'<circle data-ring cx="6" cy="6" r="4.5" stroke-dasharray="{RING_LENGTH * used:.1f} 29"'
        ' transform="rotate(-90 6 6)"/></g>'
        '<g class="clock-near"><path class="solid" d="M6 .8 11.6 11H.4z"/>'
        '<path class="sign" d="M6 4.3v3M6 9v.6"/></g>'
        '<g class="clock-over">'
        '<path class="solid" d="M3.7.5h4.6l3.2 3.2v4.6l-3.2 3.2H3.7L.5 8.3V3.7z"/>'
        '<path class="sign" d="M6 2.9v3.7M6 8.3v1"/></g></svg>'
    )


def used_share(clock: Any, seconds_left: float | None) -> float:
    """Return how much of the time between start and deadline is gone, 0 to 1."""
    started_at, due_at = read(clock, "started_at"), read(clock, "due_at")
    if not started_at or not due_at or due_at <= started_at or seconds_left is None:
        return 0.0
    return min(max(1 - seconds_left / (due_at - started_at).total_seconds(), 0.0), 1.0)


@register.simple_tag
def organisation_chip(organisation: Any) -> SafeString | str:
    """Draw an organisation: the mark of its level and its name."""
    if not organisation:
        return ""
    mark, name = escape(str(read(organisation, "level_mark", ""))), escape(named(organisation))
    return mark_safe(  # noqa: S308  escaped
        f'<span class="organisation"><span class="level" aria-hidden="true">{mark}</span>'
        f'<span class="cut">{name}</span></span>'
    )


@register.simple_tag
def type_chip(case_type: Any) -> SafeString:
    """Draw a type: cube for a component or bolt for an event, its code, its name."""
    if not case_type:
        code, name = "", gettext("Type not set")
    else:
        sign = "cube" if read(case_type, "kind", "") == "component" else "bolt"
        digits = escape(read(case_type, "code", "")[1:])
        code, name = f'<span class="code">{icon(sign, "small")}{digits}</span>', named(case_type)
    return mark_safe(  # noqa: S308  escaped
        f'<span class="type-chip">{code}<span class="name cut">{escape(name)}</span></span>'
    )


@register.inclusion_tag("ui/_person_chip.html")
def person_chip(person: Any, role: str = "") -> dict[str, Any]:
    """Draw a person: the family name in a disc, the name, and the role if given."""
    name = str(person or "")
    return {"name": name, "initial": name[:1].upper(), "role": role}
