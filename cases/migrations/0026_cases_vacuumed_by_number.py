"""The table of cases is vacuumed by what acts wrote, not by a share of all cases there ever were.

Queues are counted in indexes alone, and those answer alone where no dead entries are left. A fifth
of ten million would be two million writes, days of a city's work.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cases", "0025_late_lists_and_shares")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE cases_case SET (autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 10000, vacuum_index_cleanup = on)",
            "ALTER TABLE cases_case RESET (autovacuum_vacuum_scale_factor,"
            " autovacuum_vacuum_threshold, vacuum_index_cleanup)",
        )
    ]
