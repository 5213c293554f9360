"""The only list of what exists."""

from api import audit, sessions, system, users

FEATURES = (users.feature, sessions.feature, audit.feature, system.feature)
