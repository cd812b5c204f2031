"""Indexes of open cases: what the wall adds up once a second, a desk's queue in its order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0020_bulk_and_delegation")]

    operations = [
        migrations.RemoveIndex(model_name="case", name="case_queue"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["reported_at"],
                include=("city", "state", "district", "cell", "warn_at", "due_at"),
                condition=models.Q(("is_open", True)),
                name="case_queue",
            ),
        ),
        migrations.RemoveIndex(model_name="case", name="case_desk"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["desk", "state", "due_at", "reported_at", "id"],
                condition=models.Q(("is_open", True)),
                name="case_desk",
            ),
        ),
        migrations.RemoveIndex(model_name="case", name="case_inbox"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["department", "due_at"],
                include=("id",),
                condition=models.Q(("is_open", True)),
                name="case_inbox",
            ),
        ),
    ]
