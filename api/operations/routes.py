"""Routes of operations."""

from api.kernel import get, patch, post, superuser
from api.operations.errors import FILTER_INVALID, LOGGER_UNKNOWN, TASK_NOT_WAITING, TASK_RUNNING
from api.operations.handlers import dead_letters, log_levels, tasks

routes = [
    get("/operations/dead-letters", dead_letters.list_dead_letters, guard=superuser),
    post("/operations/dead-letters/retry", dead_letters.retry_dead_letters, guard=superuser, errors=(FILTER_INVALID,)),
    post(
        "/operations/dead-letters/discard", dead_letters.discard_dead_letters, guard=superuser, errors=(FILTER_INVALID,)
    ),
    get("/operations/dead-letters/{id}", dead_letters.get_dead_letter, guard=superuser),
    post("/operations/dead-letters/{id}/retry", dead_letters.retry_dead_letter, guard=superuser, status=204),
    post("/operations/dead-letters/{id}/discard", dead_letters.discard_dead_letter, guard=superuser, status=204),
    get("/operations/outbox", dead_letters.get_outbox, guard=superuser),
    get("/operations/log-level", log_levels.get_log_level, guard=superuser),
    patch("/operations/log-level", log_levels.change_log_level, guard=superuser, errors=(LOGGER_UNKNOWN,)),
    get("/operations/tasks", tasks.list_tasks, guard=superuser),
    get("/operations/tasks/counts", tasks.count_tasks, guard=superuser),
    post(
        "/operations/tasks/{id}/retry",
        tasks.retry_task,
        guard=superuser,
        status=204,
        errors=(TASK_RUNNING, TASK_NOT_WAITING),
    ),
    post("/operations/tasks/{id}/cancel", tasks.cancel_task, guard=superuser, status=204, errors=(TASK_RUNNING,)),
    get("/operations/schedules", tasks.list_schedules, guard=superuser),
]
