"""This feature's codes; FastAPI Users' where it has one."""

from api.kernel import bad_request, conflict, forbidden

REGISTER_USER_ALREADY_EXISTS = bad_request(
    "REGISTER_USER_ALREADY_EXISTS", "There is an account with this e-mail address already."
)
REGISTER_INVALID_PASSWORD = bad_request("REGISTER_INVALID_PASSWORD", "This password is not acceptable.")
VERIFY_USER_BAD_TOKEN = bad_request("VERIFY_USER_BAD_TOKEN", "This link is not valid, was used already, or is too old.")
VERIFY_USER_ALREADY_VERIFIED = bad_request("VERIFY_USER_ALREADY_VERIFIED", "This address is confirmed already.")
RESET_PASSWORD_BAD_TOKEN = bad_request(
    "RESET_PASSWORD_BAD_TOKEN", "This link is not valid, was used already, or is too old; ask for another one."
)
RESET_PASSWORD_INVALID_PASSWORD = bad_request("RESET_PASSWORD_INVALID_PASSWORD", "This password is not acceptable.")
UPDATE_USER_EMAIL_ALREADY_EXISTS = bad_request(
    "UPDATE_USER_EMAIL_ALREADY_EXISTS", "There is another account with this e-mail address."
)
UPDATE_USER_INVALID_PASSWORD = bad_request("UPDATE_USER_INVALID_PASSWORD", "This password is not acceptable.")
CURRENT_PASSWORD_REQUIRED = forbidden("CURRENT_PASSWORD_REQUIRED", "This needs your current password, too.")
CONFIRM_EMAIL_BAD_TOKEN = bad_request(
    "CONFIRM_EMAIL_BAD_TOKEN", "This link is not valid, was used already, is too old, or the change was cancelled."
)
REVERT_EMAIL_BAD_TOKEN = bad_request(
    "REVERT_EMAIL_BAD_TOKEN", "This link is not valid, was used already, or is too old."
)
CHANGE_PASSWORD_BAD_CREDENTIALS = bad_request(
    "CHANGE_PASSWORD_BAD_CREDENTIALS", "The current password is not the right one."
)
CHANGE_PASSWORD_INVALID_PASSWORD = bad_request("CHANGE_PASSWORD_INVALID_PASSWORD", "This password is not acceptable.")
LAST_SUPERUSER = conflict(
    "LAST_SUPERUSER", "This is the last superuser that can sign in; make somebody else one first."
)
USER_DISABLED = conflict("USER_DISABLED", "This account is disabled; enable it first.")
USER_LEAVING = conflict("USER_LEAVING", "This account is about to be deleted; its owner keeps it by signing in.")
USER_ALREADY_EXISTS = conflict("USER_ALREADY_EXISTS", "There is an account with this e-mail address already.")
