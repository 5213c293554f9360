"""Settings of accounts."""

from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings, Variable


class UserSettings(FeatureSettings, frozen=True, kw_only=True):
    hide_accounts: Annotated[
        bool,
        Variable("HIDE_ACCOUNTS"),
        Meta(
            description="`true`: responses do not reveal whether an address has an account. Registration answers 202 "
            "and mails the owner; signing in requires a confirmed address and fails with LOGIN_BAD_CREDENTIALS."
        ),
    ] = False
    deletion_days: Annotated[
        int,
        Variable("DELETION_DAYS"),
        Meta(
            ge=0,
            le=365,
            description="Days in which the owner of a deleted account can restore it by signing in: 0 to 365.",
        ),
    ] = 14
    unverified_days: Annotated[
        int,
        Variable("UNVERIFIED_DAYS"),
        Meta(
            ge=0,
            le=365,
            description="Days after which registered accounts whose address was never confirmed are deleted: 1 to 365; "
            "0 keeps them. Their owner is mailed two days before.",
        ),
    ] = 7
    firebase_scrypt_salt_separator: Annotated[
        bytes,
        Variable("FIREBASE_SCRYPT_SALT_SEPARATOR"),
        Meta(
            description="Base64. `base64_salt_separator` of the Firebase project in `FIREBASE_SCRYPT_SIGNER_KEY`; "
            "needed only for importing."
        ),
    ] = b"\x07"
    firebase_scrypt_rounds: Annotated[
        int,
        Variable("FIREBASE_SCRYPT_ROUNDS"),
        Meta(ge=1, le=8, description="The same project's `rounds`: 1 to 8; needed only for importing."),
    ] = 8
    firebase_scrypt_mem_cost: Annotated[
        int,
        Variable("FIREBASE_SCRYPT_MEM_COST"),
        Meta(ge=1, le=14, description="The same project's `mem_cost`: 1 to 14; needed only for importing."),
    ] = 14
