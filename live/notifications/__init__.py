"""Notifications: who is told what happened to a case, where, and how that is known to have arrived.

A reader of the event log turns events into rows by rules that are data (``notify``); what goes out
by e-mail or gateway is a row too, sent by a job (``deliveries``).
Rules: docs/rules/notifications.md.
"""
