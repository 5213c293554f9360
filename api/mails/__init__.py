"""Mails that were sent: to whom, when, in how many attempts, and what the mail server replied. They are kept without
their links, and operators can have them sent again."""

from api.kernel import Feature
from api.mails import personal, record, routes, settings, upkeep

feature = Feature(
    name="mails",
    settings=settings.MailSettings,
    routes=routes.routes,
    sweeps=upkeep.sweeps,
    personal=personal.personal,
    record_mail=record.record_mail,
)
