"""Admin of the funds: what a city sets; the books can only be read here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cases.admin import ReadOnlyAdmin
from common.money import money_text
from components.admin import KeptAdmin
from dispatch.funds.forms import MoneyField
from dispatch.funds.models import Fund, JournalEntry, Posting, ProxyThreshold


@admin.register(Fund)
class FundAdmin(KeptAdmin):
    """Funds are set up here; budgets are entered by the leader on the fund's page."""

    list_display = ("name", "code", "district", "is_active")
    list_select_related = ("district",)
    search_fields = ("name", "code")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A fund with books keeps its city and code."""
        return ("city", "code") if obj and obj.years.exists() else ()


class ThresholdForm(forms.ModelForm):
    """A threshold with its amount in yuan."""

    from_yuan = MoneyField(label=_("From, in yuan"))

    class Meta:
        model = ProxyThreshold
        fields = ("city", "quote_count", "accepted_by", "overrun_percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["from_yuan"].initial = self.instance.from_fen

    def clean(self) -> Any:
        data = super().clean()
        self.instance.from_fen = data.get("from_yuan") or 0
        city = data.get("city")
        others = ProxyThreshold.objects.filter(city=city, from_fen=self.instance.from_fen)
        if city and others.exclude(pk=self.instance.pk).exists():
            self.add_error("from_yuan", _("There is a threshold of this amount already."))
        return data


@admin.register(ProxyThreshold)
class ProxyThresholdAdmin(admin.ModelAdmin):
    """What a work of a size needs."""

    form = ThresholdForm
    fields = ("city", "from_yuan", "quote_count", "accepted_by", "overrun_percent")
    list_display = ("from_text", "quote_count", "accepted_by", "overrun_percent")

    @admin.display(description=_("from, in yuan"), ordering="from_fen")
    def from_text(self, row: ProxyThreshold) -> str:
        """The amount as people read it."""
        return money_text(row.from_fen)


class PostingInline(admin.TabularInline):
    """The sides of an entry."""

    model = Posting
    fields = ("account_kind", "amount_text")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody posts here."""
        return False

    @admin.display(description=_("account"))
    def account_kind(self, row: Posting) -> str:
        """What the account holds."""
        return row.account.get_kind_display()

    @admin.display(description=_("amount in yuan"))
    def amount_text(self, row: Posting) -> str:
        """The amount as people read it."""
        return money_text(row.amount_fen)


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """The journal nobody can rewrite."""

    inlines = (PostingInline,)
    list_display = ("number", "year", "kind", "amount_text", "work", "actor", "at")
    list_filter = ("kind",)
    list_select_related = ("year", "work", "actor")
    search_fields = ("work__case__number__exact",)
    ordering = ("-id",)

    @admin.display(description=_("amount in yuan"))
    def amount_text(self, row: JournalEntry) -> str:
        """The amount as people read it."""
        return money_text(row.amount_fen)
