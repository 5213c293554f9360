"""The list of features."""

from api import audit, notifications, operations, plans, sessions, system, users

FEATURES = (
    users.feature,
    sessions.feature,
    audit.feature,
    notifications.feature,
    operations.feature,
    plans.feature,
    system.feature,
)
