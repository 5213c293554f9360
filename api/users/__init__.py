"""User accounts: an e-mail address, confirmed by a mailed link, and a password."""

from api.kernel import Feature
from api.users import commands, personal, routes, tasks, upkeep
from api.users.settings import UserSettings

feature = Feature(
    name="users",
    settings=UserSettings,
    routes=routes.routes,
    tasks=tasks.tasks,
    mails=tasks.tasks,
    sweeps=upkeep.sweeps,
    consumers=commands.consumers,
    personal=personal.personal,
)
