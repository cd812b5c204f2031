import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("cases", "0005_anchors_and_alarms")]

    operations = [
        migrations.CreateModel(
            name="ReplayedFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        max_length=64, unique=True, verbose_name="SHA-256 of its rows"
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("shift_days", models.PositiveIntegerField(verbose_name="moved by days")),
            ],
            options={"verbose_name": "replayed file", "verbose_name_plural": "replayed files"},
        ),
        migrations.CreateModel(
            name="ReplayedRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(max_length=60, unique=True, verbose_name="key in the file"),
                ),
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cases.case",
                    ),
                ),
            ],
            options={
                "verbose_name": "replayed request",
                "verbose_name_plural": "replayed requests",
            },
        ),
    ]
