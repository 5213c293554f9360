"""Error codes of this feature. Where FastAPI Users has a code, it is the same."""

from api.kernel import bad_request, unauthorized

LOGIN_BAD_CREDENTIALS = bad_request("LOGIN_BAD_CREDENTIALS", "The e-mail address or password is wrong.")
LOGIN_USER_NOT_VERIFIED = bad_request(
    "LOGIN_USER_NOT_VERIFIED", "Confirm your e-mail address first, with the link that was mailed to it."
)
REFRESH_TOKEN_INVALID = unauthorized("REFRESH_TOKEN_INVALID", "The refresh token is invalid or expired; sign in again.")
REFRESH_TOKEN_REUSED = unauthorized(
    "REFRESH_TOKEN_REUSED",
    "The refresh token was already used and may have been stolen, so the session was ended; sign in again.",
)
