"""Proxy rectification (代整治): funds, their books, a case's money from quote to charge."""
