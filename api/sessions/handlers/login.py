"""Signing in with a password, with tokens or cookies. Guessing is limited by network and by account. A device that the
account knows has its own limit, so that other clients cannot lock its owner out."""

from datetime import timedelta
from uuid import UUID

import msgspec

from api.kernel import RATE_LIMITED, Context, Problem, Transaction, meter, network_of, origin, record, uuid7
from api.kernel.http.cookies import Cookies, refuse_foreign
from api.kernel.identity.limits import NETWORK_BITS, Limit
from api.kernel.outbox.events import NOBODY
from api.kernel.telemetry import traceparent
from api.sessions import delivery, queries, throttles
from api.sessions.errors import LOGIN_BAD_CREDENTIALS, LOGIN_USER_NOT_VERIFIED
from api.sessions.events import SessionEnded, SessionStarted
from api.sessions.settings import SessionSettings
from api.sessions.types import Account, Credentials, SessionTokens, TokenPair
from api.users.events import DeletionCancelled

MOST_SESSIONS = 50
refused_sign_ins = meter.create_counter("sessions.refused", "{attempt}", "Failed sign-ins, by reason")


async def login(context: Context, form: Credentials, cookies: Cookies) -> TokenPair:
    """Sign in with an e-mail address and a password.

    Unknown addresses, wrong passwords and disabled accounts get the same response in the same time."""
    account = await _authenticated(context, form, cookies)
    return delivery.pair(context, await _start(context, account, form, cookies, "bearer"))


async def cookie_login(context: Context, form: Credentials, cookies: Cookies) -> None:
    """Sign in a browser with HttpOnly cookies. Ends this browser's previous session."""
    refuse_foreign(context.settings, cookies.headers)
    account = await _authenticated(context, form, cookies)
    delivery.set_cookies(context, cookies, await _start(context, account, form, cookies, "cookie"))


async def _authenticated(context: Context, form: Credentials, cookies: Cookies) -> Account:
    """Return the account with this address and password, if it may sign in. All failures run the same queries, so that
    neither the response nor its time reveals which addresses have an account."""
    context.passwords.refuse_when_full()
    device = delivery.device_of(context, cookies)
    account = await queries.find_account(context.db, form.username, device, origin.get().user_agent)
    if account and context.settings.of(SessionSettings).hide_accounts and not account.is_verified:
        account = None  # registering an address and signing in to it must not reveal whether it was free
    try:
        charged = await context.limiter.charge(_limits(context, form.username, account, device))
    except RATE_LIMITED as refusal:
        raise await _refused(context, account, refusal, "throttled") from None
    kinds = await queries.list_password_kinds(context.db)
    usable = account.password_hash if account and account.is_active else None
    right = await context.passwords.verify(usable, form.password, kinds, signing_in=True)
    if account is None or not right:
        reason = "password" if account is None or account.is_active else "disabled"
        raise await _refused(context, account, LOGIN_BAD_CREDENTIALS(), reason)
    await context.limiter.refund(charged)  # the password was right
    if context.settings.require_verification and not account.is_verified:
        raise await _refused(context, account, LOGIN_USER_NOT_VERIFIED(), "unverified")
    return account


def _limits(context: Context, typed: str, account: Account | None, device: UUID | None) -> list[Limit]:
    """The limits that an attempt is charged to. A known device has only its own limit, so that other clients on its
    network cannot lock it out. A known place has its own limit, and one of its network for such places. A reset
    password starts a new count, because its owner was just verified."""
    client, limiter = origin.get(), context.limiter
    network = network_of(client.address, NETWORK_BITS)
    if account and account.has_device:
        return throttles.of_device(limiter, account.email, device)
    # Not with HIDE_ACCOUNTS: on the owner's network, with the owner's browser, the limit would reveal the account.
    if account and not context.settings.of(SessionSettings).hide_accounts and _is_known(account):
        place = throttles.of_place(limiter, account.email, network, client.user_agent)
        return place + throttles.of_known_places(limiter, network)
    email = account.email if account else typed
    since = str(account.credentials_changed_at) if account else ""
    return throttles.of_account(limiter, email, since) + throttles.of_network(limiter, network)


def _is_known(account: Account) -> bool:
    """Whether the account was used before from this device, or with this user agent on this network."""
    network = network_of(origin.get().address, NETWORK_BITS)
    return account.has_device or network in {network_of(address, NETWORK_BITS) for address in account.addresses}


async def _refused(context: Context, account: Account | None, refusal: Problem, reason: str) -> Problem:
    """Count a failed sign-in and return its refusal. The worker announces the counts as `sessions.refused`."""
    refused_sign_ins.add(1, {"reason": reason})
    client, owner = origin.get(), account.user_id if account else NOBODY
    network = network_of(client.address, NETWORK_BITS)
    await queries.count_refusal(context.db, owner, reason, network, client.address, client.user_agent, traceparent())
    return refusal


async def _start(context: Context, account: Account, form: Credentials, cookies: Cookies, mode: str) -> SessionTokens:
    """Create a session, with all of its effects, in one transaction."""
    rehashed = None
    if context.passwords.outdated(account.password_hash or "", form.password):
        rehashed = await context.passwords.hash(form.password, signing_in=True)
    former = delivery.session_of(context, cookies) if mode == "cookie" else None
    device = delivery.device_of(context, cookies) or uuid7()
    token = origin.set(msgspec.structs.replace(origin.get(), principal_id=account.user_id))
    try:
        async with context.db.transaction() as db:
            if rehashed or account.leaving:
                await _update_account(db, account, rehashed)
            session = await _insert(context, db, account, device, mode)
            await _end_former(db, account, former)
    except LOGIN_BAD_CREDENTIALS as refusal:
        origin.reset(token)
        raise await _refused(context, account, refusal, "password") from None
    delivery.set_device(context, cookies, device)
    return session


async def _insert(context: Context, db: Transaction, account: Account, device: UUID, mode: str) -> SessionTokens:
    settings, client, sid = context.settings, origin.get(), uuid7()
    generation = await queries.insert(
        db,
        sid,
        account.user_id,
        account.credentials_changed_at,
        timedelta(days=settings.of(SessionSettings).sign_in_idle_days),
        timedelta(days=settings.sign_in_most_days),
        client.address,
        client.user_agent,
        device,
        "password",
        mode,
    )
    if generation is None:
        raise LOGIN_BAD_CREDENTIALS
    new = account.used and not _is_known(account)
    event = SessionStarted(session_id=sid, user_id=account.user_id, method="password", mode=mode, new_device=new)
    await record(db, event)
    return SessionTokens(sid, generation, account.user_id, account.email, account.name, account.roles)


async def _update_account(db: Transaction, account: Account, rehashed: str | None) -> None:
    if await queries.update_account_on_sign_in(db, account.user_id, rehashed, account.credentials_changed_at):
        await record(db, DeletionCancelled(user_id=account.user_id))


async def _end_former(db: Transaction, account: Account, former: UUID | None) -> None:
    """End the sessions that the new one replaces: the browser's previous one, and the oldest beyond MOST_SESSIONS."""
    owner = await queries.end_named(db, former, "logout") if former else None
    if former and owner:
        await record(db, SessionEnded(session_id=former, user_id=owner.user_id, reason="logout"))
    if account.live >= MOST_SESSIONS:
        for sid in await queries.end_oldest(db, account.user_id, MOST_SESSIONS):
            await record(db, SessionEnded(session_id=sid, user_id=account.user_id, reason="limit"))
