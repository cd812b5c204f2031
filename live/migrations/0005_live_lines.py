"""When an event was written, kept with its position; who loses rights is said by the database.

Whoever changes a person's roles, organisation or password, ends a session or moves an organisation,
by whatever way: the processes that hold sockets hear of it at the commit.
"""

from django.conf import settings
from django.db import migrations, models

TELL = """
CREATE FUNCTION live_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told jsonb;
    changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    told := CASE TG_TABLE_NAME
        WHEN 'accounts_user' THEN jsonb_build_object('person', changed -> 'id')
        WHEN 'accounts_user_groups' THEN jsonb_build_object('person', changed -> 'user_id')
        WHEN 'accounts_organisation' THEN jsonb_build_object('organisations', true)
        ELSE jsonb_build_object(
            'session', encode(sha256(convert_to(changed ->> 'session_key', 'UTF8')), 'hex')
        )
    END;
    PERFORM pg_notify('citymgmt_live', told::text);
    RETURN NULL;
END $$;
CREATE TRIGGER live_person AFTER UPDATE OF is_active, organisation_id, city_id, password
    ON accounts_user FOR EACH ROW WHEN (
        (OLD.is_active, OLD.organisation_id, OLD.city_id, OLD.password)
        IS DISTINCT FROM (NEW.is_active, NEW.organisation_id, NEW.city_id, NEW.password)
    ) EXECUTE FUNCTION live_tell();
CREATE TRIGGER live_roles AFTER INSERT OR DELETE ON accounts_user_groups
    FOR EACH ROW EXECUTE FUNCTION live_tell();
CREATE TRIGGER live_organisations AFTER UPDATE OF path, kind ON accounts_organisation
    FOR EACH ROW WHEN ((OLD.path, OLD.kind) IS DISTINCT FROM (NEW.path, NEW.kind))
    EXECUTE FUNCTION live_tell();
CREATE TRIGGER live_sessions AFTER DELETE ON django_session
    FOR EACH ROW EXECUTE FUNCTION live_tell();
"""
TELL_NOT = """
DROP TRIGGER live_person ON accounts_user;
DROP TRIGGER live_roles ON accounts_user_groups;
DROP TRIGGER live_organisations ON accounts_organisation;
DROP TRIGGER live_sessions ON django_session;
DROP FUNCTION live_tell();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("live", "0004_notify_deciders"),
        ("cases", "0016_eventoutbox_written_at"),
        ("sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="eventposition",
            name="written_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(TELL, TELL_NOT),
    ]
