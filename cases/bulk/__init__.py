"""Acting on several cases at once: one audited act with a result a row."""
