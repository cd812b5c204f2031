"""How many orders each department was given in a month is read in an index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0023_queues_by_state")]

    operations = [
        migrations.AddIndex(
            model_name="suborder",
            index=models.Index(
                fields=["organisation", "dispatched_at"],
                condition=models.Q(("is_lead", True)),
                name="sub_order_asked_of",
            ),
        ),
    ]
