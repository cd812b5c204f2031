"""Routing rules in the admin: the draft is edited, looked at, tried on real cases, published."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.models import City
from cases.admin import ReadOnlyAdmin
from common import clock
from common.errors import DomainError
from common.text import whole_number
from components.admin import KeptAdmin
from dispatch.funds import admin as funds_admin  # noqa: F401  its pages register themselves
from dispatch.models import AutomaticType, PublishedRules, RoutingRule, RuleCooperation
from dispatch.routing.dry_run import SIZES
from dispatch.routing.facts import book_of
from dispatch.routing.review import draft_dry_run, draft_words, lines, review
from dispatch.routing.services import draft_take_back, rules_publish
from dispatch.routing.words import Words
from dispatch.squads import admin as squads_admin  # noqa: F401


def the_city() -> City:
    """Return the city of this installation."""
    return City.objects.earliest("pk")


def version_sent(request: HttpRequest) -> int | None:
    """Return the number of the version that a form names; None for nonsense."""
    return whole_number(request.POST.get("number", ""), 8)


class CooperationInline(admin.TabularInline):
    """Who helps."""

    model = RuleCooperation
    extra = 0
    autocomplete_fields = ("organisation",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may edit the draft may take a line out of it."""
        return self.has_change_permission(request, obj)


@admin.register(RoutingRule)
class RoutingRuleAdmin(KeptAdmin):
    """The draft of the rules, in their order; nothing follows them before they are published."""

    list_display = ("position", "name", "when", "who", "is_automatic", "is_enabled")
    list_display_links = ("name",)
    list_editable = ("position", "is_enabled")
    list_per_page = 500
    ordering = ("position", "pk")
    search_fields = ("code", "name", "name_en__icontains")
    autocomplete_fields = ("types", "areas", "management_areas", "lead_organisation")
    filter_horizontal = ("type_classes",)
    inlines = (CooperationInline,)
    change_list_template = "admin/dispatch/routingrule/change_list.html"
    change_form_template = "admin/dispatch/routingrule/change_form.html"
    fieldsets: ClassVar = (
        (None, {"fields": ("position", "is_enabled", "name", "name_en", "code")}),
        (
            _("When it applies"),
            {
                "fields": (
                    "kind",
                    "types",
                    "type_classes",
                    "bodies",
                    "areas",
                    "management_areas",
                    "zone_grades",
                    "sources",
                    ("day_kind", "from_time", "to_time"),
                    ("contract", "valid_from", "valid_to"),
                ),
                "description": _("What is left empty does not matter. All that is set must hold."),
            },
        ),
        (
            _("Who handles the case then"),
            {
                "fields": (
                    "lead_by",
                    "lead_organisation",
                    "lead_level",
                    "lead_trade",
                    "is_automatic",
                    "note",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """The rules, with their words worked out once a request."""
        return super().get_queryset(request).select_related("lead_organisation")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The code is what figures are counted by."""
        return ("code",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else {"code": ("name_en",)}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        last = RoutingRule.objects.order_by("-position").values_list("position", flat=True).first()
        return {"position": (last or 0) + 10}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """There is one city."""
        if obj.city_id is None:
            obj.city = the_city()
        super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Work out the words of all rules once."""
        self._words = draft_words(the_city())
        return super().changelist_view(request, extra_context)

    @admin.display(description=_("when"))
    def when(self, row: RoutingRule) -> str:
        """Return the conditions in words."""
        conditions, _lead = self._words.get(row.pk, ([], ""))
        return " · ".join(conditions) or _now("always")

    @admin.display(description=_("who leads"))
    def who(self, row: RoutingRule) -> str:
        """Return the lead in words."""
        return self._words.get(row.pk, ([], ""))[1]

    # ── looking, trying, publishing ───────────────────────────────────────────────────────────

    def get_urls(self) -> list[URLPattern]:
        """Add what can be done with the draft."""
        site = self.admin_site
        return [
            path("review/", site.admin_view(self.review_view), name="dispatch_routingrule_review"),
            path(
                "publish/",
                site.admin_view(require_POST(self.publish_view)),
                name="dispatch_routingrule_publish",
            ),
            path(
                "take-back/",
                site.admin_view(require_POST(self.take_back_view)),
                name="dispatch_routingrule_take_back",
            ),
            *super().get_urls(),
        ]

    def review_view(self, request: HttpRequest) -> HttpResponse:
        """Show the draft in words, what is wrong with it, and what it would change."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        city, now = the_city(), clock.now()
        seen = review(city, now)
        wanted = request.GET.get("cases", "")
        count = int(wanted) if wanted in map(str, SIZES) else None
        run = draft_dry_run(city, seen, count, now) if count else None
        versions = PublishedRules.objects.filter(city=city).select_related("published_by")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Look at the rules and try them"),
            "opts": self.opts,
            "review": seen,
            "sizes": SIZES,
            "count": count,
            "run": run,
            "versions": versions[:20],
            "may_publish": self.has_change_permission(request),
        }
        return TemplateResponse(request, "admin/dispatch/routingrule/review.html", context)

    def publish_view(self, request: HttpRequest) -> HttpResponse:
        """Publish the draft that was looked at."""
        sent, number = request.POST, version_sent(request)

        def publish() -> str:
            rules = rules_publish(
                city=the_city(),
                actor=request.user,  # type: ignore[arg-type]
                now=clock.now(),
                note=sent.get("note", ""),
                digest=sent.get("digest", ""),
                number=number if number is not None else -1,
            )
            return _now("Version %(number)s holds from now on.") % {"number": rules.number}

        return self._act(request, publish)

    def take_back_view(self, request: HttpRequest) -> HttpResponse:
        """Make the draft what a version was."""
        number = version_sent(request) or 0

        def take_back() -> str:
            draft_take_back(city=the_city(), number=number)
            return _now("The draft is as version %(number)s was.") % {"number": number}

        return self._act(request, take_back)

    def _act(self, request: HttpRequest, act: Any) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            messages.success(request, act())
        except DomainError as refusal:
            said = [text for texts in refusal.fields.values() for text in texts]
            for sentence in [refusal.message, *said][:20]:
                messages.error(request, str(sentence))
        return HttpResponseRedirect(reverse("admin:dispatch_routingrule_review"))


@admin.register(AutomaticType)
class AutomaticTypeAdmin(admin.ModelAdmin):
    """Types whose cases the system gives out by itself; of the draft, published with the rules."""

    list_display = ("type",)
    list_select_related = ("type",)
    fields = ("type",)
    autocomplete_fields = ("type",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may edit the draft may take a type out of it."""
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """There is one city."""
        if obj.city_id is None:
            obj.city = the_city()
        super().save_model(request, obj, form, change)


@admin.register(PublishedRules)
class PublishedRulesAdmin(ReadOnlyAdmin):
    """What was published, as it was: nobody changes it."""

    list_display = ("number", "published_at", "published_by", "note")
    list_select_related = ("published_by",)
    fields = ("number", "published_at", "published_by", "note", "rules")
    readonly_fields = fields

    @admin.display(description=_("rules"))
    def rules(self, row: PublishedRules) -> str:
        """Return the rules in words, and what the system gives out by them."""
        book = book_of(row.pk)
        said = [
            (
                f"{place}. {line.name}",
                " · ".join(line.conditions) or _now("always"),
                f"{line.lead} ({_now('given out by the system')})"
                if line.rule.is_automatic
                else line.lead,
            )
            for place, line in enumerate(lines(book), 1)
        ]
        if types := Words(book).automatic_types():
            said.append(
                (_now("Types given out by the system"), types, _now("whoever the rules lead to"))
            )
        return format_html_join("", "<p><strong>{}</strong><br>{}<br>→ {}</p>", said)
