"""Personal data: exports of what all features store about an account, and its erasure."""

from api.kernel import Feature
from api.personal import personal, routes, tasks, upkeep

feature = Feature(
    name="personal", routes=routes.routes, tasks=tasks.tasks, sweeps=upkeep.sweeps, personal=personal.personal
)
