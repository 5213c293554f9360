"""Health checks: whether the process is alive and ready, and the state of the services it depends on."""

from api.kernel import Feature
from api.system import routes, upkeep

feature = Feature(name="system", routes=routes.routes, sweeps=upkeep.sweeps)
