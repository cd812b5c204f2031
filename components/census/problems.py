"""What is wrong with a row, in words: one sentence a kind, filled with what the kind is about.

A problem is stored as ``kind`` or ``kind:what``: a field, an attribute, the row it clashes with.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from components.census.mapping import FIELDS

SENTENCES: dict[str, str | Promise] = {
    "columns": gettext_lazy("The row has another number of columns than the header."),
    "no_place": gettext_lazy("There are no coordinates."),
    "no_number": gettext_lazy("The coordinates are no numbers."),
    "zero_place": gettext_lazy("The coordinates are 0/0."),
    "swapped_axes": gettext_lazy("Longitude and latitude (x and y) are swapped."),
    "elsewhere": gettext_lazy("The place is far from the city: another datum, or a slip."),
    "outside_city": gettext_lazy("The place lies in no unit grid cell of the city."),
    "outside_scope": gettext_lazy("The place lies in none of the communities surveyed."),
    "invalid_shape": gettext_lazy("The shape crosses itself or is broken."),
    "wrong_shape": gettext_lazy("The type is not drawn like that (point, line or area)."),
    "no_type": gettext_lazy("There is no type."),
    "unknown_type": gettext_lazy("There is no such type."),
    "ambiguous_type": gettext_lazy("Several types go by this name."),
    "not_component": gettext_lazy("This is a type of events, not of components."),
    "type_differs": gettext_lazy("The register has another type under this code or key."),
    "code_form": gettext_lazy("An identification code has 16 digits."),
    "code_district": gettext_lazy("The code begins with no district of the city."),
    "code_type": gettext_lazy("The code's digits 7 to 10 are another type's."),
    "code_ended": gettext_lazy("The component with this code is no longer in use."),
    "code_withdrawn": gettext_lazy("This code was withdrawn and is never given again."),
    "code_twice": gettext_lazy("The identification code stands in row %(what)s already."),
    "key_twice": gettext_lazy("The key stands in row %(what)s already."),
    "near": gettext_lazy("Row %(what)s of the same type is nearer than the positional accuracy."),
    "no_body": gettext_lazy("No competent body is named, and none answers for the type here."),
    "unknown_body": gettext_lazy("There is no such body: %(what)s."),
    "ambiguous_body": gettext_lazy("Several bodies go by this name: %(what)s."),
    "unknown_state": gettext_lazy("The state is none of intact, damaged, lost, abandoned."),
    "unknown_accuracy": gettext_lazy("The positional accuracy is none of A, B, C."),
    "bad_date": gettext_lazy("This is no date up to today: %(what)s."),
    "too_long": gettext_lazy("The text is too long: %(what)s."),
    "attribute": gettext_lazy("The attribute does not fit the type: %(what)s."),
    "objection": gettext_lazy("%(what)s"),
    "default_body": gettext_lazy("The competent body follows from the type's trade."),
}
# Kinds whose "what" differs from row to row: they are counted together.
ABOUT_A_ROW = frozenset({"code_twice", "key_twice", "near"})
# Which column of the file a kind is about, where it is about one.
FIELD_OF_KIND = {
    "no_type": "type", "unknown_type": "type", "ambiguous_type": "type", "not_component": "type",
    "type_differs": "type", "wrong_shape": "type", "code_form": "code", "code_district": "code",
    "code_type": "code", "code_ended": "code", "code_withdrawn": "code", "code_twice": "code",
    "key_twice": "key", "unknown_state": "state", "unknown_accuracy": "accuracy",
    "no_body": "competent_body", "no_place": "longitude", "no_number": "longitude",
    "zero_place": "longitude", "swapped_axes": "longitude", "elsewhere": "longitude",
    "outside_city": "longitude", "outside_scope": "longitude",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem taken apart."""

    kind: str
    what: str

    @property
    def field(self) -> str:
        """The field it is about, "" where it is about the whole row."""
        return self.what if self.what in FIELDS else FIELD_OF_KIND.get(self.kind, "")


def problem_read(text: str) -> Problem:
    """Return a stored problem taken apart."""
    kind, _colon, what = text.partition(":")
    return Problem(kind, what)


def problem_sentence(text: str) -> str:
    """Return what a stored problem says to people."""
    problem = problem_read(text)
    what = str(FIELDS[problem.what]) if problem.what in FIELDS else problem.what
    if problem.kind in ABOUT_A_ROW and not what:
        what = _("… (see the report)")
    sentence = SENTENCES.get(problem.kind)
    return problem.kind if sentence is None else str(sentence) % {"what": what}
