"""Audit: who did what, when, and from where, sealed into a chain of hashes that shows what was altered afterwards."""

from api.audit import routes, tasks, upkeep
from api.audit.settings import AuditSettings
from api.kernel import Feature

feature = Feature(name="audit", settings=AuditSettings, routes=routes.routes, tasks=tasks.tasks, sweeps=upkeep.sweeps)
