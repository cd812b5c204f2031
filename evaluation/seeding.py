"""Facts by the million, made by the database of facts that came from chained events.

A copy is every fact there is, some weeks earlier and in other cells; its case and clock are those
of the original. So a plan of 10,000,000 cases needs 20,000 chained histories and 500 copies: every
fact leads to a case that is there, and the distribution is that of the histories. What is measured
on them is reading and adding up; writing facts is measured on the chained events themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction

from evaluation.models import PLACES, Fact

CASES_A_DAY = 5500  # a large city's
COLUMNS = [str(field.column) for field in Fact._meta.concrete_fields]
MOVED = ("happened_at", "started_at", "planned_end_at", "actual_end_at")
PLACED = ("cell_id", "cell_code", "community_id", "street_id", "district_id")

_CELLS = """
DROP TABLE IF EXISTS pg_temp.seed_cell;
CREATE TEMPORARY TABLE seed_cell ON COMMIT DROP AS
SELECT cell.id AS cell_id, cell.code AS cell_code, community.id AS community_id,
    street.id AS street_id, street.parent_id AS district_id,
    row_number() OVER (ORDER BY cell.id) - 1 AS place, count(*) OVER () AS total
FROM grid_gridcell AS cell JOIN grid_area AS community ON community.id = cell.community_id
    JOIN grid_area AS street ON street.id = community.parent_id
WHERE cell.valid_to IS NULL;
CREATE INDEX ON seed_cell (cell_id);
CREATE INDEX ON seed_cell (place);
ANALYZE seed_cell
"""


def facts_multiply(*, copies: int, cases: int, days: int, until: int) -> Iterator[int]:
    """Add so many copies of the facts with positions up to ``until``; yields rows of each.

    ``cases`` and ``days`` say what one copy holds: copies overlap until a day has a large city's
    cases. The oldest comes first, as facts of a city's life would.
    """
    for number in range(copies, 0, -1):
        yield _copy(number, days * (number * cases // (days * CASES_A_DAY)), until)


@transaction.atomic
def _copy(number: int, days: int, until: int) -> int:
    offset, beyond = number * until, (until + 1) * PLACES
    values = {
        **{name: f"fact.{name}" for name in COLUMNS},
        **{name: f"fact.{name} - make_interval(days => %(days)s)" for name in MOVED},
        **{name: f"there.{name}" for name in PLACED},
        "day": "fact.day - %(days)s",
        "id": f"fact.id + %(offset)s::bigint * {PLACES}",
        "position": "fact.position + %(offset)s",
    }
    sql = (
        f"INSERT INTO evaluation_fact ({', '.join(COLUMNS)})"  # noqa: S608  names of our columns
        f" SELECT {', '.join(values[name] for name in COLUMNS)}"
        " FROM evaluation_fact AS fact JOIN seed_cell AS here ON here.cell_id = fact.cell_id"
        " JOIN seed_cell AS there ON there.place = (here.place + %(step)s) %% here.total"
        " WHERE fact.id < %(beyond)s ORDER BY fact.id"  # by the index of keys
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(_CELLS)
        cursor.execute(
            sql, {"days": days, "offset": offset, "beyond": beyond, "step": number * 7919}
        )
        added = cursor.rowcount
        cursor.execute(
            "INSERT INTO evaluation_dirtyday (day, touch_count)"
            " SELECT DISTINCT day - %s, 1 FROM evaluation_fact WHERE id < %s"
            " ON CONFLICT DO NOTHING",
            [days, beyond],
        )
    return added
