"""For the tests that go over every feature (tests/examples.py)."""

from api.notifications.types import Notification

TWICE = {"": [Notification]}
VALUES = {"subject": "Your order", "text": "is on its way"}
