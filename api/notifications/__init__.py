"""Notifications: messages to accounts, in their lists, by mail and in digests, by the channels that they chose."""

from api.kernel import Feature
from api.notifications import personal, requests, routes, settings, tasks, upkeep

feature = Feature(
    name="notifications",
    settings=settings.NotificationSettings,
    routes=routes.routes,
    tasks=tasks.tasks,
    mails=tasks.mails,
    sweeps=upkeep.sweeps,
    consumers=requests.consumers,
    personal=personal.personal,
)
