"""The history refuses to be rewritten; open cases have room for updates in place."""

from django.db import migrations

from common.migration_operations import append_only_operations


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_initial"), ("common", "0001_initial")]

    operations = [
        *append_only_operations("cases_caseevent"),
        *append_only_operations("cases_historyanchor"),
        *append_only_operations("cases_historyanchorhead"),
        migrations.RunSQL(
            "ALTER TABLE cases_case SET (fillfactor = 85);"
            "ALTER TABLE cases_caseclock SET (fillfactor = 85)",
            "ALTER TABLE cases_case RESET (fillfactor);"
            "ALTER TABLE cases_caseclock RESET (fillfactor)",
        ),
    ]
