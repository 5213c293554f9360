"""The list of features."""

from api import audit, notifications, operations, plans, realtime, sessions, system, users, webhooks

FEATURES = (
    users.feature,
    sessions.feature,
    audit.feature,
    notifications.feature,
    plans.feature,
    realtime.feature,
    operations.feature,
    system.feature,
    webhooks.feature,
)
