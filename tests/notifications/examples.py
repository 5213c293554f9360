"""Test data for the tests that cover all features (tests/examples.py)."""

from api.notifications.types import Notification

TWICE = {"": [Notification]}
VALUES = {"subject": "Your order", "text": "is on its way"}
