"""What can be exported: components, and what apps to the right add in their ``ready()``.

A subject says who may, which rows a filter stands for, and what its columns are; asking, writing,
progress, keeping and fetching are the same for all (``services``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import EXPORT_REGISTER, may
from components.register.exports.rows import export_rows, header
from components.register.filters import parameters, register_filter
from components.register.models import Export
from components.register.presenters import filter_words

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of rows: their filter, columns and formats."""

    key: str
    label: str | Promise
    formats: tuple[str, ...]
    may: Callable[[User], bool]
    narrow: Callable[[User, Query], tuple[QuerySet, dict[str, str]]]  # rows, the filter as kept
    header: Callable[[], list[str]]
    rows: Callable[[QuerySet, str], Iterator[tuple[Any, ...]]]
    words: Callable[[User, Query], list[tuple[str, str]]]  # the filter in words
    parameters: Callable[[], tuple[str, ...]]


SUBJECTS: dict[str, Subject] = {}


def export_subject_add(subject: Subject) -> None:
    """Let a kind of rows be exported."""
    SUBJECTS[subject.key] = subject


def _narrow(user: User, query: Query) -> tuple[QuerySet, dict[str, str]]:
    narrowed = register_filter(user, query)
    return narrowed.rows, dict(narrowed.query)


export_subject_add(
    Subject(
        key="components",
        label=_("Components"),
        formats=tuple(Export.Format.values),
        may=lambda user: may(user.roles, EXPORT_REGISTER),
        narrow=_narrow,
        header=header,
        rows=export_rows,
        words=lambda user, query: filter_words(register_filter(user, query)),
        parameters=lambda: tuple(parameters()),
    )
)
