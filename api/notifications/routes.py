"""Routes of notifications."""

from api.kernel import NOT_FOUND, anyone, delete, get, patch, post, put, role, signed_in, superuser
from api.notifications.errors import (
    NOTIFICATION_KEY_REUSED,
    NOTIFICATION_SEND_DONE,
    NOTIFICATION_SWITCH_LOCKED,
    UNSUBSCRIBE_TOKEN_INVALID,
)
from api.notifications.handlers import inbox, preferences, sends, unsubscribing

UNSUBSCRIBE_ERRORS = (UNSUBSCRIBE_TOKEN_INVALID, NOTIFICATION_SWITCH_LOCKED)

routes = [
    get("/notifications", inbox.list_notifications, guard=signed_in),
    get("/notifications/counts", inbox.count_notifications, guard=signed_in),
    patch("/notifications/{id}", inbox.change_notification, guard=signed_in),
    delete("/notifications/{id}", inbox.delete_notification, guard=signed_in, status=204),
    post("/notifications/read", inbox.read_notifications, guard=signed_in, errors=(NOT_FOUND,)),
    post("/notifications/seen", inbox.see_notifications, guard=signed_in, errors=(NOT_FOUND,)),
    get("/notifications/preferences", preferences.show_preferences, guard=signed_in, etag=True),
    put(
        "/notifications/preferences",
        preferences.replace_preferences,
        guard=signed_in,
        limit="60/minute",
        etag=True,
        errors=(NOTIFICATION_SWITCH_LOCKED,),
    ),
    get("/notifications/role-preferences", preferences.list_role_preferences, guard=superuser),
    get("/notifications/role-preferences/{role}", preferences.show_role_preferences, guard=superuser, etag=True),
    put(
        "/notifications/role-preferences/{role}",
        preferences.replace_role_preferences,
        guard=superuser,
        etag=True,
        errors=(NOTIFICATION_SWITCH_LOCKED,),
    ),
    post(
        "/notifications/send",
        sends.send_notification,
        guard=role("notifier"),
        status=202,
        max_body="128 kB",
        errors=(NOTIFICATION_KEY_REUSED,),
    ),
    get("/notifications/audience", sends.count_audience, guard=role("notifier")),
    get("/notifications/jobs", sends.list_jobs, guard=role("notifier")),
    get("/notifications/jobs/{id}", sends.show_job, guard=role("notifier")),
    post("/notifications/jobs/{id}/cancel", sends.cancel_job, guard=role("notifier"), errors=(NOTIFICATION_SEND_DONE,)),
    # A provider sends the requests of all its users from a few addresses, so they are not counted.
    post("/notifications/unsubscribe", unsubscribing.unsubscribe, guard=anyone, limit="off", errors=UNSUBSCRIBE_ERRORS),
    get(
        "/notifications/unsubscribe",
        unsubscribing.open_unsubscribe_page,
        guard=anyone,
        status=303,
        errors=(UNSUBSCRIBE_TOKEN_INVALID,),
    ),
    get(
        "/notifications/unsubscribe/preview", unsubscribing.preview_unsubscribe, guard=anyone, errors=UNSUBSCRIBE_ERRORS
    ),
]
