"""Health: whether this process lives, may be given work, and how each part it needs is doing."""

from api.kernel import Feature, Sweep
from api.system import routes
from api.system.measuring import SECONDS, measure

feature = Feature(name="system", routes=routes.routes, sweeps=[Sweep(measure, SECONDS)])
