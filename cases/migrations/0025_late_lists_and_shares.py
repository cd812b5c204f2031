"""Lists of what is late and the shares of a month are read in their indexes alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0024_orders_by_month")]

    operations = [
        migrations.RemoveIndex(model_name="case", name="case_due"),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["due_at"],
                include=("id", "city", "reported_at"),
                condition=models.Q(("is_open", True)),
                name="case_due",
            ),
        ),
        migrations.RemoveIndex(model_name="approvalrequest", name="request_ledger"),
        migrations.AddIndex(
            model_name="approvalrequest",
            index=models.Index(
                fields=["kind", "-asked_at", "-id"],
                include=("status", "department"),
                name="request_ledger",
            ),
        ),
    ]
