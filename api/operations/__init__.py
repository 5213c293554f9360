"""Operations: what an operator looks at and decides. A dead letter is an event that Kafka refused for good, or a task
that failed too often; nothing of it is lost, and nothing becomes of it until somebody retries or discards it."""

from api.kernel.feature import Feature
from api.operations import routes

feature = Feature(name="operations", routes=routes.routes)
