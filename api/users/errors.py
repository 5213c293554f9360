"""This feature's codes; FastAPI Users' where it has one."""

from api.kernel.errors import bad_request

REGISTER_USER_ALREADY_EXISTS = bad_request(
    "REGISTER_USER_ALREADY_EXISTS", "There is an account with this e-mail address already."
)
REGISTER_INVALID_PASSWORD = bad_request("REGISTER_INVALID_PASSWORD", "This password is not acceptable.")
VERIFY_USER_BAD_TOKEN = bad_request("VERIFY_USER_BAD_TOKEN", "This link is not valid, was used already, or is too old.")
VERIFY_USER_ALREADY_VERIFIED = bad_request("VERIFY_USER_ALREADY_VERIFIED", "This address is confirmed already.")
