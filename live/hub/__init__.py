"""What each process that holds sockets keeps in memory, and the tasks that keep it true.

``hub``       one hub a process: who is connected, one subscription to the log, fan-out in memory
``lines``     one socket: what waits to be sent, coalesced and bounded
``door``      who is at a socket, decided at joining and again when rights change
``sight``     which of some cases each scope sees: one statement a kind of person
``reading``   the next stretch of the log, numbered first
``listening`` the database's notifications: new events, changed rights, hints
``looking``   presence: who looks at which case
``airing``    broadcasts: one state, computed once, for many screens
``lag``       how long events take from their commit to the sockets

Nothing here is the truth: everything is read again from the database after a restart, and a page
that missed something asks the feed. Rules: docs/rules/live.md.
"""
