"""A register made up for demonstrations and load tests, along the real streets of a city."""
