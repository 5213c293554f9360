"""Health: whether this process lives, may be given work, and how each part it needs is doing."""

from api.kernel.feature import Feature
from api.system import routes

feature = Feature(name="system", routes=routes.routes)
