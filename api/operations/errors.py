"""Error codes of this feature."""

from api.kernel import bad_request, conflict

FILTER_INVALID = bad_request(
    "FILTER_INVALID", "Set at least one of kind, type, key, older_than and ids, or only all: true."
)
LOGGER_UNKNOWN = bad_request(
    "LOGGER_UNKNOWN", "The level of this logger cannot be changed; GET /operations/log-level lists those whose can."
)
TASK_RUNNING = conflict("TASK_RUNNING", "The task is running; wait until the attempt has ended.")
TASK_NOT_WAITING = conflict(
    "TASK_NOT_WAITING", "The task does not wait for another attempt; it is due, or was deferred to a later time."
)
