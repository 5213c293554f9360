"""Error codes of this feature. Where FastAPI Users has a code, it is the same."""

from api.kernel import bad_request, conflict, forbidden

REGISTER_USER_ALREADY_EXISTS = bad_request(
    "REGISTER_USER_ALREADY_EXISTS", "An account with this e-mail address already exists."
)
REGISTER_INVALID_PASSWORD = bad_request(
    "REGISTER_INVALID_PASSWORD", "The password is not acceptable; choose another one."
)
VERIFY_USER_BAD_TOKEN = bad_request(
    "VERIFY_USER_BAD_TOKEN", "The link is invalid, expired or already used; request a new one."
)
VERIFY_USER_ALREADY_VERIFIED = bad_request(
    "VERIFY_USER_ALREADY_VERIFIED", "The e-mail address is already confirmed; sign in."
)
RESET_PASSWORD_BAD_TOKEN = bad_request(
    "RESET_PASSWORD_BAD_TOKEN", "The link is invalid, expired or already used; request a new one."
)
RESET_PASSWORD_INVALID_PASSWORD = bad_request(
    "RESET_PASSWORD_INVALID_PASSWORD", "The password is not acceptable; choose another one."
)
UPDATE_USER_EMAIL_ALREADY_EXISTS = bad_request(
    "UPDATE_USER_EMAIL_ALREADY_EXISTS", "Another account has this e-mail address; choose another address."
)
UPDATE_USER_INVALID_PASSWORD = bad_request(
    "UPDATE_USER_INVALID_PASSWORD", "The password is not acceptable; choose another one."
)
CURRENT_PASSWORD_REQUIRED = forbidden(
    "CURRENT_PASSWORD_REQUIRED", "The current password is required; send it as current_password."
)
CONFIRM_EMAIL_BAD_TOKEN = bad_request(
    "CONFIRM_EMAIL_BAD_TOKEN",
    "The link is invalid, expired or already used, or the change was cancelled; request the change again.",
)
REVERT_EMAIL_BAD_TOKEN = bad_request(
    "REVERT_EMAIL_BAD_TOKEN", "The link is invalid, expired or already used; request a new one."
)
CHANGE_PASSWORD_BAD_CREDENTIALS = bad_request("CHANGE_PASSWORD_BAD_CREDENTIALS", "The current password is wrong.")
CHANGE_PASSWORD_INVALID_PASSWORD = bad_request(
    "CHANGE_PASSWORD_INVALID_PASSWORD", "The password is not acceptable; choose another one."
)
LAST_SUPERUSER = conflict(
    "LAST_SUPERUSER", "This is the last superuser that can sign in; make another account a superuser first."
)
USER_DISABLED = conflict("USER_DISABLED", "The account is disabled; enable it first.")
USER_LEAVING = conflict(
    "USER_LEAVING", "The account is scheduled for deletion; its owner can cancel the deletion by signing in."
)
USER_ALREADY_EXISTS = conflict("USER_ALREADY_EXISTS", "An account with this e-mail address already exists.")
