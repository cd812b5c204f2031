"""Addresses of the cases app's pages."""

from django.urls import path

from cases.views.acceptance import acceptance, acceptance_details, acceptance_hold
from cases.views.actions import case_action
from cases.views.call import call, call_caller, call_near
from cases.views.cases import case_detail, case_list, case_similar
from cases.views.clocks import clock_detail
from cases.views.files import case_file, case_verdict
from cases.views.photos import photo_file
from cases.views.phrases import phrase_dropped, phrases
from cases.views.plates import plate, plate_entry
from cases.views.search import search
from cases.views.tasks import report, task, tasks
from cases.views.types import type_options

app_name = "cases"

urlpatterns = [
    path("acceptance/", acceptance, name="acceptance"),
    path("acceptance/call/", call, name="call"),
    path("acceptance/call/caller/", call_caller, name="call-caller"),
    path("acceptance/call/near/", call_near, name="call-near"),
    path("acceptance/<str:number>/details/", acceptance_details, name="acceptance-details"),
    path("acceptance/<str:number>/hold/", acceptance_hold, name="acceptance-hold"),
    path("tasks/", tasks, name="tasks"),
    path("tasks/report/", report, name="report"),
    path("tasks/<str:number>/", task, name="task"),
    path("photos/<int:photo_id>/<str:size>/", photo_file, name="photo"),
    path("q/", plate_entry, name="plate-entry"),
    path("q/<str:code>", plate, name="plate"),
    path("phrases/", phrases, name="phrases"),
    path("phrases/<int:phrase_id>/drop/", phrase_dropped, name="phrase-dropped"),
    path("search/", search, name="search"),
    path("types/", type_options, name="type-options"),
    path("cases/", case_list, name="list"),
    path("cases/<str:number>/", case_detail, name="detail"),
    path("cases/<str:number>/verdict/", case_verdict, name="verdict"),
    path("cases/<str:number>/similar/", case_similar, name="similar"),
    path("cases/<str:number>/file/", case_file, name="file"),
    path("cases/<str:number>/clocks/<int:clock_id>/", clock_detail, name="clock"),
    path("cases/<str:number>/actions/<slug:action>/", case_action, name="act"),
]
