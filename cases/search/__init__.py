"""Search across cases (docs/rules/search.md): words, sounds, numbers, phones, in PostgreSQL."""
