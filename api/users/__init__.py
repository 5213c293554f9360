"""Accounts: somebody's address, confirmed by a mail to it, and a password."""

from api.kernel import Feature
from api.users import commands, routes, tasks, upkeep

feature = Feature(
    name="users", routes=routes.routes, tasks=tasks.tasks, sweeps=upkeep.sweeps, consumers=commands.consumers
)
