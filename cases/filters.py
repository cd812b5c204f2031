"""Which cases a list shows: the filters that pages and the API share.

Every filter stands on an index of ``cases_case``; text is searched by trigrams, a number by its
beginning. What a person may not see is left out before, by ``visible_to``.
"""

from __future__ import annotations

from datetime import datetime

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Source
from cases.time_limits import Light
from cases.workflow import STATE_LABELS

NUMBER_DIGITS = 6  # as many digits are meant as a number, fewer as words


class CaseFilter(filters.FilterSet):
    """state, type, department, district, cell, light, source, q, reported_after, reported_before."""

    state = filters.MultipleChoiceFilter(choices=list(STATE_LABELS.items()))
    source = filters.MultipleChoiceFilter(choices=Source.choices)
    type = filters.CharFilter(field_name="type__code", lookup_expr="iexact", max_length=5)
    department = filters.CharFilter(field_name="department__code", max_length=60)
    district = filters.CharFilter(field_name="district_code", max_length=12)
    cell = filters.CharFilter(field_name="cell_code", max_length=16)
    light = filters.ChoiceFilter(
        choices=[
            (Light.GREEN.value, _("in time")),
            (Light.YELLOW.value, _("due soon")),
            (Light.RED.value, _("overdue")),
        ],
        method="by_light",
    )
    q = filters.CharFilter(method="by_words", max_length=100)
    reported_after = filters.IsoDateTimeFilter(field_name="reported_at", lookup_expr="gte")
    reported_before = filters.IsoDateTimeFilter(field_name="reported_at", lookup_expr="lt")

    class Meta:
        model = Case
        fields: tuple[str, ...] = ()

    def __init__(self, *args, now: datetime, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def by_light(self, cases: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        """Compare the deadline of the clock the case waits for with now."""
        conditions = {
            Light.GREEN.value: Q(warn_at__gt=self.now),
            Light.YELLOW.value: Q(warn_at__lte=self.now, due_at__gte=self.now),
            Light.RED.value: Q(due_at__lt=self.now),
        }
        return cases.filter(conditions[value], is_open=True)

    def by_words(self, cases: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        """Find a number by its beginning, anything else in address and description."""
        text = value.strip()
        if not text or "\x00" in text:
            return cases
        if text.isascii() and text.isdigit() and len(text) >= NUMBER_DIGITS:
            return cases.filter(number__startswith=text)
        return cases.filter(Q(address__icontains=text) | Q(description__icontains=text))
