"""The indexes of open cases hold what inboxes and the shift supervisor's table ask for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0021_queue_with_totals")]

    operations = [
        migrations.RemoveIndex(model_name="case", name="case_queue"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["reported_at"],
                include=(
                    "id",
                    "city",
                    "state",
                    "district",
                    "cell",
                    "warn_at",
                    "due_at",
                    "collector",
                    "desk",
                    "department",
                ),
                condition=models.Q(("is_open", True)),
                name="case_queue",
            ),
        ),
        migrations.RemoveIndex(model_name="case", name="case_inbox"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["department", "due_at"],
                include=("id", "city", "state", "reported_at", "warn_at", "rework_count"),
                condition=models.Q(("is_open", True)),
                name="case_inbox",
            ),
        ),
        migrations.AddIndex(
            model_name="fieldtask",
            index=models.Index(
                fields=["case", "run"],
                condition=models.Q(
                    ("kind", "confirm"), ("outcome__in", ("true", "not_true", "gone"))
                ),
                name="field_task_confirmed",
            ),
        ),
    ]
