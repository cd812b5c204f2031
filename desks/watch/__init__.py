"""The watch of the system itself: a sweeper looks for whatever is stuck, /supervision/ says so.

``checks`` finds, ``services`` opens and closes findings, ``panel`` shows them with the signs of
life that must be read at once (a silent beat sweeps nothing). docs/rules/deadlines.md.
"""
