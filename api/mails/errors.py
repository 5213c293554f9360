"""Error codes."""

from api.kernel import conflict

MAIL_NOT_REPEATABLE = conflict(
    "MAIL_NOT_REPEATABLE", "This mail cannot be sent again: its content was not kept, or its task does more than mail."
)
MAIL_LINK_USED = conflict(
    "MAIL_LINK_USED", "The link in this mail was used or is void, so there is no reason to send it again."
)
MAIL_UNFINISHED = conflict("MAIL_UNFINISHED", "This mail, or its last repetition, is still being sent.")
