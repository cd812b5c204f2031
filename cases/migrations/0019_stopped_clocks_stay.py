"""A stopped clock names the event that stopped it, and nothing changes it any more."""

from django.db import migrations, models

# Notices stop nothing. Several acts at one moment: the last of them, which is how it was shown.
NAME_THE_EVENT = """
UPDATE cases_caseclock AS clock SET stopped_sequence = (
    SELECT max(event.sequence) FROM cases_caseevent AS event
    WHERE event.case_id = clock.case_id AND event.run = clock.run AND event.at = clock.stopped_at
        AND event.action NOT IN
            ('warn', 'breach', 'escalate', 'recalculate', 'urge', 'return_cycle', 'take_in')
) WHERE clock.stopped_at IS NOT NULL
"""
STAY = """
CREATE TRIGGER cases_caseclock_stopped_stays BEFORE UPDATE OR DELETE ON cases_caseclock
FOR EACH ROW WHEN (OLD.stopped_at IS NOT NULL) EXECUTE FUNCTION common_refuse_change()
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0018_event_milestone"), ("common", "0001_initial")]

    operations = [
        migrations.AddField(
            "caseclock",
            "stopped_sequence",
            models.PositiveIntegerField(
                help_text="the event of the case that stopped it", null=True
            ),
        ),
        migrations.RunSQL(NAME_THE_EVENT, migrations.RunSQL.noop),
        migrations.RunSQL(STAY, "DROP TRIGGER cases_caseclock_stopped_stays ON cases_caseclock"),
    ]
