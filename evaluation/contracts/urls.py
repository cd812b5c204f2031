"""Addresses of the pages of collection contracts, among those of evaluation."""

from django.urls import path

from evaluation.contracts import views

urlpatterns = [
    path("", views.contracts, name="contracts"),
    path("<int:contract_id>/draw/", views.statement_new, name="statement-draw"),
    path("statements/<int:statement_id>/", views.statement, name="statement"),
    path("statements/<int:statement_id>/pdf/", views.statement_print, name="statement-pdf"),
    path("statements/<int:statement_id>/cases/", views.statement_cases, name="statement-cases"),
    path("statements/<int:statement_id>/compute/", views.statement_anew, name="statement-compute"),
    path("statements/<int:statement_id>/issue/", views.statement_out, name="statement-issue"),
    path("statements/<int:statement_id>/agree/", views.statement_yes, name="statement-agree"),
    path("statements/<int:statement_id>/appeal/", views.appeal_new, name="line-appeal"),
    path(
        "appeals/<int:line_appeal_id>/<slug:answer>/",
        views.appeal_answer,
        name="line-appeal-answer",
    ),
    path("deductions/", views.deductions, name="deductions"),
    path(
        "deductions/<int:deduction_id>/withdraw/",
        views.deduction_back,
        name="deduction-withdraw",
    ),
]
