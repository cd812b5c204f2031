"""The demo city: who works there, what stands there, what happened lately, and what goes on.

Everything is made from the files under fixtures/ and from fixed seeds, so that two loads of one
day are the same city. Only for demo mode and tests.
"""
