"""Notifications: what another service wants an account to be told."""

from api.kernel import Feature
from api.notifications import requests, tasks

feature = Feature(name="notifications", tasks=tasks.tasks, consumers=requests.consumers)
