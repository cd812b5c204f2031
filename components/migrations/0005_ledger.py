from importlib import import_module

import django.db.models.deletion
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

# The triggers name the column whose collation changes: they step aside and come back as they were.
_TRIGGERS = [
    operation
    for operation in import_module(
        "components.migrations.0003_register_at_full_size"
    ).Migration.operations
    if isinstance(operation, pgtrigger.migrations.AddTrigger)
]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_fewer_indexes"),
        ("components", "0004_counts_for_tiles"),
        ("grid", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="component", name="before_update_update"),
        pgtrigger.migrations.RemoveTrigger(model_name="component", name="before_delete_delete"),
        migrations.CreateModel(
            name="BodyChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("filter", models.JSONField(verbose_name="filter")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("maintainer", "Maintaining body"),
                            ("owner", "Owner"),
                            ("competent_body", "Competent body"),
                        ],
                        max_length=14,
                        verbose_name="role",
                    ),
                ),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("count", models.PositiveIntegerField(verbose_name="components")),
                ("changed_count", models.PositiveIntegerField(default=0, verbose_name="changed")),
                (
                    "fingerprint",
                    models.CharField(
                        blank=True,
                        help_text="of the components and their bodies when asked",
                        max_length=32,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("undone", "Undone"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "failure",
                    models.CharField(blank=True, max_length=300, verbose_name="what went wrong"),
                ),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended at")),
                ("context", models.UUIDField(null=True, verbose_name="act in the history")),
            ],
            options={
                "verbose_name": "bulk change of body",
                "verbose_name_plural": "bulk changes of body",
                "permissions": [("change_bodies", "May change bodies in bulk")],
            },
        ),
        migrations.CreateModel(
            name="ComponentChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("change", "Change what is recorded"),
                            ("move", "Move"),
                            ("retire", "Take out of use"),
                            ("replace", "Replace by a new component"),
                            ("merge", "Merge: entered twice"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("proposed", models.JSONField(default=dict, verbose_name="proposed")),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                (
                    "seen_event",
                    models.BigIntegerField(
                        help_text="the last entry of the record's history when this was asked; 0 for none"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waits for a decision"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("lapsed", "Lapsed: the record changed meanwhile"),
                        ],
                        default="open",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("answer", models.CharField(blank=True, max_length=300, verbose_name="answer")),
            ],
            options={
                "verbose_name": "change of a component",
                "verbose_name_plural": "changes of components",
                "permissions": [
                    ("propose_changes", "May ask for changes of the register"),
                    ("approve_changes", "May decide changes of the register"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField(db_index=True, verbose_name="asked at")),
                ("filter", models.JSONField(verbose_name="filter")),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                (
                    "format",
                    models.CharField(
                        choices=[
                            ("csv", "CSV"),
                            ("xlsx", "Excel"),
                            ("geojson", "GeoJSON"),
                            ("gpkg", "GeoPackage"),
                        ],
                        max_length=8,
                        verbose_name="format",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("undone", "Undone"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("expected_count", models.PositiveIntegerField(verbose_name="components, about")),
                ("row_count", models.PositiveIntegerField(default=0, verbose_name="components")),
                (
                    "size_bytes",
                    models.PositiveBigIntegerField(default=0, verbose_name="size in bytes"),
                ),
                (
                    "failure",
                    models.CharField(blank=True, max_length=300, verbose_name="what went wrong"),
                ),
                (
                    "beat_at",
                    models.DateTimeField(null=True, verbose_name="last sign of the worker"),
                ),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended at")),
                (
                    "key",
                    models.UUIDField(
                        help_text="the name of the file, not to be guessed", unique=True
                    ),
                ),
            ],
            options={
                "verbose_name": "export of the register",
                "verbose_name_plural": "exports of the register",
                "permissions": [("export_register", "May export the register")],
            },
        ),
        migrations.AlterField(
            model_name="component",
            name="code",
            field=models.CharField(
                db_collation="C", max_length=16, verbose_name="identification code"
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="community",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="grid.area",
                verbose_name="community",
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="competent_body",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
                verbose_name="competent body",
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="maintainer",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
                verbose_name="maintainer",
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
                verbose_name="owner",
            ),
        ),
        migrations.AlterField(
            model_name="componentevent",
            name="code",
            field=models.CharField(
                db_collation="C", max_length=16, verbose_name="identification code"
            ),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(fields=["community", "type"], name="component_area_type"),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(fields=["competent_body", "community"], name="component_competent"),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(fields=["owner", "community"], name="component_owner"),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(fields=["maintainer", "community"], name="component_maintainer"),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(
                condition=models.Q(("state__in", ["damaged", "lost", "abandoned"])),
                fields=["community", "type"],
                name="component_not_intact",
            ),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(
                condition=models.Q(("retired_date__isnull", False)),
                fields=["community", "type"],
                name="component_ended",
            ),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(fields=["surveyed_date", "community"], name="component_surveyed"),
        ),
        migrations.AddConstraint(
            model_name="component",
            constraint=models.UniqueConstraint(fields=("code",), name="component_code_unique"),
        ),
        migrations.AddField(
            model_name="bodychange",
            name="asked_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="asked by",
            ),
        ),
        migrations.AddField(
            model_name="bodychange",
            name="body",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organisation",
                verbose_name="new body",
            ),
        ),
        migrations.AddField(
            model_name="bodychange",
            name="city",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.city"
            ),
        ),
        migrations.AddField(
            model_name="bodychange",
            name="undoes",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undone_by",
                to="components.bodychange",
                verbose_name="undoes",
            ),
        ),
        migrations.AddField(
            model_name="componentchange",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="asked by",
            ),
        ),
        migrations.AddField(
            model_name="componentchange",
            name="component",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="change_requests",
                to="components.component",
                verbose_name="component",
            ),
        ),
        migrations.AddField(
            model_name="componentchange",
            name="decided_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AddField(
            model_name="componentchange",
            name="successor",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="components.component",
                verbose_name="stands there now",
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="asked by",
            ),
        ),
        migrations.AddIndex(
            model_name="componentchange",
            index=models.Index(
                condition=models.Q(("state", "open")),
                fields=["asked_at"],
                name="component_change_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="componentchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("component",),
                name="one_open_change_a_component",
            ),
        ),
        migrations.AddConstraint(
            model_name="componentchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("state", "open")),
                    models.Q(
                        models.Q(("state", "open"), _negated=True), ("decided_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="component_change_is_decided_once",
            ),
        ),
        *_TRIGGERS,
    ]
