"""This feature's codes."""

from api.kernel import bad_request

FILTER_INVALID = bad_request(
    "FILTER_INVALID", "Give kind, type, key, older_than or ids; or all: true and none of the others."
)
