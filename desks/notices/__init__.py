"""Notices to roles and organisations, with receipts."""
