"""The list of features."""

from api import audit, notifications, operations, personal, plans, sessions, system, users, webhooks

FEATURES = (
    users.feature,
    sessions.feature,
    audit.feature,
    notifications.feature,
    plans.feature,
    operations.feature,
    system.feature,
    webhooks.feature,
    personal.feature,
)
