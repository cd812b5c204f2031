"""What an arrow changes beside state and clocks: the named effects of the workflow table.

An effect reads the fields already checked, changes the case in memory, writes rows of its own
(orders, tasks, requests) and notes in ``act.data`` what the history must know. Nothing here is
personal; what people wrote is kept apart by the door.
"""

from cases.services.effects import case, collectors, departments, orders, requests
from cases.services.effects.registry import EFFECTS

__all__ = ["EFFECTS", "case", "collectors", "departments", "orders", "requests"]
