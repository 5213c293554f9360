"""Error codes of this feature. Codes with a parameter in their text are raised with the reference system's text."""

from api.kernel import bad_request, conflict, problem

TIER_ALREADY_EXISTS = bad_request("TIER_ALREADY_EXISTS", "A tier with this name already exists.")
TIER_NOT_FOUND = problem(404, "TIER_NOT_FOUND", "Tier not found.")
TIER_IN_USE = conflict("TIER_IN_USE", "The tier has targets; delete them or move them to another tier first.")
TIER_TARGET_ALREADY_EXISTS = bad_request("TIER_TARGET_ALREADY_EXISTS", "An active target for this id already exists.")
TIER_TARGET_NOT_FOUND = problem(404, "TIER_TARGET_NOT_FOUND", "Tier target not found.")
TIER_TARGET_IN_USE = conflict("TIER_TARGET_IN_USE", "The target has rate limits; delete them first.")
RATE_LIMIT_ALREADY_EXISTS = bad_request(
    "RATE_LIMIT_ALREADY_EXISTS", "A rate limit of this target with this path or name already exists."
)
RATE_LIMIT_NOT_FOUND = problem(404, "RATE_LIMIT_NOT_FOUND", "Rate limit configuration not found.")
