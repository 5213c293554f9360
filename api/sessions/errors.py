"""This feature's codes; FastAPI Users' where it has one."""

from api.kernel import bad_request, unauthorized

LOGIN_BAD_CREDENTIALS = bad_request("LOGIN_BAD_CREDENTIALS", "No account matches this e-mail and password.")
LOGIN_USER_NOT_VERIFIED = bad_request(
    "LOGIN_USER_NOT_VERIFIED", "Confirm the address first, with the link that was mailed to it."
)
REFRESH_TOKEN_INVALID = unauthorized("REFRESH_TOKEN_INVALID", "The refresh token is not valid; sign in again.")
REFRESH_TOKEN_REUSED = unauthorized(
    "REFRESH_TOKEN_REUSED",
    "The refresh token was used before, so somebody may have copied it: the session is ended; sign in again.",
)
