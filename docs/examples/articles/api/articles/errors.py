"""This feature's codes."""

from api.kernel import conflict

OWN_AUTHOR = conflict("OWN_AUTHOR", "You cannot follow yourself.")
