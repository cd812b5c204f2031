"""What the books of a fund hold to by themselves: see docs/rules/funds.md."""

from django.db import migrations

from common.migration_operations import append_only_operations

# The account's row is locked by the update: two postings to one account go one after the other, and
# the second meets the balance the first left (constraint balance_never_negative).
POST = """
CREATE FUNCTION dispatch_posting_moves_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE dispatch_fundaccount AS account SET balance_fen = balance_fen + NEW.amount_fen
    FROM dispatch_journalentry AS entry JOIN dispatch_fundyear AS book ON book.id = entry.year_id
    WHERE account.id = NEW.account_id AND entry.id = NEW.entry_id
        AND account.fund_id = book.fund_id
        AND (account.year_id IS NULL OR account.year_id = entry.year_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'entry % cannot post to account %: another book', NEW.entry_id, NEW.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_in_its_book';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dispatch_posting_moves_balance AFTER INSERT ON dispatch_posting
    FOR EACH ROW EXECUTE FUNCTION dispatch_posting_moves_balance()
"""

# Called from the trigger above the depth is 2, called by anybody's own statement 1.
GUARD_ACCOUNT = """
CREATE FUNCTION dispatch_account_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.balance_fen = 0 THEN RETURN NEW; END IF;
    ELSIF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a balance is moved by postings alone'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER dispatch_account_guard BEFORE INSERT OR UPDATE OR DELETE ON dispatch_fundaccount
    FOR EACH ROW EXECUTE FUNCTION dispatch_account_guard()
"""

# The row of the year is locked, so that no entry slips in while it is being closed.
GUARD_YEAR = """
CREATE FUNCTION dispatch_year_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'dispatch_fundyear' THEN
        IF OLD.closed_at IS NULL THEN RETURN NEW; END IF;
    ELSE
        PERFORM 1 FROM dispatch_fundyear WHERE id = NEW.year_id AND closed_at IS NULL FOR SHARE;
        IF FOUND THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'the book of this year is closed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'year_is_open';
END $$;
CREATE TRIGGER dispatch_year_guard BEFORE UPDATE ON dispatch_fundyear
    FOR EACH ROW EXECUTE FUNCTION dispatch_year_guard();
CREATE TRIGGER dispatch_entry_in_open_year BEFORE INSERT ON dispatch_journalentry
    FOR EACH ROW EXECUTE FUNCTION dispatch_year_guard()
"""

# At the commit, not before: the postings of an entry come one after the other. The number of
# postings is part of the entry, so that a balanced pair cannot be slipped into an old one.
BALANCE = """
CREATE FUNCTION dispatch_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint;
    total numeric;
    posted bigint;
    announced integer;
BEGIN
    IF TG_TABLE_NAME = 'dispatch_posting' THEN wanted := NEW.entry_id; ELSE wanted := NEW.id; END IF;
    SELECT coalesce(sum(amount_fen), 0), count(*) INTO total, posted
        FROM dispatch_posting WHERE entry_id = wanted;
    SELECT posting_count INTO announced FROM dispatch_journalentry WHERE id = wanted;
    IF total <> 0 OR posted <> announced THEN
        RAISE EXCEPTION 'entry %: % postings of %, sum %', wanted, posted, announced, total
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER dispatch_entry_balances AFTER INSERT ON dispatch_journalentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dispatch_entry_balances();
CREATE CONSTRAINT TRIGGER dispatch_posting_balances AFTER INSERT ON dispatch_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dispatch_entry_balances()
"""


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0002_funds_and_squads"), ("common", "0001_initial")]

    operations = [
        *append_only_operations("dispatch_journalentry"),
        *append_only_operations("dispatch_posting"),
        migrations.RunSQL(POST, "DROP FUNCTION dispatch_posting_moves_balance() CASCADE"),
        migrations.RunSQL(GUARD_ACCOUNT, "DROP FUNCTION dispatch_account_guard() CASCADE"),
        migrations.RunSQL(GUARD_YEAR, "DROP FUNCTION dispatch_year_guard() CASCADE"),
        migrations.RunSQL(BALANCE, "DROP FUNCTION dispatch_entry_balances() CASCADE"),
    ]
