"""C-438: two people who change one thing at once do not overwrite each other unawares: If-Match on each route that
changes a thing with a representation. The table is derived from the routes."""

import inspect

import pytest

from api.kernel.http.routing import Route, inputs_of
from tests.examples import ROUTES

pytestmark = pytest.mark.case(438)
UNSAFE = {name: route for name, (_, route) in ROUTES.items() if route.method in ("PUT", "PATCH", "DELETE")}
EXEMPT = {
    "DELETE /notifications/{id}": "deletes a text that does not change",
    "PATCH /notifications/{id}": "sets marks whatever they were",
    "DELETE /sessions": "ends sessions, which have no content to overwrite",
    "DELETE /sessions/{id}": "ends a session, which has no content to overwrite",
    "PATCH /operations/log-level": "sets a value for some minutes whatever it was; the last operator decides",
    "DELETE /webhooks/{id}/secret/previous": "ends secrets, which cannot be read",
}
"""Routes without If-Match, each with the reason."""


def faults(route: Route) -> list[str]:
    """Return what a route lacks for conditional requests."""
    found = [] if "if_match" in inputs_of(route).ambient else ["takes no `if_match`"]
    if "refuse_stale(if_match" not in inspect.getsource(route.handler):
        found.append("does not call `refuse_stale(if_match, …)`")
    if route.method != "DELETE" and not route.etag:
        found.append("answers no ETag: `etag=True`")
    twin = ROUTES.get(f"GET {route.path}")
    if twin and not twin[1].etag:
        found.append(f"GET {route.path} answers no ETag: `etag=True`")
    return found


@pytest.mark.parametrize("name", UNSAFE)
def test_a_change_is_conditional_or_says_why_not(name: str) -> None:
    if name in EXEMPT:
        assert faults(UNSAFE[name]), f"{name} is conditional; remove it from EXEMPT"
    else:
        assert faults(UNSAFE[name]) == [], f"{name}; or add it to EXEMPT with a reason"


def test_each_exemption_is_of_a_route() -> None:
    assert EXEMPT.keys() <= UNSAFE.keys()
