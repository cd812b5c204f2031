"""Addresses of the pages of collection contracts, among those of evaluation."""

from django.urls import path

from evaluation.contracts.views import appeals, contracts, deductions, statements

urlpatterns = [
    path("", contracts.contracts, name="contracts"),
    path("<int:contract_id>/draw/", contracts.statement_new, name="statement-draw"),
    path("statements/<int:statement_id>/", statements.statement, name="statement"),
    path("statements/<int:statement_id>/pdf/", statements.statement_print, name="statement-pdf"),
    path(
        "statements/<int:statement_id>/cases/", statements.statement_cases, name="statement-cases"
    ),
    path(
        "statements/<int:statement_id>/compute/",
        statements.statement_anew,
        name="statement-compute",
    ),
    path("statements/<int:statement_id>/issue/", statements.statement_out, name="statement-issue"),
    path("statements/<int:statement_id>/agree/", statements.statement_yes, name="statement-agree"),
    path("statements/<int:statement_id>/appeal/", appeals.appeal_new, name="line-appeal"),
    path(
        "appeals/<int:line_appeal_id>/<slug:answer>/",
        appeals.appeal_answer,
        name="line-appeal-answer",
    ),
    path("deductions/", deductions.deductions, name="deductions"),
    path(
        "deductions/<int:deduction_id>/withdraw/",
        deductions.deduction_back,
        name="deduction-withdraw",
    ),
]
