"""What people do to a survey: bring it, set it up, correct it, submit, confirm, review, undo.

Each act is one transaction under the survey's row lock. The heavy work is a worker's
(``components.census.work``); an act only says what it shall do next.
"""

from components.census.services.bringing import (
    attribute_names,
    survey_cancel,
    survey_compare,
    survey_start,
    survey_upload,
)
from components.census.services.confirming import (
    confirmations_expire,
    may_speak_for,
    survey_confirm,
    survey_submit,
)
from components.census.services.corrections import survey_correct
from components.census.services.doors import NotThere
from components.census.services.reviewing import (
    findings_decide,
    part_approve,
    part_claim,
    part_roll_back,
    part_send_back,
    parts_approve,
)

__all__ = [
    "NotThere",
    "attribute_names",
    "confirmations_expire",
    "findings_decide",
    "may_speak_for",
    "part_approve",
    "part_claim",
    "part_roll_back",
    "part_send_back",
    "parts_approve",
    "survey_cancel",
    "survey_compare",
    "survey_confirm",
    "survey_correct",
    "survey_start",
    "survey_submit",
    "survey_upload",
]
