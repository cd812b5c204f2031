"""What a page asks before an act on several cases: once for all, and in every row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms

from accounts.models import User
from cases.bulk.kinds import BulkKind
from cases.forms import FIELD_BUILDERS, Subject, door_value, dropdown, line
from cases.models import Case


class BulkForm(forms.Form):
    """Some fields of an action; in a row, under the case's number."""

    def __init__(
        self,
        *args: Any,
        subject: Subject,
        names: tuple[str, ...],
        optional: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name in names:
            field = FIELD_BUILDERS[name](subject)
            field.required = name not in optional
            if self.prefix:
                _make_small(field)
            self.fields[name] = field
        for bound in self:
            bound.field.widget.attrs.setdefault("aria-label", f"{bound.label} {self.prefix or ''}")

    def door_fields(self) -> dict[str, Any]:
        """Return what was answered, as the door reads it.

        What the form cannot use goes on as it was sent: the door says of each case what is wrong
        with it, as it says what is missing.
        """
        self.is_valid()
        sent = {name: self.cleaned_data.get(name, self[name].value()) for name in self.fields}
        return {
            name: door_value(name, value)
            for name, value in sent.items()
            if value not in (None, "", [])
        }


def _make_small(field: forms.Field) -> None:
    """Let a field stand in a row of a table."""
    if isinstance(field, forms.ChoiceField):
        field.widget = dropdown()
        field.widget.choices = field.choices
    elif isinstance(field.widget, forms.Textarea):
        field.widget = line()


def common_form(
    kind: BulkKind, case: Case, user: User, now: datetime, data: Any = None
) -> BulkForm:
    """Return what is asked once for all cases; ``case`` is any of them."""
    subject = Subject(kind.action, case, user, now)
    return BulkForm(data, subject=subject, names=kind.common, optional=kind.optional)


def row_form(kind: BulkKind, case: Case, user: User, now: datetime, data: Any = None) -> BulkForm:
    """Return what is asked in one case's row, filled in with what fits it."""
    initial: Mapping[str, Any] = kind.suggest(case, now) if kind.suggest and data is None else {}
    return BulkForm(
        data,
        subject=Subject(kind.action, case, user, now),
        names=kind.each,
        optional=kind.optional,
        prefix=case.number,
        initial=dict(initial),
    )
