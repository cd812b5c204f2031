import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_fewer_indexes"),
        ("components", "0007_census"),
        ("grid", "0004_area_zone_cells"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="component",
            name="component_near",
        ),
        migrations.AddIndex(
            model_name="component",
            index=django.contrib.postgres.indexes.GistIndex(
                fields=["type", "tile_point"], name="component_near"
            ),
        ),
    ]
