"""Who may ask what of accounts, how often, and what else than success may come out."""

from api.kernel.auth import anyone, signed_in, superuser
from api.kernel.routing import delete, get, patch, post
from api.users.administration import delete_user, invite_user, list_users, revoke_sessions, show_user
from api.users.changes import change_user
from api.users.errors import (
    CHANGE_PASSWORD_BAD_CREDENTIALS,
    CHANGE_PASSWORD_INVALID_PASSWORD,
    CONFIRM_EMAIL_BAD_TOKEN,
    CURRENT_PASSWORD_REQUIRED,
    LAST_SUPERUSER,
    REGISTER_INVALID_PASSWORD,
    REGISTER_USER_ALREADY_EXISTS,
    RESET_PASSWORD_BAD_TOKEN,
    RESET_PASSWORD_INVALID_PASSWORD,
    REVERT_EMAIL_BAD_TOKEN,
    UPDATE_USER_EMAIL_ALREADY_EXISTS,
    UPDATE_USER_INVALID_PASSWORD,
    USER_ALREADY_EXISTS,
    USER_DISABLED,
    USER_LEAVING,
    VERIFY_USER_ALREADY_VERIFIED,
    VERIFY_USER_BAD_TOKEN,
)
from api.users.profile import change_me, change_password, confirm_email, delete_me, revert_email, show_me
from api.users.registration import (
    forgot_password,
    register,
    request_verify_token,
    reset_password,
    show_opening,
    verify,
)

routes = [
    post(
        "/auth/register",
        register,
        guard=anyone,
        limit="20/minute",
        status=201,
        errors=(REGISTER_USER_ALREADY_EXISTS, REGISTER_INVALID_PASSWORD),
    ),
    post("/auth/request-verify-token", request_verify_token, guard=anyone, limit="20/minute", status=202),
    post(
        "/auth/verify",
        verify,
        guard=anyone,
        limit="30/minute",
        errors=(VERIFY_USER_BAD_TOKEN, VERIFY_USER_ALREADY_VERIFIED, RESET_PASSWORD_INVALID_PASSWORD),
    ),
    post("/auth/verify/opening", show_opening, guard=anyone, limit="30/minute", errors=(VERIFY_USER_BAD_TOKEN,)),
    post("/auth/forgot-password", forgot_password, guard=anyone, limit="20/minute", status=202),
    post(
        "/auth/reset-password",
        reset_password,
        guard=anyone,
        limit="20/minute",
        errors=(RESET_PASSWORD_BAD_TOKEN, RESET_PASSWORD_INVALID_PASSWORD),
    ),
    get("/users/me", show_me, guard=signed_in, etag=True),
    patch(
        "/users/me",
        change_me,
        guard=signed_in,
        limit="30/minute",
        etag=True,
        errors=(UPDATE_USER_EMAIL_ALREADY_EXISTS, UPDATE_USER_INVALID_PASSWORD, CURRENT_PASSWORD_REQUIRED),
    ),
    post(
        "/auth/confirm-email",
        confirm_email,
        guard=anyone,
        limit="30/minute",
        errors=(CONFIRM_EMAIL_BAD_TOKEN, UPDATE_USER_EMAIL_ALREADY_EXISTS),
    ),
    post(
        "/auth/revert-email",
        revert_email,
        guard=anyone,
        limit="30/minute",
        errors=(REVERT_EMAIL_BAD_TOKEN, UPDATE_USER_EMAIL_ALREADY_EXISTS, RESET_PASSWORD_INVALID_PASSWORD),
    ),
    post(
        "/users/change-password",
        change_password,
        guard=signed_in,
        limit="20/minute",
        status=204,
        errors=(CHANGE_PASSWORD_BAD_CREDENTIALS, CHANGE_PASSWORD_INVALID_PASSWORD),
    ),
    delete(
        "/users/me",
        delete_me,
        guard=signed_in,
        limit="20/minute",
        status=202,
        errors=(CURRENT_PASSWORD_REQUIRED, LAST_SUPERUSER),
    ),
    get("/users", list_users, guard=superuser),
    post("/users", invite_user, guard=superuser, status=201, errors=(USER_ALREADY_EXISTS,)),
    get("/users/{id}", show_user, guard=superuser, etag=True),
    patch(
        "/users/{id}",
        change_user,
        guard=superuser,
        etag=True,
        errors=(
            UPDATE_USER_EMAIL_ALREADY_EXISTS,
            UPDATE_USER_INVALID_PASSWORD,
            CURRENT_PASSWORD_REQUIRED,
            LAST_SUPERUSER,
            USER_DISABLED,
            USER_LEAVING,
        ),
    ),
    delete("/users/{id}", delete_user, guard=superuser, status=204, errors=(CURRENT_PASSWORD_REQUIRED, LAST_SUPERUSER)),
    post("/users/{id}/revoke-sessions", revoke_sessions, guard=superuser, status=204),
]
