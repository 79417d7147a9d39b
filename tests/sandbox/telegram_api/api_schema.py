"""The published Bot API as JSON Schema, so that an answer with a missing, wrong or invented field is seen."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tests.shared import shared_path

_PLAIN = {
    "Integer": {"type": "integer"},
    "String": {"type": "string"},
    "Boolean": {"type": "boolean"},
    "True": {"const": True},
    "Float": {"type": "number"},
}
_ARRAY = "Array of "


@cache
def _api() -> dict[str, Any]:
    return json.loads(shared_path("schemas/telegram/api.json").read_text())


@cache
def _definitions() -> dict[str, Any]:
    """Every type of the Bot API; nothing beyond its fields is allowed in it."""
    return {name: _definition(one) for name, one in _api()["types"].items()}


def _definition(one: dict[str, Any]) -> dict[str, Any]:
    if one.get("subtypes"):
        return {"anyOf": [_type(sub) for sub in one["subtypes"]]}
    fields = one.get("fields", [])
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {field["name"]: _any_of(field["types"]) for field in fields},
        "required": [field["name"] for field in fields if field["required"]],
    }


def _any_of(types: list[str]) -> dict[str, Any]:
    return _type(types[0]) if len(types) == 1 else {"anyOf": [_type(one) for one in types]}


def _type(name: str) -> dict[str, Any]:
    if name.startswith(_ARRAY):
        return {"type": "array", "items": _type(name.removeprefix(_ARRAY))}
    return _PLAIN.get(name) or {"$ref": f"#/$defs/{name}"}


@cache
def _validator(key: str) -> Draft202012Validator:
    kind, name = key.split(":")
    schema = _any_of(_api()["methods"][name]["returns"]) if kind == "method" else _type(name)
    return Draft202012Validator({**schema, "$defs": _definitions()})


def check_result(method: str, result: Any) -> None:
    """Fail when a result is not what the Bot API says the method returns."""
    _check(f"method:{method}", result)


def check_update(update: Any) -> None:
    """Fail when an update is not the Bot API's Update."""
    _check("type:Update", update)


def _check(key: str, value: Any) -> None:
    errors = [f"{error.json_path}: {error.message[:200]}" for error in _validator(key).iter_errors(value)]
    assert not errors, f"{key}: {errors[:3]} in {json.dumps(value)[:400]}"
