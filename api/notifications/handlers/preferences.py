"""Switches: of an account, and those that a role gives to its accounts."""

import itertools
from collections.abc import Sequence

from api.kernel import VALIDATION_FAILED, Context, Database, FieldError, Principal, record, refuse_stale, uuid7
from api.notifications import queries
from api.notifications.errors import NOTIFICATION_SWITCH_LOCKED
from api.notifications.events import DefaultsChanged, PreferencesChanged
from api.notifications.settings import NotificationSettings, is_zone
from api.notifications.types import (
    DigestTimes,
    OwnSwitch,
    Preferences,
    PreferencesChange,
    Role,
    RoleSwitches,
    RoleSwitchesChange,
)

VALUES = {"mail": ("instant", "digest", "off"), "in_app": ("on", "off"), "push": ("on", "off")}
LOCKED = {("security", "mail"): "instant", ("security", "in_app"): "on"}
MOST_LISTED = 1000


async def show_preferences(context: Context, principal: Principal) -> Preferences:
    """Show by which channels the caller gets notifications of each group of kinds, and when digests are sent."""
    return await _preferences(context, context.db, principal)


async def replace_preferences(
    context: Context, principal: Principal, body: PreferencesChange, if_match: str | None
) -> Preferences:
    """Replace the caller's own switches, and the times of the digests. Switches that are not listed have their
    inherited value."""
    switches, digest = _checked(context, body.switches), body.digest
    if digest.zone is not None and not is_zone(digest.zone):
        error = FieldError("/digest/zone", "Is not a time zone such as Europe/Berlin.", "zone")
        raise VALIDATION_FAILED(errors=[error])
    async with context.db.transaction() as db:
        await queries.open_box(db, principal.id)
        before = await _preferences(context, db, principal)
        refuse_stale(if_match, before)
        await queries.replace_switches(db, principal.id, switches)
        await queries.change_digest_times(db, principal.id, digest.every, digest.hour, digest.zone)
        after = await _preferences(context, db, principal)
        if after != before:
            await record(db, PreferencesChanged(user_id=principal.id, how="owner"))
    return after


async def list_role_preferences(context: Context) -> list[RoleSwitches]:
    """List the switches of roles. Accounts have them unless they chose otherwise; of several roles, the value that
    sends more applies."""
    return await _role_switches(context.db, None)


async def show_role_preferences(context: Context, role: Role) -> RoleSwitches:
    """Show the switches of a role."""
    return _of_role(role, await _role_switches(context.db, role))


async def replace_role_preferences(
    context: Context, principal: Principal, role: Role, body: RoleSwitchesChange, if_match: str | None
) -> RoleSwitches:
    """Replace the switches of a role."""
    switches = _checked(context, body.switches)
    async with context.db.transaction() as db:
        await queries.lock_role_switches(db)
        before = _of_role(role, await _role_switches(db, role))
        refuse_stale(if_match, before)
        await queries.replace_role_switches(db, role, switches)
        after = _of_role(role, await _role_switches(db, role))
        if after != before:
            await record(db, DefaultsChanged(change_id=uuid7(), role=role))
    return after


async def _preferences(context: Context, db: Database, principal: Principal) -> Preferences:
    groups = context.settings.of(NotificationSettings).all_groups
    switches = await queries.list_switches(db, principal.id, groups)
    return Preferences(switches, await queries.find_digest_times(db, principal.id) or DigestTimes())


async def _role_switches(db: Database, role: str | None) -> list[RoleSwitches]:
    rows = await queries.list_role_switches(db, role, MOST_LISTED)
    return [
        RoleSwitches(name, [OwnSwitch(row.group, row.channel, row.value) for row in found])
        for name, found in itertools.groupby(rows, key=lambda row: row.role)
    ]


def _of_role(role: str, found: Sequence[RoleSwitches]) -> RoleSwitches:
    return found[0] if found else RoleSwitches(role, [])


def _checked(context: Context, switches: Sequence[OwnSwitch]) -> list[OwnSwitch]:
    """Return the switches without the locked ones. Raises VALIDATION_FAILED, and NOTIFICATION_SWITCH_LOCKED if a locked
    one has another value."""
    groups, known, errors = context.settings.of(NotificationSettings).all_groups, set[tuple[str, str]](), []
    for place, switch in enumerate(switches):
        pair = (switch.group, switch.channel)
        if switch.group not in groups:
            errors.append(_not_among(f"/switches/{place}/group", groups))
        elif switch.value not in VALUES[switch.channel]:
            errors.append(_not_among(f"/switches/{place}/value", VALUES[switch.channel]))
        elif pair in known:
            errors.append(FieldError(f"/switches/{place}", "This switch is listed twice.", "repeated"))
        known.add(pair)
    if errors:
        raise VALIDATION_FAILED(errors=errors)
    if any(LOCKED.get((each.group, each.channel), each.value) != each.value for each in switches):
        raise NOTIFICATION_SWITCH_LOCKED
    return [each for each in switches if (each.group, each.channel) not in LOCKED]


def _not_among(pointer: str, values: Sequence[str]) -> FieldError:
    choices = ", ".join(values)
    return FieldError(pointer, f"Use one of: {choices}.", "choice", {"choices": choices})
