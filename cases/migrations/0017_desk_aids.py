"""Aids of the desks: phrases, holds, rules for duplicates, and what a case is found by."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What a case is found by (docs/rules/search.md). Pairs of characters carry Chinese, which has no
# spaces; the words are those of the case as it is, written by triggers that no code path forgets.
FUNCTIONS = """
CREATE FUNCTION cases_folded(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(
        lower(normalize(words, NFKC)), '[\\s,.;:!?()''"，。；：！？（）、“”‘’《》【】·~_/-]+', ' ', 'g'))
$$;
CREATE FUNCTION cases_pairs(words text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT pair), '{}') FROM (
        SELECT substr(words, at, 2) AS pair FROM generate_series(1, length(words) - 1) AS at
    ) AS pairs WHERE position(' ' IN pair) = 0
$$;
CREATE FUNCTION cases_digits(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(words, '[^0-9]', '', 'g')
$$;
CREATE FUNCTION cases_document(
    address text, description text, type_id bigint, district_id bigint, street_id bigint,
    community_id bigint
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT cases_folded(concat_ws(' ', address, description,
        (SELECT name FROM components_casetype WHERE id = type_id),
        (SELECT name FROM grid_area WHERE id = district_id),
        (SELECT name FROM grid_area WHERE id = street_id),
        (SELECT name FROM grid_area WHERE id = community_id)))
$$;
CREATE FUNCTION cases_words_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cases_casewords (case_id, reported_at, document)
    VALUES (NEW.id, NEW.reported_at, cases_document(NEW.address, NEW.description, NEW.type_id,
        NEW.district_id, NEW.street_id, NEW.community_id))
    ON CONFLICT (case_id) DO UPDATE SET document = excluded.document;
    RETURN NULL;
END $$
"""
NO_FUNCTIONS = """
DROP FUNCTION cases_words_follow(), cases_document(text, text, bigint, bigint, bigint, bigint),
    cases_digits(text), cases_pairs(text), cases_folded(text)
"""
TRIGGERS = """
INSERT INTO cases_casewords (case_id, reported_at, document)
SELECT id, reported_at,
    cases_document(address, description, type_id, district_id, street_id, community_id)
FROM cases_case;
CREATE TRIGGER cases_words_of_new AFTER INSERT ON cases_case
    FOR EACH ROW EXECUTE FUNCTION cases_words_follow();
CREATE TRIGGER cases_words_of_changed
    AFTER UPDATE OF address, description, type_id, district_id, street_id, community_id
    ON cases_case FOR EACH ROW
    WHEN ((OLD.address, OLD.description, OLD.type_id, OLD.district_id, OLD.street_id,
           OLD.community_id) IS DISTINCT FROM (NEW.address, NEW.description, NEW.type_id,
           NEW.district_id, NEW.street_id, NEW.community_id))
    EXECUTE FUNCTION cases_words_follow()
"""
NO_TRIGGERS = """
DROP TRIGGER cases_words_of_changed ON cases_case;
DROP TRIGGER cases_words_of_new ON cases_case
"""
INDEXES = """
CREATE INDEX case_words_pairs ON cases_casewords USING gin (cases_pairs(document));
CREATE INDEX case_words_newest ON cases_casewords (reported_at DESC, case_id DESC);
CREATE INDEX case_person_digits ON cases_caseperson
    USING gin (cases_digits(phone) gin_trgm_ops) WHERE phone <> '';
CREATE INDEX case_person_name ON cases_caseperson (name varchar_pattern_ops) WHERE name <> ''
"""
NO_INDEXES = """
DROP INDEX case_person_name, case_person_digits, case_words_newest, case_words_pairs
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_fewer_indexes"),
        ("cases", "0016_eventoutbox_written_at"),
        ("components", "0008_nearest_by_type"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CaseHold",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="hold",
                        serialize=False,
                        to="cases.case",
                    ),
                ),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CaseWords",
            fields=[
                (
                    "case",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="cases.case",
                    ),
                ),
                ("reported_at", models.DateTimeField()),
                ("document", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="DuplicateRule",
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
                        blank=True,
                        choices=[("component", "Component"), ("event", "Event")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "within_m",
                    models.PositiveSmallIntegerField(
                        default=100,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="within (m)",
                    ),
                ),
                (
                    "within_hours",
                    models.PositiveSmallIntegerField(
                        default=72,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="within (hours)",
                    ),
                ),
            ],
            options={
                "verbose_name": "rule for duplicates",
                "verbose_name_plural": "rules for duplicates",
                "ordering": ["city", "type", "type_class", "kind"],
            },
        ),
        migrations.CreateModel(
            name="Phrase",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("role", models.CharField(blank=True, max_length=24, verbose_name="role")),
                ("action", models.CharField(blank=True, max_length=32, verbose_name="action")),
                ("text", models.CharField(max_length=500, verbose_name="phrase")),
                (
                    "position",
                    models.PositiveSmallIntegerField(default=100, verbose_name="position"),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
            ],
            options={
                "verbose_name": "common phrase",
                "verbose_name_plural": "common phrases",
                "ordering": ["position", "id"],
            },
        ),
        migrations.RemoveIndex(
            model_name="case",
            name="case_text",
        ),
        migrations.AddField(
            model_name="casehold",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="duplicaterule",
            name="city",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, to="accounts.city", verbose_name="city"
            ),
        ),
        migrations.AddField(
            model_name="duplicaterule",
            name="type",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="components.casetype",
                verbose_name="type",
            ),
        ),
        migrations.AddField(
            model_name="duplicaterule",
            name="type_class",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="components.typeclass",
                verbose_name="class of types",
            ),
        ),
        migrations.AddField(
            model_name="phrase",
            name="city",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, to="accounts.city", verbose_name="city"
            ),
        ),
        migrations.AddField(
            model_name="phrase",
            name="organisation",
            field=models.ForeignKey(
                blank=True,
                help_text="with those below it; empty: all",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.organisation",
                verbose_name="organisation",
            ),
        ),
        migrations.AddField(
            model_name="phrase",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                help_text="empty: shared by a team",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="phrases",
                to=settings.AUTH_USER_MODEL,
                verbose_name="person",
            ),
        ),
        migrations.AddConstraint(
            model_name="duplicaterule",
            constraint=models.UniqueConstraint(
                fields=("city", "kind", "type_class", "type"),
                name="duplicate_rule_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="phrase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("owner__isnull", True),
                    models.Q(("organisation__isnull", True), ("role", "")),
                    _connector="OR",
                ),
                name="phrase_of_a_person_or_a_team",
            ),
        ),
        migrations.AddConstraint(
            model_name="phrase",
            constraint=models.UniqueConstraint(
                fields=("city", "owner", "organisation", "role", "action", "text"),
                name="phrase_once",
                nulls_distinct=False,
            ),
        ),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
        migrations.RunSQL(INDEXES, NO_INDEXES),
    ]
