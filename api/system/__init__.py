"""Health: whether this process lives, may be given work, and how each part it needs is doing."""

from api.kernel import Feature
from api.system import routes, upkeep

feature = Feature(name="system", routes=routes.routes, sweeps=upkeep.sweeps)
