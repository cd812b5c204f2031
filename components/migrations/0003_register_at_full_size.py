import django.contrib.gis.db.models.fields
import django.contrib.gis.db.models.functions
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.lookups
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_fewer_indexes"),
        ("components", "0002_history_of_changes"),
        ("grid", "0001_initial"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="component",
            name="before_update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="component",
            name="before_delete_delete",
        ),
        migrations.AddField(
            model_name="component",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[
                    ("retired", "Retired"),
                    ("replaced", "Replaced"),
                    ("merged", "Merged: entered twice"),
                ],
                db_default="",
                default="",
                max_length=8,
                verbose_name="why it ended",
            ),
        ),
        migrations.AddField(
            model_name="component",
            name="successor",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="predecessors",
                to="components.component",
                verbose_name="stands there now",
            ),
        ),
        migrations.AddField(
            model_name="componentevent",
            name="successor",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="components.component",
                verbose_name="stands there now",
            ),
        ),
        migrations.AddField(
            model_name="componentevent",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[
                    ("retired", "Retired"),
                    ("replaced", "Replaced"),
                    ("merged", "Merged: entered twice"),
                ],
                db_default="",
                default="",
                max_length=8,
                verbose_name="why it ended",
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="city",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="accounts.city",
                verbose_name="city",
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="geometry",
            field=django.contrib.gis.db.models.fields.GeometryField(
                spatial_index=False, srid=4326, verbose_name="geometry"
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="point",
            field=django.contrib.gis.db.models.fields.PointField(
                spatial_index=False, srid=4326, verbose_name="point"
            ),
        ),
        migrations.AlterField(
            model_name="component",
            name="type",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="components",
                to="components.casetype",
                verbose_name="type",
            ),
        ),
        migrations.AlterField(
            model_name="componentevent",
            name="geometry",
            field=django.contrib.gis.db.models.fields.GeometryField(
                spatial_index=False, srid=4326, verbose_name="geometry"
            ),
        ),
        migrations.AlterField(
            model_name="componentevent",
            name="point",
            field=django.contrib.gis.db.models.fields.PointField(
                spatial_index=False, srid=4326, verbose_name="point"
            ),
        ),
        migrations.RunSQL(
            "UPDATE components_component SET ending = 'retired' WHERE retired_date IS NOT NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AddField(
            model_name="component",
            name="tile_point",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.contrib.gis.db.models.functions.Transform("point", 3857),
                output_field=django.contrib.gis.db.models.fields.PointField(
                    spatial_index=False, srid=3857
                ),
                verbose_name="point on the tiles",
            ),
        ),
        migrations.AddIndex(
            model_name="component",
            index=django.contrib.postgres.indexes.GistIndex(
                fields=["tile_point"], name="component_tile"
            ),
        ),
        migrations.AddIndex(
            model_name="component",
            index=django.contrib.postgres.indexes.GistIndex(
                models.F("geometry"),
                condition=models.Q(
                    django.db.models.lookups.GreaterThan(
                        models.Func(
                            models.F("geometry"),
                            function="ST_Dimension",
                            output_field=models.IntegerField(),
                        ),
                        0,
                    )
                ),
                name="component_shape",
            ),
        ),
        migrations.AddIndex(
            model_name="component",
            index=models.Index(
                condition=models.Q(("successor__isnull", False)),
                fields=["successor"],
                name="component_successor",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="component",
            trigger=pgtrigger.compiler.Trigger(
                name="before_update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."accuracy" IS DISTINCT FROM (NEW."accuracy") OR OLD."address" IS DISTINCT FROM (NEW."address") OR OLD."attributes" IS DISTINCT FROM (NEW."attributes") OR OLD."cell_id" IS DISTINCT FROM (NEW."cell_id") OR OLD."city_id" IS DISTINCT FROM (NEW."city_id") OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."community_id" IS DISTINCT FROM (NEW."community_id") OR OLD."competent_body_id" IS DISTINCT FROM (NEW."competent_body_id") OR OLD."ending" IS DISTINCT FROM (NEW."ending") OR OLD."geometry" IS DISTINCT FROM (NEW."geometry") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."installed_date" IS DISTINCT FROM (NEW."installed_date") OR OLD."maintainer_id" IS DISTINCT FROM (NEW."maintainer_id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."point" IS DISTINCT FROM (NEW."point") OR OLD."retired_date" IS DISTINCT FROM (NEW."retired_date") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."successor_id" IS DISTINCT FROM (NEW."successor_id") OR OLD."surveyed_date" IS DISTINCT FROM (NEW."surveyed_date") OR OLD."type_id" IS DISTINCT FROM (NEW."type_id"))',
                    func='INSERT INTO "components_componentevent" ("accuracy", "address", "attributes", "cell_id", "city_id", "code", "community_id", "competent_body_id", "ending", "geometry", "id", "installed_date", "maintainer_id", "name", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "point", "retired_date", "source", "state", "successor_id", "surveyed_date", "type_id") VALUES (OLD."accuracy", OLD."address", OLD."attributes", OLD."cell_id", OLD."city_id", OLD."code", OLD."community_id", OLD."competent_body_id", OLD."ending", OLD."geometry", OLD."id", OLD."installed_date", OLD."maintainer_id", OLD."name", OLD."owner_id", _pgh_attach_context(), NOW(), \'before_update\', OLD."id", OLD."point", OLD."retired_date", OLD."source", OLD."state", OLD."successor_id", OLD."surveyed_date", OLD."type_id"); RETURN NULL;',
                    hash="e59025c6af1e2fe3241bbc8569f284e9e39699b1",
                    operation="UPDATE",
                    pgid="pgtrigger_before_update_update_98095",
                    table="components_component",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="component",
            trigger=pgtrigger.compiler.Trigger(
                name="before_delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "components_componentevent" ("accuracy", "address", "attributes", "cell_id", "city_id", "code", "community_id", "competent_body_id", "ending", "geometry", "id", "installed_date", "maintainer_id", "name", "owner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "point", "retired_date", "source", "state", "successor_id", "surveyed_date", "type_id") VALUES (OLD."accuracy", OLD."address", OLD."attributes", OLD."cell_id", OLD."city_id", OLD."code", OLD."community_id", OLD."competent_body_id", OLD."ending", OLD."geometry", OLD."id", OLD."installed_date", OLD."maintainer_id", OLD."name", OLD."owner_id", _pgh_attach_context(), NOW(), \'before_delete\', OLD."id", OLD."point", OLD."retired_date", OLD."source", OLD."state", OLD."successor_id", OLD."surveyed_date", OLD."type_id"); RETURN NULL;',
                    hash="052e62173c396ef7857a1f75305139e8a0e65096",
                    operation="DELETE",
                    pgid="pgtrigger_before_delete_delete_d6bdb",
                    table="components_component",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="component",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ending", ""), ("retired_date__isnull", True)),
                    models.Q(
                        models.Q(("ending", ""), _negated=True), ("retired_date__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="component_ends_for_a_reason",
            ),
        ),
    ]
