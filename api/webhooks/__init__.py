"""Webhooks: signed HTTP calls to endpoints of accounts, after events that they subscribed to."""

from api.kernel import Feature
from api.webhooks import personal, routes, settings, tasks, upkeep

feature = Feature(
    name="webhooks",
    settings=settings.WebhookSettings,
    routes=routes.routes,
    tasks=tasks.tasks,
    mails=tasks.tasks,
    sweeps=upkeep.sweeps,
    personal=personal.personal,
)
