"""Error codes."""

from api.kernel import bad_request, conflict, problem

NOTIFICATION_KEY_REUSED = problem(
    422, "NOTIFICATION_KEY_REUSED", "This Idempotency-Key was used for another notification; use a new key."
)
NOTIFICATION_SEND_DONE = conflict("NOTIFICATION_SEND_DONE", "The send is done, so it cannot be cancelled.")
NOTIFICATION_SWITCH_LOCKED = conflict(
    "NOTIFICATION_SWITCH_LOCKED", "Notifications about the security of the account cannot be switched off."
)
UNSUBSCRIBE_TOKEN_INVALID = bad_request(
    "UNSUBSCRIBE_TOKEN_INVALID", "The link is not valid. Change your notifications in the settings of your account."
)
