"""Plates in the admin: seen, revoked, printed; given to chosen components."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from common import clock
from common.errors import DomainError
from components.models import Component, Plate
from components.plates.codes import CODE_LENGTH
from components.plates.selectors import plates_of
from components.plates.services import plates_give
from components.plates.views import print_document

CHOSEN_AT_MOST = 5_000  # by hand; more by community and type on the plates' page


@admin.action(description=_("Give plates"), permissions=("change",))
def give_plates(page: Any, request: HttpRequest, queryset: QuerySet[Component]) -> None:
    """Give a plate to each chosen component in use that has none."""
    given = plates_give(actor=request.user, components=_plain(queryset), now=clock.now())
    text = ngettext("%(count)d plate was given.", "%(count)d plates were given.", given)
    page.message_user(request, text % {"count": given})


@admin.action(description=_("Print the plates"), permissions=("change",))
def print_plates(page: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
    """Make the sheets of the chosen plates, or of the chosen components' plates."""
    if queryset.model is Component:
        queryset = plates_of(_plain(queryset))
    ids = sorted(queryset.filter(state=Plate.State.ACTIVE).values_list("pk", flat=True))
    title = _("Chosen plates")
    try:
        return print_document(
            request, str(title), {"plates": ids[:CHOSEN_AT_MOST]}, len(ids), clock.now()
        )
    except DomainError as refused:
        page.message_user(request, refused.message, messages.ERROR)
        return None


def _plain(queryset: QuerySet[Component]) -> QuerySet[Component]:
    return Component.objects.filter(pk__in=queryset.order_by().values("pk"))


@admin.register(Plate)
class PlateAdmin(admin.ModelAdmin):
    """Every plate there was; what happens to one happens on its own page."""

    list_display = ("grouped_code", "component", "state", "given_at", "printed_at", "reason")
    list_filter = ("state", "reason")
    list_select_related = ("component",)
    search_fields = ("code__startswith", "component__code__startswith")
    show_full_result_count = False
    ordering = ("-id",)
    actions = (print_plates,)
    fields = (
        "page", "component", "state", "given_at", "given_by", "printed_at", "revoked_at",
        "revoked_by", "reason", "note", "replaced_by",
    )  # fmt: skip
    readonly_fields: ClassVar = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Plate], search_term: str
    ) -> tuple[QuerySet[Plate], bool]:
        """Find a code as it is printed, in groups and any case."""
        plain = search_term.replace("-", "").replace(" ", "").upper()
        is_part = plain.isalnum() and len(plain) <= CODE_LENGTH
        return super().get_search_results(request, queryset, plain if is_part else search_term)

    @admin.display(description=_("code of the plate"), ordering="code")
    def grouped_code(self, plate: Plate) -> str:
        """Return the code as it is printed."""
        return str(plate)

    @admin.display(description=_("page of the plate"))
    def page(self, plate: Plate) -> str:
        """Link to where it is revoked, replaced and printed."""
        return format_html('<a href="{}">{}</a>', reverse("plates:plate", args=[plate.code]), plate)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Plates are given to components."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Codes are never reused."""
        return False
