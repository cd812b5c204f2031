"""Reorganising administrative areas: a plan is read, previewed, applied on a day, and undone.

``plan`` reads the file, ``outcome`` says what a plan would change and ``report`` says it in words;
``services`` are the doors, with ``applying`` and ``undoing`` behind them. The rules stand in
docs/rules/reorganisation.md.
"""
