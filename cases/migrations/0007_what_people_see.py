from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_slots_are_pairs")]

    operations = [
        migrations.AddIndex(
            model_name="suborder",
            index=models.Index(fields=["organisation", "case"], name="sub_order_seen"),
        ),
        migrations.AddIndex(
            model_name="fieldtask",
            index=models.Index(fields=["collector", "case"], name="field_task_seen"),
        ),
    ]
