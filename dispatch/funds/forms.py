"""Forms of the funds' pages: what people type, as fen, decimals and codes."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from cases.forms import PhotosField, dropdown, line, organisation_choices
from common.errors import DomainError
from common.money import NotMoney, fen_of, yuan_of
from dispatch.funds.services.books import MAX_NOTE
from dispatch.funds.services.costs import MAX_ITEMS, Item

ROWS = 6  # of items in an empty form


class MoneyField(forms.CharField):
    """An amount in yuan with at most two decimals; cleaned it is a whole number of fen."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Amount in yuan"))
        super().__init__(
            max_length=30, widget=line(inputmode="decimal", autocomplete="off"), **kwargs
        )

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return fen_of(text)
        except NotMoney as error:
            raise forms.ValidationError(error.sentence) from error

    def prepare_value(self, value: Any) -> Any:
        return yuan_of(value) if isinstance(value, int) else value


class NoteField(forms.CharField):
    """A line of words."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Note"))
        super().__init__(max_length=MAX_NOTE, widget=line(), **kwargs)


class YearField(forms.IntegerField):
    """A year of a fund."""

    def __init__(self) -> None:
        widget = forms.NumberInput(attrs={"class": "input"})
        super().__init__(label=_("Year"), min_value=2000, max_value=2200, widget=widget)


class ItemsInput(forms.Widget):
    """Rows of name, quantity, unit and price; empty rows are left out."""

    columns = ("name", "quantity", "unit", "price")

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        read = data.getlist if hasattr(data, "getlist") else lambda key: data.get(key, [])
        columns = [read(f"{name}_{column}")[: MAX_ITEMS + 1] for column in self.columns]
        rows = [dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=False)]
        return [row for row in rows if row["name"].strip() or row["price"].strip()]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> str:
        rows = list(value or [])
        rows += [{}] * max(ROWS - len(rows), 1)
        context = {"name": name, "rows": rows, "id": (attrs or {}).get("id", name)}
        return render_to_string("dispatch/funds/_items.html", context)


class ItemsField(forms.Field):
    """The lines of a cost."""

    widget = ItemsInput

    def clean(self, value: list[dict[str, str]]) -> list[Item]:
        if not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return [self._item(row) for row in value]

    @staticmethod
    def _item(row: dict[str, str]) -> Item:
        try:
            price = fen_of(row["price"])
        except NotMoney as error:
            raise forms.ValidationError(error.sentence) from error
        try:
            quantity = Decimal(row["quantity"].strip() or 1)
        except InvalidOperation as error:
            raise forms.ValidationError(
                _("A quantity is above zero and has at most three decimals.")
            ) from error
        if not quantity.is_finite():
            raise forms.ValidationError(
                _("A quantity is above zero and has at most three decimals.")
            )
        return Item(row["name"], quantity, row["unit"], price)


class FundForm(forms.Form):
    """What all share: the key of this sending, and where the domain's sentences are put."""

    key = forms.CharField(max_length=100, widget=forms.HiddenInput)

    @property
    def questions(self) -> list[forms.BoundField]:
        """What a person answers."""
        return [self[name] for name in self.fields if name != "key"]

    @property
    def needed(self) -> list[forms.BoundField]:
        """All of it: the form is short."""
        return self.questions

    def add_domain_errors(self, refused: DomainError) -> None:
        """Put the sentences of a refusal beside the fields they speak of."""
        for name, sentences in refused.fields.items():
            if name in self.fields:
                self.add_error(name, [str(sentence) for sentence in sentences])


class NothingForm(FundForm):
    """Nothing is asked."""


class ReasonForm(FundForm):
    """Why."""

    reason = NoteField(label=_("Reason"))


class QuoteForm(FundForm):
    """Who would do it for how much."""

    bidder = forms.ChoiceField(label=_("Squad or contractor"), widget=dropdown())
    amount = MoneyField()
    note = NoteField(required=False, help_text=_("what is offered, until when it holds"))

    def __init__(self, *args: Any, bidders: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bidder"].choices = organisation_choices(bidders)


class AcceptForm(FundForm):
    """Which quote, and why where it is not the lowest."""

    quote = forms.TypedChoiceField(
        label=_("Quote"), coerce=int, widget=forms.RadioSelect, choices=()
    )
    reason = NoteField(
        label=_("Reason"), required=False, help_text=_("needed where it is not the lowest")
    )

    def __init__(self, *args: Any, quotes: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["quote"].choices = quotes
        self.fields["quote"].initial = quotes[0][0] if quotes else None


class CostForm(FundForm):
    """What the work cost, with evidence."""

    items = ItemsField(label=_("Items"))
    photos = PhotosField(label=_("Invoices, delivery notes"))
    note = NoteField(required=False)


class ClaimForm(FundForm):
    """Who is to pay it back."""

    debtor = forms.ChoiceField(label=_("Body found responsible"), widget=dropdown())
    amount = MoneyField()
    reason = NoteField(label=_("Reason"))

    def __init__(self, *args: Any, debtors: Any, paid_fen: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["debtor"].choices = [("", "----"), *organisation_choices(debtors)]
        self.fields["amount"].initial = paid_fen


class AmountForm(FundForm):
    """How much, and a note."""

    amount = MoneyField()
    note = NoteField(required=False)


class BudgetForm(FundForm):
    """A year's budget or more of it."""

    year = YearField()
    amount = MoneyField()
    note = NoteField(label=_("Decision it rests on"))


class AllocationForm(FundForm):
    """A part of the budget."""

    year = YearField()
    amount = MoneyField()
    note = NoteField(required=False)


class YearForm(FundForm):
    """Which year."""

    year = YearField()
