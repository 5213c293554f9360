"""Notifications: e-mails to accounts, requested by other services."""

from api.kernel import Feature
from api.notifications import requests, tasks

feature = Feature(name="notifications", tasks=tasks.tasks, mails=tasks.tasks, consumers=requests.consumers)
