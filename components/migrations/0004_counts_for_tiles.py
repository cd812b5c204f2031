from django.db import migrations, models

from components.tiling.sql import CREATE_TRIGGERS, DROP_TRIGGERS, REBUILD


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0003_register_at_full_size"),
    ]

    operations = [
        migrations.CreateModel(
            name="ComponentCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "zoom",
                        "tile_x",
                        "tile_y",
                        "type_id",
                        "pixel",
                        "class_id",
                        "state",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("zoom", models.SmallIntegerField()),
                ("tile_x", models.IntegerField()),
                ("tile_y", models.IntegerField()),
                ("type_id", models.IntegerField()),
                ("class_id", models.IntegerField()),
                ("state", models.CharField(max_length=1)),
                ("pixel", models.SmallIntegerField()),
                ("count", models.IntegerField()),
            ],
            options={
                "verbose_name": "component counts",
                "verbose_name_plural": "component counts",
            },
        ),
        migrations.CreateModel(
            name="ComponentDelta",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("pixel_x", models.IntegerField()),
                ("pixel_y", models.IntegerField()),
                ("type_id", models.IntegerField()),
                ("class_id", models.IntegerField()),
                ("state", models.CharField(max_length=1)),
                ("count", models.IntegerField()),
            ],
            options={
                "verbose_name": "changes of component counts",
                "verbose_name_plural": "changes of component counts",
                "indexes": [
                    models.Index(fields=["pixel_x", "pixel_y"], name="component_delta_pixel")
                ],
            },
        ),
        migrations.RunSQL(CREATE_TRIGGERS, DROP_TRIGGERS),
        migrations.RunSQL(REBUILD, migrations.RunSQL.noop),
    ]
