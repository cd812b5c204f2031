"""Histories by the hundred thousand, for benchmarks and demonstrations of the full size.

Cases here did not go through the door; they are written as the door would have left them: every
step is a row of the workflow table, clocks are counted by the city's calendars, chains are hashed,
and all constraints and triggers are in force. ``scripts`` says which lives cases have, ``life``
walks one through the table, ``world`` is what a city offers, ``load`` copies days of cases into the
tables.
"""
