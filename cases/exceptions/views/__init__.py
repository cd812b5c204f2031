"""Pages of exceptions and supervision under /supervision/."""
