"""Views of evaluation: translate in, ask, translate out."""
