"""An application for each test, whose routes are compiled once: that takes longer than most tests."""

import copy

from starlette.applications import Starlette
from starlette.datastructures import State

from api.kernel.context import Context


def with_context(compiled: Starlette, context: Context) -> Starlette:
    """Return the application with this context. It shares the routes; its middlewares, which keep state, are new."""
    assert compiled.middleware_stack is None, "its first request would create the middlewares of all copies"
    made = copy.copy(compiled)
    made.state = State({"context": context})
    return made
