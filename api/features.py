"""The list of features."""

from api import audit, notifications, operations, sessions, system, users, webhooks

FEATURES = (
    users.feature,
    sessions.feature,
    audit.feature,
    notifications.feature,
    operations.feature,
    system.feature,
    webhooks.feature,
)
