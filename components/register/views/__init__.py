"""Pages of the register, one module a subject."""
