"""What a desk may grant stands in the approval chains now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cases", "0012_exceptions_data")]

    operations = [migrations.RemoveField("casepolicy", "desk_extension_ratio")]
