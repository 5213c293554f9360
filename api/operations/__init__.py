"""Operations: dead letters, the outbox, tasks, schedules and the log level. A dead letter is an event that Kafka
rejected permanently, a task that failed too often, or a message of another service that cannot be processed. It is
kept until it is retried or discarded."""

from api.kernel import Feature
from api.operations import personal, routes, upkeep

feature = Feature(name="operations", routes=routes.routes, everywhere=upkeep.everywhere, personal=personal.personal)
