"""Sessions: signing in and out, and renewing tokens. A session is a row, so that ending it takes effect at once. A
single-use refresh token renews its short-lived access token."""

from api.kernel import Feature
from api.sessions import access, delivery, personal, routes, tasks, upkeep
from api.sessions.handlers import refresh
from api.sessions.settings import SessionSettings

feature = Feature(
    name="sessions",
    settings=SessionSettings,
    routes=routes.routes,
    tasks=tasks.tasks,
    mails=tasks.mails,
    sweeps=upkeep.sweeps,
    personal=personal.personal,
    authenticate=access.authenticate,
    recognise=delivery.by_refresh_token,
    renew=refresh.renew,
)
