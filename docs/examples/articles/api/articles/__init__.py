"""Articles: what people write, read, discuss and follow."""

from api.articles import personal, requests, routes, settings, tasks, upkeep
from api.kernel import Feature

feature = Feature(
    name="articles",
    settings=settings.ArticleSettings,
    routes=routes.routes,
    tasks=tasks.tasks,
    schedules=tasks.schedules,
    sweeps=upkeep.sweeps,
    consumers=requests.consumers,
    personal=personal.personal,
)
