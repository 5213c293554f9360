"""Error codes of this feature."""

from api.kernel import bad_request

FILTER_INVALID = bad_request(
    "FILTER_INVALID", "Set at least one of kind, type, key, older_than and ids, or only all: true."
)
