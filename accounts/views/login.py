"""Logging in and out, and the way from the front door to one's desk."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.i18n import set_language

from accounts.services import user_set_language
from common.errors import DomainError


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    """The log-in page; whoever is logged in already goes to their desk."""

    redirect_authenticated_user = True


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send people to the desk of their first role."""
    if request.user.home == "/":
        message = _("Your account has no role yet: ask your administrator.")
        raise DomainError("role_refused", message, status=403)
    return redirect(request.user.home)


@login_not_required
def language(request: HttpRequest) -> HttpResponse:
    """Switch the language of the pages: of this browser, and for good of whoever is logged in."""
    if request.method == "POST" and request.user.is_authenticated:
        user_set_language(user=request.user, language=request.POST.get("language", ""))
    return set_language(request)
