"""Error codes."""

from api.kernel import conflict, forbidden

EXPORT_UNVERIFIED = forbidden("EXPORT_UNVERIFIED", "Confirm your e-mail address before you export your data.")
EXPORT_BUSY = conflict("EXPORT_BUSY", "Another download of this account is running; wait until it ends.")
