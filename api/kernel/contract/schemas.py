"""JSON Schemas of types in the form that OpenAPI tools expect: msgspec's schemas, completed."""

import re
import typing
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import inspect

Schema = dict[str, Any]
REF = "#/components/schemas/{name}"
_ENUMERATED = {str: "string", bool: "boolean"}
_GENERIC = re.compile(r"(\w+)_(\w+)_")


def schemas_of(kinds: Sequence[Any], received: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The schema of each type, and the components that they refer to. `received` are the types of requests: in those, a
    field with a default may be omitted, while responses always have it."""
    structs, omittable = _structs(kinds), _structs(received)
    schemas, components = msgspec.json.schema_components([*kinds, *structs], ref_template=REF)
    references = dict(zip(structs, schemas[len(kinds) :], strict=True))
    for kind, info in structs.items():
        component = components[name_of(references[kind])]
        # Keywords about several fields at once, such as `maxProperties`, for which msgspec has no constraint.
        component |= getattr(kind, "extra_json_schema", {})
        properties = component["properties"]
        for field in info.fields:
            if field.encode_name in properties:
                _complete(field.type, properties[field.encode_name])
        if kind not in omittable:
            always = {*component.get("required", ()), *_defaults(info)}
            component["required"] = [name for name in properties if name in always]
    for of_kind, schema in zip(inspect.multi_type_info(kinds), schemas, strict=False):
        _complete(of_kind, schema)
    whole = _conventional({"schemas": [*schemas[: len(kinds)]], "components": components})
    return whole["schemas"], {_plain(name): schema for name, schema in whole["components"].items()}


def name_of(reference: Schema) -> str:
    """The component that a reference names."""
    return str(reference["$ref"]).rpartition("/")[2]


def _structs(kinds: Sequence[Any]) -> dict[Any, inspect.StructType]:
    """All Structs that the types contain."""
    found: dict[Any, inspect.StructType] = {}
    for info in inspect.multi_type_info(kinds):
        _collect(info, found)
    return found


def _defaults(info: inspect.StructType) -> list[str]:
    """The fields that are encoded with their default; UNSET, which is not encoded, is none for `inspect`."""
    if (typing.get_origin(info.cls) or info.cls).__struct_config__.omit_defaults:
        return []
    none = msgspec.NODEFAULT
    return [
        field.encode_name for field in info.fields if field.default is not none or field.default_factory is not none
    ]


def _collect(info: inspect.Type, structs: dict[Any, inspect.StructType]) -> None:
    """Add all Structs that a type contains."""
    if isinstance(info, inspect.StructType):
        if info.cls in structs:
            return
        structs[info.cls] = info
        parts: Sequence[inspect.Type] = [field.type for field in info.fields]
    else:
        parts = _parts(info)
    for part in parts:
        _collect(part, structs)


def _parts(info: inspect.Type) -> Sequence[inspect.Type]:
    match info:
        case inspect.Metadata():
            return [info.type]
        case inspect.UnionType() | inspect.TupleType():
            return info.types if isinstance(info, inspect.UnionType) else info.item_types
        case inspect.DictType():
            return [info.value_type]
        case inspect.ListType() | inspect.SetType() | inspect.FrozenSetType() | inspect.VarTupleType():
            return [info.item_type]
        case _:
            return []


def _complete(info: inspect.Type, schema: Schema) -> None:
    """Add the format of datetimes, which msgspec writes only if they must have a time zone."""
    match info:
        case inspect.DateTimeType():
            schema["format"] = "date-time"
        case inspect.Metadata():
            _complete(info.type, schema)
        case inspect.ListType() | inspect.SetType() | inspect.FrozenSetType() | inspect.VarTupleType():
            if isinstance(schema.get("items"), dict):
                _complete(info.item_type, schema["items"])
        case inspect.DictType():
            if isinstance(schema.get("additionalProperties"), dict):
                _complete(info.value_type, schema["additionalProperties"])
        case inspect.UnionType():
            others = [each for each in info.types if not isinstance(_bare(each), inspect.StructType)]
            for each, option in zip(others, schema.get("anyOf", [schema]), strict=False):
                _complete(each, option)


def _bare(info: inspect.Type) -> inspect.Type:
    return _bare(info.type) if isinstance(info, inspect.Metadata) else info


def _plain(name: str) -> str:
    """`CarPage` for `Page_Car_`, msgspec's name of `Page[Car]`."""
    generic = _GENERIC.fullmatch(name)
    return _plain(generic[2]) + generic[1] if generic else name


def _conventional(value: Any) -> Any:
    """Rename generic components, and write what tools expect: `oneOf` with a discriminator, `type` with an enum,
    `additionalProperties` of free-form objects, no empty `required`, no `default` of null."""
    if isinstance(value, list):
        return [_conventional(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _conventional(each) for name, each in value.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = REF.format(name=_plain(name_of(found)))
    if "discriminator" in found and "anyOf" in found:
        found["oneOf"] = found.pop("anyOf")
    if isinstance(found.get("enum"), list) and "type" not in found:
        kinds = {type(each) for each in found["enum"]}
        if len(kinds) == 1 and kinds <= _ENUMERATED.keys():
            found["type"] = _ENUMERATED[kinds.pop()]
    if found.get("type") == "object" and not found.keys() & {"properties", "additionalProperties"}:
        found["additionalProperties"] = True
    if found.get("required") == []:
        del found["required"]
    if "default" in found and found["default"] is None:
        del found["default"]
    if isinstance(found.get("title"), str):
        found["title"] = re.sub(r"(\w+)\[([\w.]+)\]", r"\2\1", found["title"])
    return found


def name_enums(document: Schema) -> None:
    """Move enums with a title that occur more than once into components of that name."""
    enums = list(_enums(document))
    counts = Counter(str(schema["title"]) for schema in enums)
    for schema in enums:
        title = str(schema["title"])
        if counts[title] > 1:
            default = {"default": schema.pop("default")} if "default" in schema else {}
            document["components"]["schemas"][title] = dict(schema)
            schema.clear()
            schema.update({"$ref": REF.format(name=title), **default})


def _enums(value: Any) -> Iterator[Schema]:
    if isinstance(value, dict):
        if isinstance(value.get("enum"), list) and isinstance(value.get("title"), str):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _enums(each)
