"""Error codes."""

from api.kernel import bad_request, conflict, forbidden

WEBHOOK_UNVERIFIED = forbidden("WEBHOOK_UNVERIFIED", "Confirm your e-mail address before you create webhooks.")
WEBHOOK_SCOPE_FORBIDDEN = forbidden("WEBHOOK_SCOPE_FORBIDDEN", "Only superusers receive the events of all accounts.")
WEBHOOK_LIMIT_REACHED = conflict("WEBHOOK_LIMIT_REACHED", "This account has the maximum number of webhooks.")
WEBHOOK_DISABLED = conflict("WEBHOOK_DISABLED", "The webhook is disabled; enable it first.")
WEBHOOK_TOO_OLD = bad_request("WEBHOOK_TOO_OLD", "Deliveries of events of that age are no longer kept.")
