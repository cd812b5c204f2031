"""What the city is, as one number a table: equal numbers, equal rows."""

from __future__ import annotations

from django.db import connection

# Everything a reorganisation may touch, without the histories that tell of it.
TABLES = {
    "areas": "SELECT id, level, parent_id, code, name, name_en, geometry::text, valid_from,"
    " valid_to FROM grid_area",
    "past of areas": "SELECT area_id, code, name, parent_id, valid_from, valid_to"
    " FROM grid_pastarea",
    "codes": "SELECT id, scheme, code, area_id, valid_from, valid_to FROM grid_areacode",
    "cells": "SELECT id, code, community_id, kind, geometry::text, area_m2, valid_from, valid_to"
    " FROM grid_gridcell",
    "zones": "SELECT zone.id, code, grade, geometry::text, valid_from, valid_to,"
    " made.gridcell_id FROM grid_zone AS zone"
    " LEFT JOIN grid_zone_cells AS made ON made.zone_id = zone.id",
    "beats": "SELECT beat.id, beat.code, walked.gridcell_id FROM grid_beat AS beat"
    " LEFT JOIN grid_beat_cells AS walked ON walked.beat_id = beat.id",
    "assignments": "SELECT beat_id, collector_id, valid_from, valid_to FROM grid_beatassignment",
    "jurisdictions": "SELECT tie.id, organisation_id, function, area_id, management_area_id,"
    " valid_from, valid_to, held.gridcell_id FROM grid_jurisdiction AS tie"
    " LEFT JOIN grid_jurisdiction_cells AS held ON held.jurisdiction_id = tie.id",
    "components": "SELECT id, code, type_id, cell_id, community_id, state, geometry::text,"
    " competent_body_id, owner_id, maintainer_id, retired_date FROM components_component",
    "cases": "SELECT id, number, state, version, cell_id, cell_code, community_id, community_code,"
    " street_id, street_code, district_id, district_code, desk_id, department_id"
    " FROM cases_case",
    "case histories": "SELECT id, case_id, hash FROM cases_caseevent",
}


def digest() -> dict[str, str]:
    """Return the digest of every table, whatever the order of its rows."""
    found = {}
    with connection.cursor() as cursor:
        for name, rows in TABLES.items():
            cursor.execute(
                "SELECT md5(string_agg(line, '' ORDER BY line)) FROM"  # noqa: S608  constants above
                f" (SELECT md5(part::text) AS line FROM ({rows}) AS part) AS lines"
            )
            found[name] = cursor.fetchone()[0] or ""
    return found
