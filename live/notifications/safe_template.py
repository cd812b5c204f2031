"""Templates that an administrator may write: a fixed set of variables, tags and filters.

Django's template language without what reaches beyond the text: no loading, including or extending,
no loops, no attributes or methods of values, no filter that can make a short text endless. What a
template may not use is refused when it is saved, with the reason; nothing is found out at night.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from django.template import Context, Engine, Library, TemplateSyntaxError
from django.template import Template as DjangoTemplate
from django.template.base import FilterExpression, Lexer, Parser, Variable
from django.template.defaultfilters import default, truncatechars, yesno
from django.template.defaulttags import do_if
from django.utils.translation import gettext as _

LIBRARY = Library()
LIBRARY.tag("if", do_if)
for _filter in (default, truncatechars, yesno):
    LIBRARY.filter(_filter.__name__, _filter)

ENGINE = Engine(autoescape=False, loaders=[], libraries={})
LONGEST_TEXT = 2000


class StrictParser(Parser):
    """A parser that knows only our tags and filters, and no variable but the allowed ones."""

    allowed: Collection[str] = ()

    def compile_filter(self, token: str) -> FilterExpression:
        """Refuse a name that is no variable, and whatever reaches into a value."""
        expression = super().compile_filter(token)
        variables = [expression.var] if isinstance(expression.var, Variable) else []
        for _function, arguments in expression.filters:
            variables += [value for is_variable, value in arguments if is_variable]
        for variable in variables:
            self._check(variable)
        return expression

    def _check(self, variable: Variable) -> None:
        if variable.lookups is None:
            return  # a number or a quoted text
        if len(variable.lookups) > 1 or variable.lookups[0] not in self.allowed:
            message = _("There is no variable “%(name)s”. There are: %(known)s.")
            known = ", ".join(sorted(self.allowed))
            raise TemplateSyntaxError(message % {"name": variable.var, "known": known})


class SafeTemplate(DjangoTemplate):
    """A text with variables, compiled by the strict parser."""

    def __init__(self, source: str, allowed: Collection[str]) -> None:
        self.allowed = allowed
        super().__init__(source, engine=ENGINE)

    def compile_nodelist(self) -> Any:
        """Compile with the strict parser instead of Django's."""
        parser = StrictParser(
            Lexer(self.source).tokenize(),
            libraries={},
            builtins=[LIBRARY],
            origin=self.origin,
        )
        parser.allowed = self.allowed
        return parser.parse()


@lru_cache(maxsize=500)
def compiled(source: str, allowed: frozenset[str]) -> SafeTemplate:
    """Return a template, compiled once a process for each text.

    Raises TemplateSyntaxError for what a template may not use.
    """
    return SafeTemplate(source, allowed)


def render(source: str, variables: Mapping[str, Any], allowed: frozenset[str]) -> str:
    """Return the text with its variables, without control characters, cut to a sane length.

    Raises TemplateSyntaxError for what a template may not use.
    """
    text = compiled(source, allowed).render(Context(dict(variables), autoescape=False))
    kept = "".join(char for char in text if char.isprintable() or char == "\n")
    return kept.strip()[:LONGEST_TEXT]
