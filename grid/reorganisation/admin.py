"""Reorganisations in the admin: a plan is sent in, looked at, applied, completed, undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.models import City
from common import clock
from common.errors import DomainError
from grid.models import Reorganisation, ReorganisationLine
from grid.reorganisation.plan import MAX_BYTES, read_plan
from grid.reorganisation.report import open_line, sections
from grid.reorganisation.services import (
    reorganisation_apply,
    reorganisation_decide,
    reorganisation_preview,
    reorganisation_read,
    reorganisation_undo,
)


class PlanForm(forms.ModelForm):
    """A plan's file, its name and its day."""

    file = forms.FileField(
        label=_("file of the plan"),
        help_text=_("CSV with the columns old_code, new_code and, where needed, name, parent, …"),
    )
    effective_date = forms.DateField(
        label=_("takes effect on"),
        required=False,
        help_text=_("Empty: the day that the file names."),
        widget=admin.widgets.AdminDateWidget,
    )

    class Meta:
        model = Reorganisation
        fields = ("name", "file", "effective_date")

    def clean(self) -> dict[str, Any]:
        """Refuse a file that is no plan, with what is wrong with it."""
        sent = self.cleaned_data
        if (file := sent.get("file")) is None:
            return sent
        data = file.read(MAX_BYTES + 1)
        try:
            _lines, day = read_plan(data)
        except DomainError as refusal:
            self.add_error("file", [str(sentence) for sentence in refusal.fields["plan"][:20]])
            return sent
        sent["data"], sent["effective_date"] = data, sent.get("effective_date") or day
        if sent["effective_date"] is None:
            self.add_error("effective_date", gettext("Say from which day the plan takes effect."))
        return sent

    def _post_clean(self) -> None:
        """The service makes the row."""


class DecisionForm(forms.Form):
    """What comes after an area, or where a founded one lies."""

    successors = forms.CharField(required=False, max_length=120)
    name = forms.CharField(required=False, max_length=60)
    cells = forms.CharField(required=False, max_length=5_000)
    reason = forms.CharField(required=False, max_length=300)


@admin.register(Reorganisation)
class ReorganisationAdmin(admin.ModelAdmin):
    """Plans by which areas change."""

    list_display = ("name", "effective_date", "state", "applied_at")
    list_filter = ("state",)
    search_fields = ("name",)
    readonly_fields = ("name", "effective_date", "state", "applied_at")
    fields = readonly_fields
    add_form: ClassVar = PlanForm
    change_form_template = "admin/grid/reorganisation/change_form.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was planned and done stays."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else PlanForm.Meta.fields

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_form(request, obj, **kwargs) if obj else PlanForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Read the plan in."""
        if change:
            return
        sent = form.cleaned_data
        plan = reorganisation_read(
            city=City.objects.earliest("pk"),
            name=sent["name"],
            data=sent["data"],
            now=clock.now(),
            actor=request.user,  # type: ignore[arg-type]
            effective_date=sent["effective_date"],
        )
        obj.pk, obj.name = plan.pk, plan.name

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """Show the preview."""
        return HttpResponseRedirect(self._page(obj.pk))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Add the preview, the open lines and the history."""
        plan = self.get_object(request, unquote(object_id))
        return super().change_view(
            request,
            object_id,
            form_url,
            {**(extra_context or {}), **(_shown(plan) if plan else {})},
        )

    def get_urls(self) -> list[URLPattern]:
        """Add what can be done with a plan."""
        acts: dict[str, Callable[..., HttpResponse]] = {
            "apply": self.apply_view,
            "undo": self.undo_view,
        }
        ours = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"grid_reorganisation_{name}",
            )
            for name, view in acts.items()
        ]
        decide = path(
            "<path:object_id>/lines/<int:line>/",
            self.admin_site.admin_view(require_POST(self.decide_view)),
            name="grid_reorganisation_decide",
        )
        return [*ours, decide, *super().get_urls()]

    def apply_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let the plan hold."""
        return self._act(request, object_id, reorganisation_apply, _("The plan holds."))

    def undo_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take the plan back."""
        return self._act(request, object_id, reorganisation_undo, _("Everything is as before."))

    def decide_view(self, request: HttpRequest, object_id: str, line: int) -> HttpResponse:
        """Decide one open line."""
        plan = self._plan(request, object_id)
        row = plan.lines.filter(pk=line).first()
        form = DecisionForm(request.POST)
        if row is None:
            raise Http404
        if not form.is_valid():
            messages.error(request, " ".join(str(e) for f in form.errors.values() for e in f))
            return HttpResponseRedirect(self._page(plan.pk))
        sent = form.cleaned_data

        def decide(**given: Any) -> None:
            del given["reorganisation"]
            sent["successors"] = sent["successors"].replace(",", " ").split()
            reorganisation_decide(line=row, **sent, **given)

        return self._act(request, object_id, decide, _("Decided."))

    def _act(
        self, request: HttpRequest, object_id: str, service: Callable[..., Any], done: Any
    ) -> HttpResponse:
        plan = self._plan(request, object_id)
        try:
            service(reorganisation=plan, now=clock.now(), actor=request.user)
        except DomainError as refusal:
            for sentences in refusal.fields.values() or [[refusal.message]]:
                for sentence in list(sentences)[:20]:
                    messages.error(request, str(sentence))
        else:
            messages.success(request, done)
        return HttpResponseRedirect(self._page(plan.pk))

    def _plan(self, request: HttpRequest, object_id: str) -> Reorganisation:
        plan = self.get_object(request, unquote(object_id))
        if plan is None:
            raise Http404
        if not self.has_change_permission(request, plan):
            raise PermissionDenied
        return plan

    def _page(self, pk: int) -> str:
        return reverse("admin:grid_reorganisation_change", args=[pk])


def _shown(plan: Reorganisation) -> dict[str, Any]:
    """Return what the page says of a plan beside its fields."""
    is_applied = plan.state == Reorganisation.State.APPLIED
    seen, stakes = reorganisation_preview(plan)
    shown: dict[str, Any] = {
        "is_applied": is_applied,
        "open_lines": [(line, open_line(line)) for line in seen.undecided],
        "decided_lines": ReorganisationLine.objects.filter(reorganisation=plan)
        .exclude(decided_at=None)
        .select_related("decided_by"),
        "steps": plan.steps.select_related("actor"),
        "show_save": False,
        "show_save_and_continue": False,
    }
    if not is_applied:
        shown |= {"preview": sections(seen, stakes), "problems": seen.problems}
    return shown
