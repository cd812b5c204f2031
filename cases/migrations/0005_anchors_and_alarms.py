"""What anchors remember, and indexes for what the system does when a date has come."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0004_workcalendar_confirmed_years")]

    operations = [
        migrations.AddField(
            model_name="historyanchor",
            name="settled_event_id",
            field=models.BigIntegerField(
                default=0,
                help_text="every event up to this id was seen by this anchor or one before it",
            ),
        ),
        migrations.AddIndex(
            model_name="historyanchorhead",
            index=models.Index(fields=["case_id", "length"], name="anchor_head_case"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                condition=models.Q(("review_at__isnull", False)),
                fields=["review_at"],
                name="case_review",
            ),
        ),
        migrations.AddField(
            model_name="casepolicy",
            name="field_task_grace_minutes",
            field=models.PositiveIntegerField(
                default=120,
                help_text="then it goes back to the acceptors, who send another collector",
                verbose_name="overdue field task taken back after (minutes)",
            ),
        ),
    ]
