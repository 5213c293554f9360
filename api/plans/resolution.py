"""Which rule applies to a target and a path: the order of the steps, and what a path matches."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from api.kernel import Quota, Rate
from api.plans.types import Placed, Rule, normal_path

Step = Literal["target", "group", "tier", "any", "default"]
Key = tuple[str, str]
"""The type and the id of a target."""
ALL_PATHS = "*"
DEFAULT_GROUP = ("G", "*")
"""The target of accounts that have no other."""
_MOST_REMEMBERED = 10_000
_PARAMETER = re.compile(r"{\w*}")


def plain(path: str) -> str:
    """Return a normalized path as it is compared: without `api`, and without the names of parameters."""
    return _PARAMETER.sub("{}", path).removeprefix("api_")


def matches(rule: str, path: str) -> bool:
    """Whether a rule's path matches a path; both are plain."""
    return path.startswith(rule[:-1]) if rule.endswith("*") else path == rule


def is_governed(path: str) -> bool:
    """Whether rules apply to a route's path. They do not apply to the routes of plans, so that a superuser can correct
    a rule that leaves no request."""
    return not path.startswith("/plans/")


def count_matches(rule: str, paths: Iterable[str]) -> int:
    """Return the number of routes' paths that a rule's path matches."""
    wanted = plain(rule)
    return sum(is_governed(path) and matches(wanted, plain(normal_path(path))) for path in paths)


class Decision(msgspec.Struct, frozen=True):
    """The step that found rules; they are ordered, and the first one applies."""

    step: Step
    rules: tuple[Rule, ...]
    tier_id: int | None


class Plans:
    """The active targets and their rules, in memory."""

    def __init__(self, version: int, targets: Sequence[Placed]) -> None:
        self.version = version
        self._targets: dict[Key, Placed] = {(each.target_type, each.target_id): each for each in targets}
        self._tiers: dict[int, list[Rule]] = {}
        for each in targets:
            self._tiers.setdefault(each.tier_id, []).extend(each.rules)
        self._plain = {rule.id: plain(rule.path) for each in targets for rule in each.rules}
        self._quotas: dict[tuple[UUID, tuple[str, ...], str], Quota | None] = {}

    def quota(self, account: UUID, roles: tuple[str, ...], path: str) -> Quota | None:
        """Return the quota of an account for a route's path, remembered."""
        if not self._plain:
            return None
        key = (account, roles, path)
        if key not in self._quotas:
            if len(self._quotas) >= _MOST_REMEMBERED:
                self._quotas.clear()
            found = self.decide(("U", str(account)), roles, plain(normal_path(path))).rules
            self._quotas[key] = self.quota_of(found[0]) if found else None
        return self._quotas[key]

    def quota_of(self, rule: Rule) -> Quota:
        """Return a rule as the quota of a caller. Rules with the same path and period share a window, whatever tier
        they belong to: another tier does not reset the count."""
        path = self._plain[rule.id]
        return Quota(rule.name, Rate(rule.limit, rule.period), "all" if path == ALL_PATHS else f"plans:{path}")

    def decide(self, own: Key | None, groups: Sequence[str], path: str) -> Decision:
        """Return the rules for a target with these groups (roles) and a plain path. The first step with a rule decides,
        and within a step the rule with the highest rate:

        1. the target's own rules
        2. the rules of its groups, or of the default group if it has neither a target nor a group with one
        3. the rules of all targets of its tiers
        4. the rules for `*`, in the same order
        """
        mine = self._placed([own] if own else [])
        theirs = self._placed(("G", name) for name in groups)
        if not mine and not theirs and (own is None or own[0] == "U"):
            theirs = self._placed([DEFAULT_GROUP])
        tiers = list(dict.fromkeys(each.tier_id for each in (*mine, *theirs)))
        tier_id = tiers[0] if tiers else None
        places: list[tuple[Step, list[Rule]]] = [
            ("target", [rule for each in mine for rule in each.rules]),
            ("group", [rule for each in theirs for rule in each.rules]),
            ("tier", [rule for id in tiers for rule in self._tiers[id]]),
        ]
        for step, rules in places:
            if found := self._largest(rules, lambda rule: rule != ALL_PATHS and matches(rule, path)):
                return Decision(step, found, tier_id)
        for _, rules in places:
            if found := self._largest(rules, lambda rule: rule == ALL_PATHS):
                return Decision("any", found, tier_id)
        return Decision("default", (), tier_id)

    def _placed(self, keys: Iterable[Key]) -> list[Placed]:
        return [self._targets[key] for key in keys if key in self._targets]

    def _largest(self, rules: list[Rule], admits: Callable[[str], bool]) -> tuple[Rule, ...]:
        found = [rule for rule in rules if admits(self._plain[rule.id])]
        return tuple(sorted(found, key=lambda rule: (-rule.limit / rule.period, -rule.limit, rule.id)))
