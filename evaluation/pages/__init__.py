"""The pages of evaluation: a ranking, what a figure is made of, the cases behind it."""
