"""The index of an inbox's open cases holds what its queues ask for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0021_queue_with_totals")]

    operations = [
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
    ]
