"""Exceptions with ledgers, and supervision (docs/rules/requests.md, docs/rules/supervision.md)."""
