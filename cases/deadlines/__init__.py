"""What the system does about deadlines by itself, and how a deadline came about.

``steps`` says what is due when (pure), ``rules`` reads the city's rules, ``engine`` scans,
``recalculation`` moves deadlines to another calendar version where an administrator asked,
``explanation`` recomputes a deadline slot by slot. Writing what was done is shared with the door:
``cases.services.marks``. The guarantees stand in docs/rules/deadlines.md.
"""
