"""What figures mean: hot spots, comparisons, fair limits, the monthly report.

Every number here is a measure or an indicator of evaluation, read by its selectors.
"""
