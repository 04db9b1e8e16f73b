"""Which arguments a class takes, with those that it hands on to its parents."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from inspect import Parameter
from typing import Any


@cache
def accepted(function: Callable[..., Any]) -> frozenset[str] | None:
    """Return the names of all keyword arguments of a class or function.

    ``**kwargs`` of a constructor are followed to the parent's, where the constructor hands
    them on.

    Returns:
        None where that cannot be told: the function takes any keyword, or hands them elsewhere.
    """
    names: set[str] = set()
    for init in _constructors(function):
        try:
            parameters = inspect.signature(init).parameters.values()
        except (TypeError, ValueError):  # written in C
            return None
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        rest = next((p.name for p in parameters if p.kind is Parameter.VAR_KEYWORD), None)
        if rest is None:
            return frozenset(names - {'self'})
        taken = _taken_before_super(init, rest)
        if taken is None:
            return None
        names |= taken
    return None


@cache
def required(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of the arguments without default of a class or function."""
    init = next(iter(_constructors(function)), None)
    if init is None:
        return frozenset()
    try:
        parameters = inspect.signature(init).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    kinds = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return frozenset(p.name for p in parameters if p.kind in kinds and p.default is p.empty) - {'self'}


def _constructors(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    if not inspect.isclass(function):
        return [function]
    own = (vars(owner).get('__init__') for owner in function.__mro__ if owner is not object)
    return [init for init in own if init is not None]


def _taken_before_super(init: Callable[..., Any], rest: str) -> set[str] | None:
    """Return what a constructor takes from its keywords; None unless the others go to super().__init__."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(init)))
    except (OSError, TypeError, SyntaxError):
        return None
    handed_on, taken, uses = 0, set(), 0
    for node in ast.walk(tree):
        uses += isinstance(node, ast.Name) and node.id == rest
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        if function.startswith('super(') and function.endswith(').__init__'):
            handed_on += any(k.arg is None and ast.unparse(k.value) == rest for k in node.keywords)
        elif function in (f'{rest}.pop', f'{rest}.get', f'{rest}.setdefault'):
            name = node.args[0]
            if not isinstance(name, ast.Constant):
                return None
            taken.add(str(name.value))
            uses -= 1
    return taken if handed_on and uses == handed_on else None
