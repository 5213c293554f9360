"""The list of features."""

from api import (
    audit,
    mails,
    notifications,
    operations,
    personal,
    plans,
    realtime,
    sessions,
    system,
    users,
    webhooks,
)

FEATURES = (
    users.feature,
    sessions.feature,
    audit.feature,
    notifications.feature,
    plans.feature,
    realtime.feature,
    operations.feature,
    mails.feature,
    system.feature,
    webhooks.feature,
    personal.feature,
)
