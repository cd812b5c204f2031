"""The lists of cases whose filters can be kept, and the rows a filter stands for."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import User
from accounts.saved_filters import FilteredPage, filtered_page_add
from cases.api.filters import filter_cases
from cases.exceptions.urging import overdue_cases
from cases.models import Case


def listed_cases(user: User, query: QueryDict, now: datetime) -> QuerySet[Case]:
    """Return the rows of the list of cases."""
    return filter_cases(Case.objects.visible_to(user), query, now, user=user)


def register() -> None:
    """Let the filters of the lists of cases be kept."""
    filtered_page_add(FilteredPage("cases", "cases:list", listed_cases))
    filtered_page_add(FilteredPage("overdue", "exceptions:overdue", overdue_cases))
