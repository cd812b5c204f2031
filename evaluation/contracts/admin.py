"""Contracts, lots and terms in the admin: entered with checks, kept once something was issued."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from cases.admin import ReadOnlyAdmin
from common.money import money_text
from components.admin import KeptAdmin
from dispatch.funds.forms import MoneyField
from evaluation.contracts.lots import (
    beats_in,
    beats_taken,
    in_another_lot,
    issued_until,
    lot_end_beats,
    lot_take_beats,
)
from evaluation.contracts.models import (
    CollectionContract,
    ContractLot,
    ContractStatement,
    LotBeat,
    LotTerms,
)
from grid.models import Area

MONEY = ("fee", "report", "ceiling", "shortfall", "missed")


def _within(data: dict[str, Any], outer: Any, message: Any) -> None:
    """Refuse days that do not lie within those of what they belong to."""
    first, end = data.get("valid_from"), data.get("valid_to")
    if outer is None:
        return
    is_open = outer.valid_to is not None and (end is None or end > outer.valid_to)
    if is_open or (first is not None and first < outer.valid_from):
        raise ValidationError(message)


class ContractForm(forms.ModelForm):
    """A contract whose lots lie within its days."""

    class Meta:
        model = CollectionContract
        fields = (
            "city", "number", "name", "name_en", "contractor", "valid_from", "valid_to",
            "answer_days",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "contractor" in self.fields:
            self.fields["contractor"].queryset = Organisation.objects.filter(
                kind=Organisation.Kind.CONTRACTOR
            )

    def clean(self) -> Any:
        """Days that leave a lot outside are refused."""
        data = super().clean()
        first, end = data.get("valid_from"), data.get("valid_to")
        for lot in self.instance.lots.all() if self.instance.pk and first else ():
            too_long = end is not None and (lot.valid_to is None or lot.valid_to > end)
            if lot.valid_from < first or too_long:
                raise ValidationError(
                    _("Lot %(lot)s has days outside: change the lot first."),
                    params={"lot": lot.code},
                )
        return data


@admin.register(CollectionContract)
class ContractAdmin(KeptAdmin):
    """Contracts; one with a statement keeps its contractor and beginning."""

    form = ContractForm
    list_display = ("number", "name", "contractor", "valid_from", "valid_to")
    list_select_related = ("contractor",)
    search_fields = ("number", "name", "name_en")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What statements were drawn up by stays."""
        if obj is not None and obj.statements.exists():
            return ("city", "number", "contractor", "valid_from")
        return ()


class LotForm(forms.ModelForm):
    """A lot, with the beats of whole areas taken into it."""

    areas = forms.ModelMultipleChoiceField(
        Area.objects.filter(valid_to=None).defer("geometry").order_by("code"),
        required=False,
        label=_("take the beats of these areas"),
        help_text=_("districts, streets or communities; for all days of the lot"),
    )

    class Meta:
        model = ContractLot
        fields = ("contract", "code", "name", "name_en", "valid_from", "valid_to")

    def clean(self) -> Any:
        """The lot lies within its contract, and its beats in no other lot."""
        data = super().clean()
        contract = data.get("contract") or getattr(self.instance, "contract", None)
        _within(data, contract, _("The lot lies within the days of its contract."))
        if data.get("areas") and not self.errors:
            self._take(data["areas"], data)
        return data

    def _take(self, areas: Any, data: dict[str, Any]) -> None:
        first = data.get("valid_from") or self.instance.valid_from
        beats = beats_in(areas, first)
        if not beats.exists():
            raise ValidationError({"areas": _("There is no beat in these areas on that day.")})
        lot = ContractLot(pk=self.instance.pk, valid_from=first, valid_to=data.get("valid_to"))
        other = beats_taken(lot, beats).select_related("lot", "beat").first()
        if other is not None:
            said = {"beat": other.beat.code, "lot": other.lot.code}
            raise ValidationError({"areas": in_another_lot(said)})
        self.taken = beats


@admin.register(ContractLot)
class LotAdmin(KeptAdmin):
    """Lots of contracts and what beats they have."""

    form = LotForm
    list_display = ("code", "name", "contract", "valid_from", "valid_to", "beat_count")
    list_filter = ("contract",)
    list_select_related = ("contract",)
    search_fields = ("code", "name", "name_en")

    @admin.display(description=_("beats"))
    def beat_count(self, lot: ContractLot) -> int:
        """How many beats it has or had."""
        return lot.beats.count()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A lot with issued statements keeps its contract, code and beginning."""
        if obj is not None and issued_until(obj) is not None:
            return ("contract", "code", "valid_from")
        return ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """End beats with the lot; take those of the areas."""
        super().save_model(request, obj, form, change)
        lot_end_beats(obj)
        beats = getattr(form, "taken", None)
        if beats is not None:
            lot_take_beats(lot=obj, beats=beats)


class LotBeatForm(forms.ModelForm):
    """A beat of a lot, within the lot's days."""

    class Meta:
        model = LotBeat
        fields = ("lot", "beat", "valid_from", "valid_to")

    def clean(self) -> Any:
        """Days without an end are the lot's; what was issued stays."""
        data = super().clean()
        lot = data.get("lot") or getattr(self.instance, "lot", None)
        if lot is not None and data.get("valid_to") is None:
            data["valid_to"] = lot.valid_to
        _within(data, lot, _("The beat lies within the days of its lot."))
        return data


@admin.register(LotBeat)
class LotBeatAdmin(KeptAdmin):
    """Single beats: moved from one lot to another from a day on."""

    form = LotBeatForm
    list_display = ("beat", "lot", "valid_from", "valid_to")
    list_filter = ("lot",)
    list_select_related = ("beat", "lot")
    raw_id_fields = ("beat",)
    search_fields = ("beat__code", "beat__name")


class TermsForm(forms.ModelForm):
    """Terms with their amounts in yuan; a day of an issued statement keeps its terms."""

    fee = MoneyField(label=_("fee a month, in yuan"))
    report = MoneyField(label=_("price of a valid report beyond these"), required=False)
    ceiling = MoneyField(
        label=_("at most for reports in a month"), required=False, help_text=_("empty: no limit")
    )
    shortfall = MoneyField(label=_("off for each valid report too few"), required=False)
    missed = MoneyField(label=_("off for each missed case"), required=False)

    class Meta:
        model = LotTerms
        fields = (
            "lot", "valid_from", "included_count", "confirm_steps", "check_steps", "most_deducted",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in MONEY if self.instance.pk else ():
            if name in self.fields:
                self.fields[name].initial = getattr(self.instance, f"{name}_fen")

    def clean(self) -> Any:
        """Carry the amounts over, so that the model's checks see them."""
        data = super().clean()
        for name in MONEY:
            fen = data.get(name)
            setattr(self.instance, f"{name}_fen", fen if name == "ceiling" else fen or 0)
        lot, first = data.get("lot"), data.get("valid_from")
        until = issued_until(lot) if lot and first else None
        if until is not None and first < until:
            raise ValidationError({"valid_from": _("Statements of this day were issued already.")})
        return data


@admin.register(LotTerms)
class LotTermsAdmin(KeptAdmin):
    """Versions of terms; one by which a statement was issued stays as it is."""

    form = TermsForm
    fields = (
        "lot", "valid_from", "fee", "included_count", "report", "ceiling", "shortfall", "missed",
        "confirm_steps", "check_steps", "most_deducted",
    )  # fmt: skip
    list_display = ("lot", "valid_from", "fee", "included_count", "most_deducted")
    list_filter = ("lot__contract",)
    list_select_related = ("lot",)

    @admin.display(description=_("fee a month, in yuan"))
    def fee(self, terms: LotTerms) -> str:
        """The fee as people read it."""
        return money_text(terms.fee_fen)

    @admin.display(description=_("price of a valid report beyond these"))
    def report(self, terms: LotTerms) -> str:
        """The price as people read it."""
        return money_text(terms.report_fen)

    @admin.display(description=_("at most for reports in a month"))
    def ceiling(self, terms: LotTerms) -> str:
        """The ceiling as people read it."""
        return "" if terms.ceiling_fen is None else money_text(terms.ceiling_fen)

    @admin.display(description=_("off for each valid report too few"))
    def shortfall(self, terms: LotTerms) -> str:
        """The amount as people read it."""
        return money_text(terms.shortfall_fen)

    @admin.display(description=_("off for each missed case"))
    def missed(self, terms: LotTerms) -> str:
        """The amount as people read it."""
        return money_text(terms.missed_fen)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was issued by them is looked at."""
        may = super().has_change_permission(request, obj)
        if obj is None:
            return may
        until = issued_until(obj.lot)
        return may and (until is None or obj.valid_from >= until)


@admin.register(ContractStatement)
class ContractStatementAdmin(ReadOnlyAdmin):
    """Statements are drawn up and issued on their pages."""

    list_display = ("contract", "first_date", "number", "state", "total_text", "sha256")
    list_filter = ("state", "contract")
    list_select_related = ("contract",)

    @admin.display(description=_("sum of the lines"))
    def total_text(self, statement: ContractStatement) -> str:
        """The sum as people read it."""
        return money_text(statement.total_fen)
