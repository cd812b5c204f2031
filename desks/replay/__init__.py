"""Replaying real requests: another city's service requests, taken through this city's own door.

``source`` reads and judges the rows of the file, ``places`` moves their places onto this city's
streets, ``plan`` says which steps a request takes and when, ``crew`` who takes them, ``play`` takes
them, ``run`` does so for a whole file with several processes, ``database`` prepares a database for
it. The rules are told in docs/rules/replay.md.
"""
