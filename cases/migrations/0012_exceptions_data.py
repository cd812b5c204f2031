"""Carry over what requests and the desk's limit said before chains were data."""

from datetime import date

from django.db import migrations

# An open request is decided as it was promised; the ledgers count by who had the case when it was
# asked: the lead order of that moment.
KEEP_THE_PROMISE = """
UPDATE cases_approvalrequest SET chain = CASE
    WHEN kind = 'suspension' THEN '[["DSP"], ["LDR"]]'::jsonb
    WHEN kind = 'extension' AND (details->>'is_first')::boolean
        AND (details->>'is_short')::boolean THEN '[["DSP", "LDR"]]'::jsonb
    WHEN kind = 'extension' THEN '[["LDR"]]'::jsonb
    WHEN kind = 'return' THEN '[["DSP"]]'::jsonb
    WHEN kind IN ('void', 'reopen') THEN '[["SUP"]]'::jsonb
    ELSE '[["LDR"]]'::jsonb END;
UPDATE cases_approvalrequest SET waits_for = coalesce(chain->jsonb_array_length(approvals), '[]')
WHERE status = 'open';
UPDATE cases_approvalrequest r SET department_id = o.organisation_id FROM cases_suborder o
WHERE o.case_id = r.case_id AND o.is_lead AND o.dispatched_at <= r.asked_at
    AND (o.ended_at IS NULL OR o.ended_at >= r.asked_at);
UPDATE cases_supervisionorder s SET organisation_id = o.organisation_id FROM cases_suborder o
WHERE o.case_id = s.case_id AND o.is_lead AND o.dispatched_at <= s.given_at
    AND (o.ended_at IS NULL OR o.ended_at >= s.given_at);
UPDATE cases_leaderinstruction s SET organisation_id = o.organisation_id FROM cases_suborder o
WHERE o.case_id = s.case_id AND o.is_lead AND o.dispatched_at <= s.given_at
    AND (o.ended_at IS NULL OR o.ended_at >= s.given_at);
"""


def keep_the_desks_limit(apps, schema_editor):
    """Say in rows what a desk might grant: the same multiple of the original limit."""
    chains = apps.get_model("cases", "ApprovalChain")
    for policy in apps.get_model("cases", "CasePolicy").objects.all():
        rows = ((10, 2, None), (20, 1, policy.desk_extension_ratio), (90, 1, None))
        for position, ordinal, ratio in rows:
            chains.objects.create(
                city_id=policy.city_id,
                kind="extension",
                position=position,
                from_ordinal=ordinal,
                over_ratio=ratio,
                steps=[["DSP", "LDR"]] if position == 90 else [["DSP"], ["LDR"]],
                valid_from=date(2005, 1, 1),
            )


class Migration(migrations.Migration):
    dependencies = [("cases", "0011_exceptions")]

    operations = [
        migrations.RunSQL(KEEP_THE_PROMISE, migrations.RunSQL.noop),
        migrations.RunPython(keep_the_desks_limit, migrations.RunPython.noop),
    ]
