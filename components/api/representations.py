"""What the API says of types, standards and components: plain functions that build plain data."""

from __future__ import annotations

import json
from typing import Any

from accounts.models import Organisation
from components.models import CaseStandard, CaseType, Component
from components.register.history import Step
from components.register.models import ComponentChange


def type_data(row: CaseType) -> dict[str, Any]:
    """Return a type with its standards; class, aliases and standards must be loaded."""
    return {
        "code": row.code,
        "kind": row.kind,
        "class_code": row.type_class.code,
        "class_name": row.type_class.name,
        "class_name_en": row.type_class.name_en,
        "name": row.name,
        "name_en": row.name_en,
        "aliases": [alias.name for alias in row.aliases.all()],
        "pinyin": row.pinyin,
        "initials": row.initials,
        "lead_department_kind": row.lead_department_kind,
        "is_self_handling_allowed": row.is_self_handling_allowed,
        "is_check_skippable": row.is_check_skippable,
        "direct_filing_sources": row.direct_filing_sources,
        "geometry_kinds": row.geometry_kinds,
        "attribute_schema": row.attribute_schema,
        "standards": [standard_data(standard) for standard in row.standards.all()],
    }


def standard_data(row: CaseStandard) -> dict[str, Any]:
    """Return a standard: when to file, how long handling may take, what closes it."""
    return {
        "id": row.pk,
        "zone_grade": row.zone_grade,
        "profile": row.profile,
        "condition": row.condition,
        "condition_en": row.condition_en,
        "limit_value": float(row.limit_value),
        "limit_unit": row.limit_unit,
        "closing_conditions": row.closing_conditions,
        "closing_conditions_en": row.closing_conditions_en,
        "lead_department_kind": row.lead_department_kind,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
    }


def component_data(row: Component) -> dict[str, Any]:
    """Return what the register says of a component."""
    return {
        "code": row.code,
        "type": row.type.code,
        "type_name": row.type.name,
        "type_name_en": row.type.name_en,
        "class_code": row.type.type_class.code,
        "name": row.name,
        "state": row.state,
        "location": {"type": "Point", "coordinates": [row.point.x, row.point.y]},
        "geometry": json.loads(row.geometry.geojson),
        "address": row.address,
        "cell": row.cell.code,
        "community": {"code": row.community.code, "name": row.community.name},
        "competent_body": _body(row.competent_body),
        "owner": _body(row.owner),
        "maintainer": _body(row.maintainer),
        "accuracy": row.accuracy,
        "source": row.source,
        "surveyed_date": row.surveyed_date,
        "installed_date": row.installed_date,
        "retired_date": row.retired_date,
        "attributes": row.attributes,
    }


def _body(organisation: Organisation | None) -> dict[str, str] | None:
    if organisation is None:
        return None
    return {
        "code": organisation.code,
        "name": organisation.name,
        "name_en": organisation.name_en,
    }


def summary_data(row: Component) -> dict[str, Any]:
    """Return a component as a list of the register has it."""
    return {
        "code": row.code,
        "type": row.type.code,
        "type_name": row.type.name,
        "type_name_en": row.type.name_en,
        "name": row.name,
        "state": row.state,
        "ending": row.ending,
        "location": {"type": "Point", "coordinates": [row.point.x, row.point.y]},
        "address": row.address,
        "cell": row.cell.code,
        "community": {"code": row.community.code, "name": row.community.name},
        "competent_body": _body(row.competent_body),
        "owner": _body(row.owner),
        "maintainer": _body(row.maintainer),
        "accuracy": row.accuracy,
        "surveyed_date": row.surveyed_date,
        "installed_date": row.installed_date,
        "retired_date": row.retired_date,
    }


def record_data(row: Component, steps: list[Step]) -> dict[str, Any]:
    """Return a whole record: what it says, what came instead, its history newest first."""
    return {
        **component_data(row),
        "ending": row.ending,
        "successor": row.successor.code if row.successor else None,
        "predecessors": [each.code for each in row.predecessors.only("code").order_by("code")],
        "version": steps[0].id if steps else 0,
        "history": [step_data(step) for step in steps],
    }


def step_data(step: Step) -> dict[str, Any]:
    """Return one change of a record; before and after in words."""
    return {
        "at": step.at,
        "act": step.act,
        "reason": step.reason,
        "by": str(step.person) if step.person else None,
        "asked_by": str(step.asked_by) if step.asked_by else None,
        "changes": [
            {"label": label, "before": before, "after": after}
            for label, before, after in step.changes
        ],
    }


def change_data(change: ComponentChange) -> dict[str, Any]:
    """Return a change that was asked for."""
    return {
        "id": change.pk,
        "component": change.component.code,
        "kind": change.kind,
        "proposed": change.proposed,
        "reason": change.reason,
        "state": change.state,
        "asked_by": str(change.asked_by),
        "asked_at": change.asked_at,
        "decided_by": str(change.decided_by) if change.decided_by else None,
        "decided_at": change.decided_at,
        "answer": change.answer,
        "successor": change.successor.code if change.successor else None,
    }
