"""The index of open cases begins with their state: a queue is read from its oldest case on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0022_open_cases_in_their_indexes")]

    operations = [
        migrations.RemoveIndex(model_name="case", name="case_queue"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["state", "reported_at", "id"],
                include=(
                    "city",
                    "run",
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
    ]
