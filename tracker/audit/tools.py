"""Tool-call accuracy as the vendor verifiers count it: does a host call a tool when the author's API does, and do the
arguments fit the schema? Engineering fidelity, not bits: a bf16 host without guided decoding fails it too.

Trigger similarity is the F1 of "called a tool" against the author's own answers; https://github.com/MoonshotAI/K2-Vendor-Verifier.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.errors import ProbeError

Schema = Mapping[str, Any]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as a host returned it: the function's name and its arguments, still as text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolScore:
    """Trigger F1 against the reference (None without one) and the share of calls that fit their schema."""

    requests: int
    calls: int
    valid: int
    schema_accuracy: float | None
    trigger_f1: float | None


def call_problem(call: ToolCall, schemas: Mapping[str, Schema]) -> str | None:
    """Why a call is not usable, or None."""
    if call.name not in schemas:
        return f"unknown tool {call.name[:40]!r}"
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        return "arguments are not JSON"
    except RecursionError:
        return "arguments are nested too deeply"
    return schema_problem(arguments, schemas[call.name])


def schema_problem(value: Any, schema: Schema, path: str = "$") -> str | None:
    """First breach of the parts of JSON Schema that tool definitions use, or None."""
    if wrong := _type_problem(value, schema, path):
        return wrong
    if "enum" in schema and value not in schema["enum"]:
        return f"{path}: not one of the allowed values"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{path}: does not match its pattern"
    if isinstance(value, dict):
        return _object_problem(value, schema, path)
    if isinstance(value, list) and "items" in schema:
        problems = (schema_problem(item, schema["items"], f"{path}[{at}]") for at, item in enumerate(value))
        return next((problem for problem in problems if problem), None)
    return None


def _type_problem(value: Any, schema: Schema, path: str) -> str | None:
    declared = schema.get("type")
    names = [declared] if isinstance(declared, str) else list(declared or ())
    unknown = [name for name in names if name not in _TYPES]
    if unknown:
        raise ProbeError(f"schema at {path} names a type we do not know: {unknown[0]!r}")
    if not names or any(_is_a(value, name) for name in names):
        return None
    return f"{path}: {type(value).__name__} where {' or '.join(names)} is asked for"


def _is_a(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _object_problem(value: Mapping[str, Any], schema: Schema, path: str) -> str | None:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{path}: {missing[0]} is missing"
    if schema.get("additionalProperties") is False and (extra := set(value) - set(properties)):
        return f"{path}: {min(extra)} is not a parameter"
    problems = (
        schema_problem(value[name], part, f"{path}.{name}") for name, part in properties.items() if name in value
    )
    return next((problem for problem in problems if problem), None)


def tool_score(
    answers: Sequence[Sequence[ToolCall]],
    schemas: Mapping[str, Schema],
    reference: Sequence[bool] | None = None,
) -> ToolScore:
    """Score a host's answers (the calls of each request); `reference[i]`: whether the author's API called a tool."""
    calls = [call for answer in answers for call in answer]
    valid = sum(call_problem(call, schemas) is None for call in calls)
    f1 = None
    if reference is not None:
        if len(reference) != len(answers):
            raise ProbeError(f"the reference has {len(reference)} answers, the host {len(answers)}")
        f1 = trigger_f1([bool(answer) for answer in answers], reference)
    return ToolScore(len(answers), len(calls), valid, valid / len(calls) if calls else None, f1)


def trigger_f1(triggered: Sequence[bool], reference: Sequence[bool]) -> float | None:
    """Harmonic mean of precision and recall of "called a tool"; None where neither side ever did."""
    both = sum(a and b for a, b in zip(triggered, reference, strict=True))
    either = sum(triggered) + sum(reference)
    return 2 * both / either if either else None
