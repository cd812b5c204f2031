"""Every address of the installation and every role: the status each gets, in one list."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from cases.models import CasePhoto
from cases.services import case_report
from cases.workflow import State
from components.models import CaseStandard, Component, Plate
from components.plates.services import plates_give
from components.register.changes import change_ask
from components.register.models import ComponentChange
from tests.api.census.conftest import Census
from tests.api.funds.conftest import build_funds
from tests.cast import NOW, Cast, Story, browser_of, photo_of

PEOPLE = {  # column: log-in; two of a post where one is tied to the case and one is not
    "nobody": None,
    "COL": "collector_chen",  # reported the case
    "col": "collector_far",
    "ACC": "acceptor_wang",
    "SUP": "supervisor_zhao",
    "DSP": "dispatcher_li",  # the city's desk
    "dsp": "dispatcher_gongshu",
    "DEP": "clerk_sun",  # leads
    "dep": "head_shu",
    "PXY": "squad_gao",
    "LDR": "leader_tang",
    "INS": "inspector_he",
    "MAN": "manager_ma",  # of the reporter's contractor
    "ADM": "administrator_bai",
    "PAR": "partner_dong",
    "root": "root",  # superuser without a role
}

# GET; the patterns without their types.
ADDRESSES = """
                                        non COL col ACC SUP DSP dsp DEP dep PXY LDR INS MAN ADM PAR roo
-/live                                  200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
-/ready                                 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
-/metrics                               404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
i18n/setlang/                           302 302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
duties/                                 302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
duties/menu/                            302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
duties/<delegation_id>/take-back/       302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
duties/for/<principal_id>/              302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
duties/end/                             302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
filters/<page>/                         302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
filters/<page>/<filter_id>/<change>/    302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
admin/                                  302 302 302 302 302 302 302 302 302 302 302 302 302 200 302 200
api/v1/schema/                          200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/auth/token/                      405 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
api/v1/organisations/                   401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/areas/                           401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/grid/locate/                     401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/grid/cells/<code>/               401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/places/                          401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/places/words/                    401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/catalogue/types/                 401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/components/nearest/              401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/components/                      401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/components/<code>/               401 200 200 200 200 200 200 200 200 200 200 200 200 200 404 404
api/v1/components/<code>/changes/       401 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
api/v1/components/changes/<change_id>/<decision>/ 401 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
api/v1/cases/                           401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/cases/<number>/                  401 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
api/v1/cases/<number>/events/           401 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
api/v1/cases/<number>/actions/<action>/ 401 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
api/v1/meta/                            401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
api/v1/photos/                          401 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
api/v1/events/                          401 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
/                                       302 302 302 302 302 302 302 302 302 302 302 302 302 302 302 403
login/                                  200 302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
logout/                                 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
tiles/<layer>.json                      302 200 200 200 200 200 200 200 200 200 200 200 200 200 404 404
tiles/<layer>/<z>/<x>/<y>.mvt           302 200 200 200 200 200 200 200 200 200 200 200 200 200 404 404
wall/                                   302 403 403 200 200 403 403 403 403 403 200 200 403 200 403 403
wall/snapshot/                          302 403 403 200 200 403 403 403 403 403 200 200 403 200 403 403
wall/evaluation/                        302 403 403 200 200 403 403 403 403 403 200 200 403 200 403 403
wall/ground/                            302 403 403 200 200 403 403 403 403 403 200 200 403 200 403 403
wall/cards/                             302 403 403 404 404 403 403 403 403 403 404 404 403 404 403 403
wall/remote/<code>/                     302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
map/                                    302 200 200 200 200 200 200 200 200 200 200 200 200 200 403 403
map/search/                             302 200 200 200 200 200 200 200 200 200 200 200 200 200 403 403
map/components/<component_id>/          302 200 200 200 200 200 200 200 200 200 200 200 200 200 403 403
places/options/                         302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
communities/options/                    302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
components/plates/                      302 403 403 403 403 403 403 403 403 403 403 403 403 200 403 403
components/plates/<code>/               302 403 403 403 403 403 403 403 403 403 403 403 403 200 403 403
components/documents/                   302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
components/documents/<document_id>/file/ 302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
components/atlas/                       302 403 403 403 200 403 403 403 403 403 200 200 403 200 403 403
components/census/                      302 403 403 403 200 403 403 200 200 403 200 403 403 200 403 403
components/census/<survey_id>/          302 403 403 403 200 403 403 403 403 403 200 403 403 200 403 403
components/census/<survey_id>/progress/ 302 403 403 403 200 403 403 403 403 403 200 403 403 200 403 403
components/census/<survey_id>/preview/  302 403 403 403 200 403 403 403 403 403 403 403 403 200 403 403
components/census/<survey_id>/report/   302 403 403 403 200 403 403 403 403 403 200 403 403 200 403 403
components/census/<survey_id>/errors/   302 403 403 403 200 403 403 403 403 403 200 403 403 200 403 403
components/census/<survey_id>/act/<action>/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
components/census/<survey_id>/parts/<part_id>/ 302 403 403 403 200 403 403 403 403 403 200 403 403 200 403 403
components/census/<survey_id>/parts/<part_id>/<action>/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
components/census/<survey_id>/confirm/<body_id>/ 302 403 403 403 403 403 403 404 200 403 403 403 403 403 403 403
acceptance/                             302 403 403 200 403 403 403 403 403 403 403 403 403 403 403 403
acceptance/call/                        302 403 403 200 403 403 403 403 403 403 403 403 403 403 403 403
acceptance/<number>/details/            302 403 403 200 403 403 403 403 403 403 403 403 403 403 403 403
acceptance/call/caller/                 302 403 403 200 403 403 403 403 403 403 403 403 403 403 403 403
acceptance/call/near/                   302 403 403 200 403 403 403 403 403 403 403 403 403 403 403 403
acceptance/<number>/hold/               302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
tasks/                                  302 200 200 403 403 403 403 403 403 403 403 403 403 403 403 403
tasks/report/                           302 200 200 403 403 403 403 403 403 403 403 403 403 403 403 403
tasks/<number>/                         302 200 404 403 403 403 403 403 403 403 403 403 403 403 403 403
photos/<photo_id>/<size>/               302 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
q/                                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
q/<code>                                200 302 302 302 200 200 200 200 200 200 200 200 200 200 200 200
phrases/                                302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
phrases/<phrase_id>/drop/               302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
search/                                 302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
types/                                  302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
components/                             302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 403
components/exports/                     302 403 403 200 200 200 200 200 200 403 200 200 403 200 403 403
components/exports/<export_id>/file/    302 403 403 404 404 404 404 404 404 403 404 404 403 404 403 403
components/bodies/                      302 403 403 403 200 403 403 403 403 403 403 403 403 200 403 403
components/bodies/<body_change_id>/     302 403 403 403 404 403 403 403 403 403 403 403 403 404 403 403
components/changes/                     302 200 200 200 200 200 200 200 200 200 200 200 200 200 403 403
components/changes/<change_id>/         302 200 200 200 200 200 200 200 200 200 200 200 200 200 403 403
components/changes/<change_id>/<decision>/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
components/<code>/                      302 200 200 200 200 200 200 200 200 200 200 200 200 200 404 403
components/<code>/changes/<kind>/       302 200 200 200 200 200 200 200 403 403 200 200 403 200 403 403
cases/                                  302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
cases/<number>/                         302 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
cases/<number>/clocks/<clock_id>/       302 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
cases/<number>/actions/<action>/        302 409 404 409 409 409 404 200 404 404 409 409 409 409 404 404
bulk/<action>/                          302 403 403 403 200 403 403 403 403 403 403 403 403 403 403 403
bulk/results/<pk>/                      302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
dispatch/rules/                         302 403 403 403 200 200 200 403 403 403 200 200 403 200 403 403
dispatch/rules/cases/                   302 403 403 403 200 200 200 403 403 403 200 200 403 200 403 403
dispatch/                               302 403 403 403 403 200 200 403 403 403 403 403 403 403 403 403
dispatch/desks/                         302 403 403 403 403 403 403 403 403 403 403 403 403 200 403 403
contractors/                            302 403 403 403 403 403 403 200 200 200 403 403 403 403 403 403
links/<number>/                         302 403 403 403 403 403 403 200 404 404 403 403 403 403 403 403
l/<token>                               404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
l/<token>/photos/<photo_id>/<size>/     404 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
inbox/                                  302 403 403 403 403 403 403 200 200 200 403 403 403 403 403 403
live/rows/                              302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
notifications/                          302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
notifications/count/                    302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
notifications/read/                     302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
notifications/settings/                 302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
notifications/<pk>/open/                302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
funds/                                  302 403 403 403 200 200 200 403 403 302 200 200 403 200 403 403
funds/works/                            302 403 403 403 200 200 200 403 403 200 200 200 403 200 403 403
funds/works/<work_id>/<action>/         302 403 403 403 200 200 404 403 403 200 200 200 403 200 403 403
funds/cases/<number>/panel/             302 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
funds/cases/<number>/quote/             302 403 403 403 403 200 404 403 403 404 403 403 403 403 403 403
funds/evidence/<evidence_id>/<size>/    302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
funds/books/<code>/                     302 403 403 403 200 200 404 403 403 403 200 200 403 200 403 403
funds/books/<code>/export/              302 403 403 403 200 200 404 403 403 403 200 200 403 200 403 403
funds/books/<code>/entries/<entry_id>/reverse/ 302 403 403 403 403 403 403 403 403 403 200 200 403 403 403 403
funds/books/<code>/<action>/            302 403 403 403 403 403 403 403 403 403 200 403 403 403 403 403
funds/squads/                           302 403 403 403 200 200 200 403 403 200 200 200 403 200 403 403
funds/squads/<code>/                    302 403 403 403 200 200 200 403 403 200 200 200 403 200 403 403
evaluation/                             302 403 403 200 200 200 200 200 200 403 200 200 200 200 403 403
evaluation/figure/                      302 403 403 200 200 200 200 200 200 403 200 200 200 200 403 403
evaluation/cases/                       302 403 403 200 200 200 404 404 404 403 200 200 404 200 403 403
evaluation/export.<form>                302 403 403 200 200 200 200 200 200 403 200 200 200 200 403 403
evaluation/contracts/                   302 403 403 403 200 403 403 403 403 403 200 200 200 200 403 403
evaluation/contracts/<contract_id>/draw/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/contracts/statements/<statement_id>/ 302 403 403 403 404 403 403 403 403 403 404 404 404 404 403 403
evaluation/contracts/statements/<statement_id>/pdf/ 302 403 403 403 404 403 403 403 403 403 404 404 404 404 403 403
evaluation/contracts/statements/<statement_id>/cases/ 302 403 403 403 404 403 403 403 403 403 404 404 404 404 403 403
evaluation/contracts/statements/<statement_id>/compute/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/contracts/statements/<statement_id>/issue/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/contracts/statements/<statement_id>/agree/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/contracts/statements/<statement_id>/appeal/ 302 403 403 403 403 403 403 403 403 403 403 403 404 403 403 403
evaluation/contracts/appeals/<line_appeal_id>/<answer>/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/contracts/deductions/        302 403 403 403 200 403 403 403 403 403 200 200 200 200 403 403
evaluation/contracts/deductions/<deduction_id>/withdraw/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/compare/                     302 403 403 200 200 200 200 200 200 403 200 200 200 200 403 403
evaluation/hot-spots/                   302 403 403 200 200 200 200 200 200 403 200 200 404 200 403 403
evaluation/hot-spots/cases/             302 403 403 404 404 404 404 404 404 403 404 404 404 404 403 403
evaluation/report.<form>                302 403 403 403 404 403 403 403 403 403 404 404 403 404 403 403
evaluation/limits/                      302 403 403 403 200 403 403 403 403 403 200 200 403 200 403 403
evaluation/limits/<standard_id>/<grade>/ 302 403 403 403 200 403 403 403 403 403 200 200 403 200 403 403
evaluation/limits/<standard_id>/<grade>/cases/ 302 403 403 403 200 403 403 403 403 403 200 200 403 200 403 403
evaluation/limits/<standard_id>/<grade>/propose/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/limits/proposals/<proposal_id>/<answer>/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/periods/                     302 403 403 200 200 200 200 200 200 403 200 200 200 200 403 403
evaluation/periods/open/                302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/periods/<evaluation_id>/check/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/periods/<evaluation_id>/publish/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
evaluation/appeals/                     302 403 403 403 200 403 403 200 200 403 200 200 403 403 403 403
evaluation/appeals/new/<fact_id>/       302 403 403 403 403 403 403 404 404 403 403 403 403 403 403 403
evaluation/appeals/<appeal_id>/         302 403 403 403 404 403 403 404 404 403 404 404 403 403 403 403
evaluation/appeals/<appeal_id>/<answer>/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
supervision/                            302 403 403 403 200 403 403 403 403 403 200 403 403 403 403 403
supervision/panels/<name>/              302 403 403 403 200 403 403 403 403 403 200 403 403 403 403 403
supervision/shift/                      302 403 403 403 200 403 403 403 403 403 200 403 403 403 403 403
supervision/shift/entries/              302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
supervision/shift/points/<entry_id>/    302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
supervision/shift/hand-over/            302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
supervision/shift/<handover_id>/receive/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
notices/                                302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
notices/strip/                          302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
notices/<notice_id>/                    302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
notices/<notice_id>/read/               302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
notices/<notice_id>/withdraw/           302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
cases/<number>/verdict/                 302 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
cases/<number>/similar/                 302 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
cases/<number>/file/                    302 200 404 200 200 200 404 200 404 404 200 200 200 200 404 404
supervision/ledgers/                    302 403 403 403 200 403 403 403 403 403 200 200 403 403 403 403
supervision/ledgers/<kind>/             302 403 403 403 200 200 200 200 200 403 200 200 403 403 403 403
supervision/suspended/                  302 403 403 403 200 200 200 200 200 403 200 200 403 403 403 403
supervision/orders/                     302 403 403 403 200 200 200 200 200 403 200 200 403 403 403 403
supervision/instructions/               302 403 403 403 200 200 200 200 200 403 200 200 403 403 403 403
supervision/overdue/                    302 403 403 403 200 200 200 403 403 403 200 403 403 403 403 403
supervision/repeats/                    302 403 403 403 200 403 403 403 403 403 200 403 403 403 403 403
supervision/repeats/<spot_id>/<decision>/ 302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
supervision/cycles/<cycle_id>/seen/     302 405 405 405 405 405 405 405 405 405 405 405 405 405 405 405
"""  # noqa: E501

# POST with an empty body: what a logged-in person lacks is the body, not the right.
POSTED = """
                                        non COL col ACC SUP DSP dsp DEP dep PXY LDR INS MAN ADM PAR roo
api/v1/auth/token/                      400 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
api/v1/cases/                           401 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
api/v1/photos/                          401 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
api/v1/cases/<number>/actions/<action>/ 401 403 404 403 403 403 404 400 404 404 403 403 403 403 404 404
api/v1/components/<code>/changes/       401 400 400 400 400 400 400 400 400 400 400 400 400 400 404 404
api/v1/components/changes/<change_id>/<decision>/ 401 403 403 403 400 403 403 403 403 403 400 403 403 400 404 404
components/exports/                     302 403 403 400 400 400 400 400 400 403 400 400 403 400 403 403
components/bodies/                      302 403 403 403 400 403 403 403 403 403 403 403 403 400 403 403
components/changes/<change_id>/<decision>/ 302 403 403 403 400 403 403 403 403 403 400 403 403 400 403 403
components/<code>/changes/<kind>/       302 400 400 400 400 400 400 400 403 403 400 400 403 400 403 403
phrases/                                302 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
phrases/<phrase_id>/drop/               302 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
acceptance/<number>/hold/               302 403 403 200 403 403 403 403 403 403 403 403 403 403 403 403
bulk/<action>/                          302 403 403 403 404 403 403 403 403 403 403 403 403 403 403 403
duties/                                 302 404 404 400 400 400 400 400 400 400 400 404 404 404 404 404
duties/<delegation_id>/take-back/       302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
duties/for/<principal_id>/              302 403 403 403 403 403 403 403 403 403 403 403 403 403 403 403
duties/end/                             302 302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
filters/<page>/                         302 400 400 400 400 400 400 400 400 400 400 400 400 400 400 400
filters/<page>/<filter_id>/<change>/    302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
supervision/shift/entries/              302 403 403 403 400 403 403 403 403 403 403 403 403 403 403 403
supervision/shift/points/<entry_id>/    302 403 403 403 404 403 403 403 403 403 403 403 403 403 403 403
supervision/shift/hand-over/            302 403 403 403 302 403 403 403 403 403 403 403 403 403 403 403
supervision/shift/<handover_id>/receive/ 302 403 403 403 404 403 403 403 403 403 403 403 403 403 403 403
notices/                                302 404 404 404 400 404 404 404 404 404 400 404 404 400 404 404
notices/<notice_id>/read/               302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
notices/<notice_id>/withdraw/           302 403 403 403 404 403 403 403 403 403 404 403 403 404 403 403
supervision/repeats/<spot_id>/<decision>/ 302 403 403 403 404 403 403 403 403 403 404 403 403 403 403 403
supervision/cycles/<cycle_id>/seen/     302 403 403 403 404 403 403 403 403 403 403 403 403 403 403 403
evaluation/contracts/<contract_id>/draw/ 302 403 403 403 400 403 403 403 403 403 403 400 403 403 403 403
evaluation/contracts/statements/<statement_id>/compute/ 302 403 403 403 404 403 403 403 403 403 403 404 403 403 403 403
evaluation/contracts/statements/<statement_id>/issue/ 302 403 403 403 403 403 403 403 403 403 404 404 403 403 403 403
evaluation/contracts/statements/<statement_id>/agree/ 302 403 403 403 403 403 403 403 403 403 403 403 404 403 403 403
evaluation/contracts/statements/<statement_id>/appeal/ 302 403 403 403 403 403 403 403 403 403 403 403 404 403 403 403
evaluation/contracts/appeals/<line_appeal_id>/<answer>/ 302 403 403 403 403 403 403 403 403 403 404 404 403 403 403 403
evaluation/contracts/deductions/        302 403 403 403 400 403 403 403 403 403 403 400 403 403 403 403
evaluation/contracts/deductions/<deduction_id>/withdraw/ 302 403 403 403 404 403 403 403 403 403 403 404 403 403 403 403
evaluation/limits/<standard_id>/<grade>/propose/ 302 403 403 403 400 403 403 403 403 403 400 400 403 403 403 403
evaluation/limits/proposals/<proposal_id>/<answer>/ 302 403 403 403 403 403 403 403 403 403 403 403 403 404 403 403
evaluation/periods/open/                302 403 403 403 400 403 403 403 403 403 400 400 403 403 403 403
evaluation/periods/<evaluation_id>/check/ 302 403 403 403 404 403 403 403 403 403 403 404 403 403 403 403
evaluation/periods/<evaluation_id>/publish/ 302 403 403 403 403 403 403 403 403 403 404 403 403 403 403 403
evaluation/appeals/<appeal_id>/<answer>/ 302 403 403 403 403 403 403 403 403 403 404 404 403 403 403 403
notifications/read/                     302 302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
notifications/settings/                 302 302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
notifications/<pk>/open/                302 404 404 404 404 404 404 404 404 404 404 404 404 404 404 404
"""  # noqa: E501

SIMPLE = re.compile(r"<\w+:(\w+)>")


def table(text: str) -> dict[str, list[int]]:
    """Return the statuses of every address in the order of the columns."""
    rows = (line.split() for line in text.splitlines()[2:])
    return {row[0]: [int(status) for status in row[1:]] for row in rows}


def addresses(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    """Return the pattern of every address, of the admin's only the first."""
    for pattern in (resolver or get_resolver()).url_patterns:
        address = before + SIMPLE.sub(r"<\1>", str(pattern.pattern)) or "/"
        if address == "admin/":
            yield "admin/"
        elif isinstance(pattern, URLPattern):
            yield address
        else:
            yield from addresses(pattern, address.removeprefix("/"))


@pytest.fixture
def parts(cast: Cast) -> dict[str, str]:
    """Return what stands for the parts of the patterns: of a case in handling, with a photo."""
    case = case_report(
        actor=cast.collector_chen,
        source="collector",
        lon=cast.place[0],
        lat=cast.place[1],
        now=NOW,
        type_code="E0102",
        photo_ids=[photo_of(cast.collector_chen)],
    )
    Story(cast, case=case).walk_to(State.HANDLING)
    plates_give(actor=None, components=Component.objects.all(), now=NOW)
    plate = Plate.objects.get(component=cast.component)
    census = Census(cast)
    row = f"A,行道树,gardens,{cast.place[0]},{cast.place[1]}"
    survey = census.submit(census.read(f"编号,类型,主管部门,经度,纬度\n{row}\n"), days=5)
    work = build_funds(cast).approved(metres=60)
    return {
        "bulk/<action>": "bulk/close",
        "<delegation_id>": "1",
        "<principal_id>": "1",
        "<filter_id>": "1",
        "panels/<name>": "panels/today",
        "<notice_id>": "1",
        "<handover_id>": "1",
        "<change>": "up",
        "<page>": "cases",
        "ledgers/<kind>": "ledgers/return",
        "<evaluation_id>": "1",
        "<standard_id>": str(CaseStandard.objects.filter(valid_to=None).first().pk),
        "<grade>": "all",
        "<proposal_id>": "1",
        "<fact_id>": "1",
        "<appeal_id>": "1",
        "<contract_id>": "1",
        "<statement_id>": "1",
        "<line_appeal_id>": "1",
        "<deduction_id>": "1",
        "<answer>": "uphold",
        "<form>": "xlsx",
        "<spot_id>": "1",
        "<cycle_id>": "1",
        "works/<work_id>/<action>": f"works/{work.pk}/release",
        "books/<code>/<action>": "books/xihu/budget",
        "books/<code>": "books/xihu",
        "squads/<code>": "squads/squad",
        "remote/<code>": "remote/hall",
        "<entry_id>": "1",
        "<evidence_id>": "1",
        "plates/<code>": f"plates/{plate.code}",
        "q/<code>": f"q/{plate.code}",
        "<document_id>": "1",
        "<survey_id>": str(survey.pk),
        "<part_id>": str(survey.parts.get().pk),
        "<body_id>": str(cast.bodies["gardens"].pk),
        "<number>": case.number,
        "<pk>": "1",
        "<phrase_id>": "1",
        "<action>": "complete",
        "<clock_id>": str(case.clocks.get(kind="handle").pk),
        "<token>": "A" * 32,
        "<photo_id>": str(CasePhoto.objects.get(case=case, purpose="before").photo_id),
        "<size>": "small",
        "<z>/<x>/<y>": "14/13658/6760",
        "<layer>": "components",
        "<component_id>": str(cast.component.pk),
        "cells/<code>": f"cells/{case.cell_code}",
        "components/<code>": f"components/{cast.component.code}",
        "words/": f"words/?lon={cast.place[0]}&lat={cast.place[1]}",
        "<change_id>": str(open_change_of(cast).pk),
        "<decision>": "refuse",
        "<kind>": "change",
        "<export_id>": "1",
        "<body_change_id>": "1",
        "areas/": "areas/?code=330106",
        "evaluation/cases/": "evaluation/cases/?indicator=filed",
        "locate/": f"locate/?lon={cast.place[0]}&lat={cast.place[1]}",
        "nearest/": f"nearest/?lon={cast.place[0]}&lat={cast.place[1]}",
    }


def open_change_of(cast: Cast) -> ComponentChange:
    """Return a change of the usual component that waits, asked for by another collector."""
    return change_ask(
        actor=cast.collector_lin,
        component_id=cast.component.pk,
        kind="change",
        proposed={"state": "damaged"},
        reason="坏了",
        now=NOW,
    )


def address_of(pattern: str, parts: dict[str, str]) -> str:
    """Return a real address of a pattern."""
    for part, value in parts.items():
        pattern = pattern.replace(part, value)
    return "/" + pattern.removeprefix("/")


def browser_at(cast: Cast, name: str | None) -> Client:
    """Return the browser of a column: somebody's or nobody's."""
    return browser_of(cast.people[name]) if name else Client(headers={"accept-language": "en"})


def test_every_address_is_in_the_list():
    assert sorted(addresses()) == sorted(table(ADDRESSES))
    assert set(table(POSTED)) < set(table(ADDRESSES))


def test_every_role_gets_the_status_of_the_list(cast, parts):
    browsers = [browser_at(cast, name) for name in PEOPLE.values()]
    for pattern, statuses in table(ADDRESSES).items():
        address = address_of(pattern, parts)
        assert [browser.get(address).status_code for browser in browsers] == statuses, pattern


def test_every_role_gets_the_status_of_the_list_when_sending(cast, parts):
    browsers = [browser_at(cast, name) for name in PEOPLE.values()]
    for pattern, statuses in table(POSTED).items():
        send = {"path": address_of(pattern, parts), "data": {}, "content_type": "application/json"}
        if "photos" in pattern:
            send = {"path": send["path"]}
        assert [browser.post(**send).status_code for browser in browsers] == statuses, pattern


# ── numbers of queries ────────────────────────────────────────────────────────────────────────

LISTS = (
    ("acceptor_wang", "/acceptance/", State.REPORTED),
    ("acceptor_wang", "/acceptance/?queue=check", State.HANDLED),
    ("collector_lin", "/tasks/", State.CONFIRMING),
    ("dispatcher_li", "/dispatch/", State.FILED),
    ("clerk_sun", "/inbox/", State.DISPATCHED),
    ("supervisor_zhao", "/supervision/", State.ACCEPTED),
    ("supervisor_zhao", "/supervision/overdue/", State.DISPATCHED),
    ("leader_tang", "/supervision/suspended/", State.SUSPENDED),
    ("inspector_he", "/cases/", State.REPORTED),
)


@pytest.mark.parametrize(("name", "address", "state"), LISTS)
def test_a_page_takes_as_many_queries_for_many_rows_as_for_few(cast, name, address, state):
    browser = browser_of(cast.people[name])

    def count() -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(address).status_code == 200
        return len(queries)

    for each in range(10 if state is State.REPORTED else 3):
        Story(cast, metres=each).walk_to(state)
    few = count()
    for each in range(90 if state is State.REPORTED else 20):  # the others take many acts each
        Story(cast, metres=each).walk_to(state)
    assert count() == few
