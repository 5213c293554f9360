"""The only list of what exists."""

from api import sessions, system, users

FEATURES = (users.feature, sessions.feature, system.feature)
