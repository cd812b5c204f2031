"""Collection contracts (采集合同): lots, terms, monthly statements, deductions, appeals.

Rules: docs/rules/contracts.md.
"""
