"""What a worker does for a survey, in steps that each are one transaction.

A step leaves its result and how far it came together; whoever carries on after it was killed finds
both or neither.
"""
