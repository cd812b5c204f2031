from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0009_export_subject"),
    ]

    operations = [
        migrations.AddField(
            model_name="survey",
            name="rows_removed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                null=True,
                verbose_name="rows without errors removed at",
            ),
        ),
    ]
