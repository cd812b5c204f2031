"""The acceptor's desk: who has a report open, what may be a duplicate, who would get the case."""
