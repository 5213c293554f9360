"""Operations: what an operator looks at and decides. A dead letter is an event that Kafka refused for good, a task that
failed too often, or a message of another service that cannot be acted on. Nothing of it is lost, and nothing becomes of
it until somebody retries or discards it."""

from api.kernel import Feature
from api.operations import routes

feature = Feature(name="operations", routes=routes.routes)
