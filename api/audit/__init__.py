"""Audit log: every change with its actor, time and origin, sealed in a hash chain that reveals later tampering."""

from api.audit import personal, routes, tasks, upkeep
from api.audit.settings import AuditSettings
from api.kernel import Feature

feature = Feature(
    name="audit",
    settings=AuditSettings,
    routes=routes.routes,
    tasks=tasks.tasks,
    sweeps=upkeep.sweeps,
    personal=personal.personal,
)
