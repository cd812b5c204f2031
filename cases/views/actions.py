"""One page for every action of a case: ask what it needs, send it through the door, say what came.

The same address is a page, and a fragment for htmx. A refusal keeps what was typed; a stale page
gets the case as it is now and the action at its new version, if it can still be done.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from accounts.idempotency import run_once
from cases.acceptor.merging import Sides, merge_sides
from cases.choices import cooperating_options
from cases.exceptions.decision import decision_panel
from cases.forms import TEXT_LENGTH, ActionForm, Subject, photo_ids
from cases.models import Case, Photo
from cases.presenters import action_button, case_row, look_of, photo_data
from cases.selectors import ActionOption, actions_for, case_get_visible
from cases.services import case_act
from cases.workflow import INNER_ACTIONS
from common import clock
from common.errors import DomainError
from common.templatetags.ui import named
from common.text import whole_number
from components.models import CaseType


def safe_address(request: HttpRequest, address: str, default: str) -> str:
    """Return an address of this site to go back to, else the default."""
    is_safe = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})
    return address if address and is_safe else default


class ActionPage:
    """What one request about one action works on."""

    def __init__(self, request: HttpRequest, case: Case, action: str) -> None:
        self.request = request
        self.case = case
        self.action = action
        self.now = clock.now()
        sent = request.POST.get("next") or request.GET.get("next", "")
        self.back = safe_address(request, sent, reverse("cases:detail", args=[case.number]))

    @property
    def option(self) -> ActionOption | None:
        """The action as this person may take it now; None when they may not."""
        options = actions_for(self.case, self.request.user, self.now)
        return next((option for option in options if option.action == self.action), None)

    @cached_property
    def sides(self) -> Sides | None:
        """The two reports of a merge side by side; None for every other action."""
        if self.action != "merge":
            return None
        wanted = self.request.POST.get("master") or self.request.GET.get("master", "")
        return merge_sides(case=self.case, user=self.request.user, now=self.now, wanted=wanted)

    def form(self, option: ActionOption, data: Any = None) -> ActionForm:
        subject = Subject(self.action, self.case, self.request.user, self.now)
        initial = {
            "version": self.case.version,
            "key": str(uuid4()),
            "request": option.request_id,
            "master": self.sides.master if self.sides else "",
            "note": self.request.GET.get("note", "")[:TEXT_LENGTH],
        }
        return ActionForm(
            data,
            subject=subject,
            requires=option.requires,
            optional=option.optional,
            initial=initial,
        )

    def send(self, fields: dict[str, Any], version: int, key: str) -> None:
        """Send the action through the door once, however often the form is sent."""

        def act() -> tuple[int, str]:
            case = case_act(
                case_id=self.case.pk,
                action=self.action,
                actor=self.request.user,
                now=self.now,
                version=version,
                idempotency_key=key,
                **fields,
            )
            return 200, case.number

        run_once(
            user=self.request.user,
            key=key,
            operation=f"page:{self.action}:{self.case.number}",
            body=sent_body(self.request),
            now=self.now,
            act=act,
        )

    def answer(
        self,
        form: ActionForm | None,
        option: ActionOption | None,
        *,
        error: dict[str, Any] | None = None,
        fresh: bool = False,
        status: int = 200,
    ) -> HttpResponse:
        """Render the questions, with what went wrong and the case as it is now."""
        label = option.label if option else _("This action")
        button = action_button(self.case, option, self.back) if option else None
        context = {
            "case": self.case,
            "form": form,
            "action": button or {"label": label, "icon": look_of(self.action).icon},
            "error": error,
            "fresh": case_row(self.case, self.now) if fresh else None,
            "back": self.back,
            "in_dialog": bool(self.request.htmx),
            "photos": chosen_photos(self.request),
            "closing_answers": closing_answers(self.case, form),
            "cooperating": cooperating(self.case, form, self.action),
            "type_words": type_words(form),
            "sides": self.sides if option else None,
            "now": self.now,
            "decision": decision_panel(self.case, self.action, self.now) if option else None,
        }
        template = "ui/_action_form.html" if self.request.htmx else "cases/action.html"
        return render(self.request, template, context, status=status)

    def go_back(self) -> HttpResponse:
        if self.request.htmx:
            return HttpResponseClientRedirect(self.back)
        return redirect(self.back)


def chosen_photos(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the photos a form carries already, sent or in its address; only the reader's own."""
    sent = request.POST or request.GET
    photos = Photo.objects.filter(pk__in=photo_ids(sent.getlist("photos")), owner=request.user)
    return [photo_data(photo) for photo in photos]


def type_words(form: ActionForm | None) -> str:
    """Return the type a form carries as its search field shows it."""
    code = form["type"].value() if form is not None and "type" in form.fields else ""
    found = CaseType.objects.filter(code=code).first() if code and "\x00" not in code else None
    return f"{found.code[1:]} {named(found)}" if found else ""


def closing_answers(case: Case, form: ActionForm | None) -> list[dict[str, Any]]:
    """Return each closing condition with what was answered so far."""
    sent: list[dict[str, Any]] = []
    if form is not None and form.is_bound and "closing_answers" in form.fields:
        sent = form["closing_answers"].value() or []
    blank = {"met": False, "remark": ""}
    return [
        {"condition": condition} | (sent[index] if index < len(sent) else blank)
        for index, condition in enumerate(case.closing_conditions)
    ]


def cooperating(case: Case, form: ActionForm | None, action: str) -> list[dict[str, Any]]:
    """Return the departments that may co-operate, where the action asks for them."""
    if form is None or "cooperating" not in form.fields:
        return []
    chosen = form["cooperating"].value() if form.is_bound else None
    return cooperating_options(case, chosen or [], is_adding=action == "add_sub_orders")


def refusal(error: DomainError) -> dict[str, Any]:
    """Return a refusal as the page says it: the sentence, the fields it is about, what was kept."""
    said = [sentence for sentences in error.fields.values() for sentence in sentences]
    return {
        "message": error.message,
        "details": [sentence for sentence in said if str(sentence) != str(error.message)],
        "kept": _("Nothing was changed. What you entered is kept below."),
    }


def sent_body(request: HttpRequest) -> dict[str, list[str]]:
    """Return the form as it was sent: the same when sent twice, whatever came between."""
    unsigned = ("csrfmiddlewaretoken", "search")
    return {name: values for name, values in request.POST.lists() if name not in unsigned}


def typed(request: HttpRequest) -> list[str]:
    """Return what the person wrote, to be copied where it is of use."""
    names = ("note", "reason", "reply", "text", "description")
    return [request.POST[name] for name in names if request.POST.get(name)]


@require_http_methods(["GET", "HEAD", "POST"])
def case_action(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Show the questions of an action, or send it."""
    if action in INNER_ACTIONS:
        raise Http404
    case = case_get_visible(user=request.user, number=number)
    page = ActionPage(request, case, action)
    option = page.option
    if request.method != "POST":
        if option is None:
            return _refused(
                page, DomainError("not_possible", _("You cannot do this now."), status=409)
            )
        return page.answer(page.form(option), option)
    return _sent(page, option)


def _sent(page: ActionPage, option: ActionOption | None) -> HttpResponse:
    sent = page.request.POST
    version, key = whole_number(sent.get("version", ""), 9), sent.get("key", "")
    if version is None or not 0 < len(key) <= 100:
        raise Http404
    form = page.form(option, page.request.POST) if option else None
    if form is not None and not form.is_valid():
        return page.answer(form, option, status=400)
    fields = form.door_fields() if form else {}
    try:
        page.send(fields, version, key)
    except DomainError as error:
        return _refused(page, error)
    label = option.label if option else page.action
    messages.success(
        page.request, _("%(number)s: %(action)s.") % {"number": page.case.number, "action": label}
    )
    return page.go_back()


def _refused(page: ActionPage, error: DomainError) -> HttpResponse:
    """Say why not; where the action is still possible, ask again at the version of now."""
    page = ActionPage(
        page.request,
        case_get_visible(user=page.request.user, number=page.case.number),
        page.action,
    )
    option = page.option
    if option is None:
        said = refusal(error) | {"kept": _("Nothing was changed."), "typed": typed(page.request)}
        return page.answer(None, None, error=said, fresh=True, status=error.status)
    data = page.request.POST.copy()
    data["version"], data["key"] = str(page.case.version), str(uuid4())
    form = page.form(option, data)
    if form.is_valid():
        form.add_door_errors(error)
    return page.answer(form, option, error=refusal(error), fresh=True, status=error.status)
