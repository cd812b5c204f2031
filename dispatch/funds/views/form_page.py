"""One page for everything that is asked and sent about a fund or a work.

The same address is a page, and a fragment for htmx. A form sent twice acts once and is answered
the same; a refusal keeps what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django_htmx.http import HttpResponseClientRedirect

from accounts.idempotency import run_once
from cases.views.actions import chosen_photos, refusal, safe_address, sent_body
from common import clock
from common.errors import DomainError
from dispatch.funds.forms import FundForm


@dataclass(slots=True)
class FormPage:
    """What is asked, in which words, and what is done with the answers."""

    request: HttpRequest
    label: str | Promise
    icon: str
    subject: str  # the number of the case, the name of the fund: shown beside the label
    default_back: str
    form: type[FundForm]
    run: Callable[[dict[str, Any], datetime], Any]
    choices: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    is_danger: bool = False
    consequence: str | Promise = ""

    def response(self) -> HttpResponse:
        """Ask, or do it and go back."""
        if self.request.method != "POST":
            form = self.form(initial={**self.initial, "key": str(uuid4())}, **self.choices)
            return self._answer(form)
        key = self.request.POST.get("key", "")
        if not 0 < len(key) <= 100:
            raise Http404
        form = self.form(self.request.POST, **self.choices)
        if not form.is_valid():
            return self._answer(form, status=400)
        try:
            self._send(form.cleaned_data, key)
        except DomainError as refused:
            return self._refused(form, refused)
        messages.success(self.request, f"{self.subject}: {self.label}.")
        return HttpResponseClientRedirect(self.back) if self.request.htmx else redirect(self.back)

    @property
    def back(self) -> str:
        """Where the reader came from."""
        sent = self.request.POST.get("next") or self.request.GET.get("next", "")
        return safe_address(self.request, sent, self.default_back)

    def _send(self, data: dict[str, Any], key: str) -> None:
        now = clock.now()

        def act() -> tuple[int, str]:
            self.run(data, now)
            return 200, ""

        run_once(
            user=self.request.user,
            key=key,
            operation=f"page:{self.request.path}",
            body=sent_body(self.request),
            now=now,
            act=act,
        )

    def _refused(self, form: FundForm, error: DomainError) -> HttpResponse:
        """Ask again with a new key: a refused form may be sent again."""
        data = self.request.POST.copy()
        data["key"] = str(uuid4())
        form = self.form(data, **self.choices)
        if form.is_valid():
            form.add_domain_errors(error)
        return self._answer(form, error=refusal(error), status=error.status)

    def _answer(
        self, form: FundForm, *, error: dict[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        context = {
            "form": form,
            "case": SimpleNamespace(number=self.subject),
            "action": {
                "label": self.label,
                "icon": self.icon,
                "url": self.request.path,
                "is_danger": self.is_danger,
                "consequence": self.consequence,
            },
            "error": error,
            "back": self.back,
            "in_dialog": bool(self.request.htmx),
            "photos": chosen_photos(self.request),
            "now": clock.now(),
        }
        template = "ui/_action_form.html" if self.request.htmx else "cases/action.html"
        return render(self.request, template, context, status=status)
