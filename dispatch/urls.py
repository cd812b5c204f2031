"""Addresses of the dispatch app's pages."""

from django.urls import path

from dispatch.rollout.views import desks
from dispatch.routing.views import rule_cases, rules
from dispatch.views import dispatch, inbox

app_name = "dispatch"

urlpatterns = [
    path("dispatch/", dispatch, name="dispatch"),
    path("dispatch/desks/", desks, name="desks"),
    path("dispatch/rules/", rules, name="rules"),
    path("dispatch/rules/cases/", rule_cases, name="rule-cases"),
    path("inbox/", inbox, name="inbox"),
]
