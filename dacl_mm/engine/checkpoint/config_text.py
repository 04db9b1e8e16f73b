"""Reading the config that checkpoints hold as text, without executing it."""

import ast
from typing import Any


def read_keys(text: str, *keys: str) -> dict[str, Any]:
    """Return top-level values of a config's text (mmengine's ``Config.pretty_text``).

    Args:
        text: Assignments of numbers, strings, tuples, lists and dicts.
        *keys: The names to read; the rest is not looked at.

    Returns:
        The values of those names that are there.

    Raises:
        ValueError: If a value is anything else.
        SyntaxError: If the text is not Python.
    """
    return {
        target.id: _value(statement.value)
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id in keys
    }


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
            return {str(keyword.arg): _value(keyword.value) for keyword in keywords}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {ast.literal_eval(key): _value(value) for key, value in zip(keys, values) if key}
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
    return ast.literal_eval(node)
