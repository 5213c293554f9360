"""C-324: a feature lists all that it defines. A route in no list answers 404, and a task in none is never run; each is
reported with the line to write."""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import msgspec
import pytest

import api
from api.features import FEATURES
from api.kernel import Context, Feature, Incoming, Sweep, consume, get, signed_in, task
from api.kernel.http.routing import Route
from api.kernel.outbox.consumers import Consumer
from api.kernel.outbox.tasks import Task

KINDS: dict[type, str] = {Route: "routes", Task: "tasks", Sweep: "sweeps", Consumer: "consumers"}
FIELDS = (*KINDS.values(), "everywhere")


def modules_of(feature: str) -> Iterator[ModuleType]:
    """Return the files of a feature except its command."""
    package = importlib.import_module(f"{api.__name__}.{feature}")
    for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not each.name.endswith(".__main__"):
            yield importlib.import_module(each.name)


def defined(modules: Sequence[ModuleType]) -> Iterator[tuple[str, Any]]:
    """Yield each Route, Task, Sweep and Consumer of a module once, with its name or the name of its list."""
    seen: set[int] = set()
    for module in modules:
        for name, value in vars(module).items():
            for each in value if isinstance(value, list | tuple) else [value]:
                if isinstance(each, tuple(KINDS)) and id(each) not in seen:
                    seen.add(id(each))
                    yield f"{module.__name__}.{name}", each


def unlisted(features: Sequence[Feature], modules: Sequence[ModuleType]) -> list[str]:
    """Return an instruction for each definition that no list of the feature has."""
    listed = {id(each) for feature in features for field in FIELDS for each in getattr(feature, field)}
    faults = []
    for place, each in defined(modules):
        if id(each) not in listed:
            field = next(field for kind, field in KINDS.items() if isinstance(each, kind))
            feature = place.split(".")[1]
            faults.append(f"{place} is in no feature: add it to Feature({field}=…) in api/{feature}/__init__.py")
    return faults


def test_all_that_a_feature_defines_is_in_its_lists() -> None:
    modules = [module for feature in FEATURES for module in modules_of(feature.name)]
    assert len(list(defined(modules))) > 60
    assert unlisted(FEATURES, modules) == []


class Wash(msgspec.Struct, frozen=True):
    metres: int


class Ask(Incoming, frozen=True, tag="cars.wash"):
    metres: int


@task(on=Wash)
async def wash(context: Context, wanted: Wash, id: object) -> None: ...


async def find_cars() -> None: ...


async def sweep_cars(context: Context) -> int:
    return 0


async def obey(context: Context, db: object, message: Ask) -> None: ...


MADE: dict[str, Any] = {
    "routes": get("/cars", find_cars, guard=signed_in),
    "tasks": wash,
    "sweeps": Sweep(sweep_cars),
    "consumers": consume("cars.wash", Ask, obey),
}


@pytest.mark.parametrize("field", MADE)
@pytest.mark.parametrize("listed", [False, True])
def test_a_definition_in_no_list_is_reported_with_the_line_to_write(field: str, listed: bool) -> None:
    module = ModuleType("api.cars.parts")
    module.__dict__.update({"one": MADE[field]} if field == "tasks" else {"several": [MADE[field]]})
    name = "one" if field == "tasks" else "several"
    lists: dict[str, Any] = {field: [MADE[field]]} if listed else {}
    feature = Feature(name="cars", **lists)
    told = f"api.cars.parts.{name} is in no feature: add it to Feature({field}=…) in api/cars/__init__.py"
    assert unlisted([feature], [module]) == ([] if listed else [told])
