"""Which rule applies to a target and a path: the order of the steps, and what a path matches."""

import re
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

import msgspec

from api.kernel import Quota, Rate
from api.plans.types import Found, Placed, Rule, normal_path

Step = Found
Key = tuple[str, str]
"""The type and the id of a target."""
ALL_PATHS = "*"
DEFAULT_GROUP = ("G", "*")
"""The target of accounts that have no other."""
DAYS_OF_MONTH = 31
"""When a quota of a month is compared with one of a day."""
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


class Terms(msgspec.Struct, frozen=True):
    """What an account may call on a path: the rate, and the rule with the quota."""

    rate: Quota
    quota: Rule | None


class Plans:
    """The active targets and their rules, in memory."""

    def __init__(self, version: int, targets: Sequence[Placed]) -> None:
        self.version = version
        self._targets: dict[Key, Placed] = {(each.target_type, each.target_id): each for each in targets}
        self._tiers: dict[int, list[Rule]] = {}
        for each in targets:
            self._tiers.setdefault(each.tier_id, []).extend(each.rules)
        self._plain = {rule.id: plain(rule.path) for each in targets for rule in each.rules}
        self._terms: dict[tuple[UUID, tuple[str, ...], str], Terms | None] = {}

    def terms(self, account: UUID, roles: tuple[str, ...], path: str) -> Terms | None:
        """Return the rate and the quota of an account for a route's path, remembered."""
        if not self._plain:
            return None
        key = (account, roles, path)
        if key not in self._terms:
            if len(self._terms) >= _MOST_REMEMBERED:
                self._terms.clear()
            asked = (("U", str(account)), roles, plain(normal_path(path)))
            found, quotas = self.decide(*asked).rules, self.decide(*asked, quotas=True).rules
            # A rule has a rate, so that there is no quota without a rate.
            self._terms[key] = Terms(self.quota_of(found[0]), quotas[0] if quotas else None) if found else None
        return self._terms[key]

    def counter(self, rule: Rule) -> str:
        """Return the path for which calls are counted against a rule's quota. Rules with the same path and period count
        together, as their rates do."""
        return self._plain[rule.id]

    def quota_of(self, rule: Rule) -> Quota:
        """Return a rule as the quota of a caller. Rules with the same path and period share a window, whatever tier
        they belong to: another tier does not reset the count."""
        path = self._plain[rule.id]
        return Quota(rule.name, Rate(rule.limit, rule.period), "all" if path == ALL_PATHS else f"plans:{path}")

    def decide(self, own: Key | None, groups: Sequence[str], path: str, *, quotas: bool = False) -> Decision:
        """Return the rules for a target with these groups (roles) and a plain path; with `quotas`, only of those that
        have one. The first step with a rule decides, and within a step the rule with the highest rate or quota:

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
            if found := self._largest(rules, lambda rule: rule != ALL_PATHS and matches(rule, path), quotas):
                return Decision(step, found, tier_id)
        for _, rules in places:
            if found := self._largest(rules, lambda rule: rule == ALL_PATHS, quotas):
                return Decision("any", found, tier_id)
        return Decision("default", (), tier_id)

    def _placed(self, keys: Iterable[Key]) -> list[Placed]:
        return [self._targets[key] for key in keys if key in self._targets]

    def _largest(self, rules: list[Rule], admits: Callable[[str], bool], quotas: bool) -> tuple[Rule, ...]:
        found = [rule for rule in rules if (rule.quota or not quotas) and admits(self._plain[rule.id])]
        return tuple(sorted(found, key=_by_quota if quotas else _by_rate))


def _by_rate(rule: Rule) -> tuple[float, int, int]:
    return -rule.limit / rule.period, -rule.limit, rule.id


def _by_quota(rule: Rule) -> tuple[float, int, int]:
    quota = rule.quota or 0
    return -quota / (1 if rule.quota_period == "day" else DAYS_OF_MONTH), -quota, rule.id
