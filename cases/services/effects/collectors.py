"""Effects on the collector's task: sent, replaced, answered."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from cases.errors import same_person
from cases.models import (
    FieldTask,
)
from cases.services.context import Act
from cases.services.effects.registry import effect
from grid.models import BeatAssignment


def _send(act: Act, kind: str, **values: Any) -> None:
    collector: User = act.fields["collector"]
    act.case.collector = collector
    act.data["collector"] = collector.pk
    task = FieldTask(
        case=act.case,
        run=act.case.run,
        kind=kind,
        collector=collector,
        organisation_id=collector.organisation_id,
        assigned_by=act.actor,
        assigned_at=act.now,
        **values,
    )
    act.after_clocks.append(lambda: _save_task(act, task))


def _save_task(act: Act, task: FieldTask) -> None:
    task.due_at = act.case.due_at
    task.save(force_insert=True)


def _end_task(act: Act, outcome: str) -> None:
    act.case.field_tasks.filter(ended_at__isnull=True).update(ended_at=act.now, outcome=outcome)
    act.case.collector = None


@effect
def send_collector(act: Act) -> None:
    """Somebody looks before the case is accepted."""
    _send(act, FieldTask.Kind.CONFIRM)


@effect
def replace_collector(act: Act) -> None:
    """Another collector looks."""
    _end_task(act, FieldTask.Outcome.REASSIGNED)
    _send(act, FieldTask.Kind.CONFIRM)


@effect
def send_checker(act: Act) -> None:
    """Somebody who did not handle, and if there is another on the beat did not report, checks."""
    collector: User = act.fields["collector"]
    situation = act.situation
    is_handler = collector.pk in situation.handling_people
    if is_handler or collector.organisation_id in situation.handling_bodies:
        raise same_person(_("Whoever handled a case cannot check it."))
    is_reporter = collector.pk == act.case.reporter_id
    if is_reporter and _others_on_the_beat(act, collector):
        raise same_person(_("Another collector of this beat must check what this one reported."))
    _send(act, FieldTask.Kind.CHECK, is_reporter_checking=is_reporter)


@effect
def replace_checker(act: Act) -> None:
    """Another collector checks."""
    _end_task(act, FieldTask.Outcome.REASSIGNED)
    send_checker(act)


def _others_on_the_beat(act: Act, collector: User) -> bool:
    day = timezone.localdate(act.now)
    return (
        BeatAssignment.objects.valid_on(day)
        .filter(
            beat__cells=act.case.cell_id,
            collector__is_active=True,
            collector__groups__name=Role.COLLECTOR.value,
        )
        .exclude(collector=collector)
        .exists()
    )


@effect
def recall_collector(act: Act) -> None:
    """The task is taken back."""
    _end_task(act, FieldTask.Outcome.RECALLED)


OUTCOME_OF_ACTION = {
    "check_pass": FieldTask.Outcome.PASSED,
    "check_fail": FieldTask.Outcome.FAILED,
}


@effect
def end_field_task(act: Act) -> None:
    """The collector has answered."""
    outcome = act.fields.get("outcome") or OUTCOME_OF_ACTION[act.arrow.action]
    act.data["outcome"] = str(outcome)
    _end_task(act, outcome)
