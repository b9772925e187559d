"""Calls of Streamlit elements whose text may hold Markdown from outside, found in the source of the pages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Elements by the positions of the arguments that Streamlit draws as Markdown. Boxes to choose from
# (selectbox, multiselect) draw their options as they are, radio buttons and pills as Markdown.
_BODY = (0,)
ELEMENTS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("error", "warning", "info", "success", "markdown", "caption", "toast", "badge"), _BODY),
    **dict.fromkeys(("title", "header", "subheader", "expander", "popover", "status", "spinner"), _BODY),
    **dict.fromkeys(("button", "download_button", "form_submit_button", "link_button", "dialog"), _BODY),
    **dict.fromkeys(("checkbox", "toggle", "selectbox", "multiselect", "slider", "select_slider"), _BODY),
    **dict.fromkeys(("text_input", "text_area", "number_input", "file_uploader", "camera_input"), _BODY),
    **dict.fromkeys(("radio", "pills", "segmented_control"), (0, 1)),
    "metric": (0, 1, 2),
    "progress": (1,),
    "tabs": _BODY,
}
KEYWORDS = {
    "label",
    "body",
    "help",
    "caption",
    "captions",
    "text",
    "delta",
    "value",
    "options",
    "format_func",
}
_DRAWN_PLAIN = {
    "selectbox",
    "multiselect",
    "slider",
    "select_slider",
    "text_input",
    "text_area",
    "number_input",
}
_PLAIN_KEYWORDS = {"options", "format_func", "value"}

# Functions whose results hold no text from outside, whatever their arguments are.
# fmt: off
SAFE = {
    "plain", "code", "len", "round", "int", "float", "sum", "abs", "plural", "duration", "percent",
    "times", "totals",
}
# Functions and methods whose results are as safe as what they are given.
PASSING = {
    "str", "sorted", "list", "tuple", "max", "min", "dict", "set", "reversed", "enumerate", "zip",
    "join", "capitalize", "lower", "upper", "strip", "replace", "removesuffix", "get", "shorten",
    "items", "keys", "values", "format", "title", "most_common",
}
# fmt: on
_NUMBERS = ("int", "float", "bool")


@dataclass
class _Scope:
    """What is known about the names in one function."""

    functions: dict[str, ast.FunctionDef]  # of the module
    values: dict[str, list[ast.expr]] = field(default_factory=dict)  # assigned to each name
    numbers: set[str] = field(default_factory=set)  # parameters and attributes that are numbers
    visiting: set[str] = field(default_factory=set)


def unescaped(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and source of each text that an element of this file would draw as Markdown."""
    for line, value in calls(ast.parse(path.read_text(encoding="utf-8"))):
        yield line, ast.unparse(value)


def calls(module: ast.Module) -> Iterator[tuple[int, ast.expr]]:
    functions = {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
    globals_ = _Scope(functions)
    _collect(module.body, globals_, nested=False)
    owners: dict[ast.AST, _Scope] = {}

    def descend(node: ast.AST, scope: _Scope) -> None:
        if isinstance(node, ast.FunctionDef):
            scope = _scope_of(node, scope, functions)
        owners[node] = scope
        for child in ast.iter_child_nodes(node):
            descend(child, scope)

    descend(module, globals_)
    modules = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node, scope in owners.items():
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in modules:
                continue  # a function of the pages, which is checked where it draws
            for value in _texts(node):
                for part in _unsafe(value, scope):
                    yield part.lineno, part


def _scope_of(node: ast.FunctionDef, outer: _Scope, functions: dict[str, ast.FunctionDef]) -> _Scope:
    scope = _Scope(functions, dict(outer.values), set(outer.numbers))
    for argument in (*node.args.args, *node.args.kwonlyargs):
        scope.values.pop(argument.arg, None)
        if argument.annotation is not None and ast.unparse(argument.annotation) in (
            "int",
            "float",
            "bool",
            "Markdown",
        ):
            scope.numbers.add(argument.arg)
        else:
            scope.numbers.discard(argument.arg)
    _collect(node.body, scope, nested=True)
    return scope


def _collect(body: list[ast.stmt], scope: _Scope, nested: bool) -> None:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    _assign(target, node.value, scope)
            elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
                _assign(node.target, node.value, scope)
            elif isinstance(node, ast.For | ast.comprehension):
                _assign_items(node.target, node.iter, scope)


def _assign(target: ast.expr, value: ast.expr, scope: _Scope) -> None:
    if isinstance(target, ast.Name):
        scope.values.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple):
        parts = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
        for i, one in enumerate(target.elts):
            _assign(one, value if parts is None else parts[i], scope)


def _assign_items(target: ast.expr, items: ast.expr, scope: _Scope) -> None:
    counted = isinstance(items, ast.Call) and ast.unparse(items.func) == "enumerate"
    if counted and isinstance(target, ast.Tuple) and isinstance(items, ast.Call):
        _assign(target.elts[0], ast.Constant(0), scope)
        _assign(target.elts[1], items.args[0], scope)
    elif isinstance(items, ast.Call) and ast.unparse(items.func) == "range":
        _assign(target, ast.Constant(0), scope)
    else:
        _assign(target, items, scope)


def _texts(call: ast.Call) -> Iterator[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    formatted = any(keyword.arg == "format_func" for keyword in call.keywords)
    if name in ELEMENTS:
        for position in ELEMENTS[name]:
            options = position == 1 and name in ("radio", "pills", "segmented_control")
            if position < len(call.args) and not (options and formatted):
                yield call.args[position]
    for keyword in call.keywords:
        if formatted and keyword.arg == "options":
            continue
        plain = name in _DRAWN_PLAIN and keyword.arg in _PLAIN_KEYWORDS
        drawn = name in ELEMENTS or (name == "image" and keyword.arg == "caption") or name == "page_link"
        if keyword.arg in KEYWORDS and not plain and (drawn or keyword.arg == "help"):
            if name == "progress" and keyword.arg == "value":
                continue
            yield keyword.value


def _unsafe(value: ast.expr | None, scope: _Scope) -> list[ast.expr]:
    """Return the parts of an expression that may hold text from outside."""
    match value:
        case None | ast.Constant() | ast.Compare() | ast.UnaryOp():
            return []
        case ast.JoinedStr():
            return [part for one in value.values for part in _unsafe(one, scope)]
        case ast.FormattedValue():
            spec = ast.unparse(value.format_spec)[2:-1] if value.format_spec is not None else ""
            return [] if spec[-1:] and spec[-1] in "dfeg%," else _unsafe(value.value, scope)
        case ast.IfExp():
            return _unsafe(value.body, scope) + _unsafe(value.orelse, scope)
        case ast.BoolOp(op=ast.And()):
            return _unsafe(value.values[-1], scope)  # the others are drawn only where they are empty
        case ast.BoolOp():
            return [part for one in value.values for part in _unsafe(one, scope)]
        case ast.BinOp(left=ast.List(), op=ast.Mult()):
            return _unsafe(value.left, scope)
        case ast.BinOp():
            return _unsafe(value.left, scope) + _unsafe(value.right, scope)
        case ast.List() | ast.Tuple() | ast.Set():
            return [part for one in value.elts for part in _unsafe(one, scope)]
        case ast.Dict():
            return [part for one in (*value.keys, *value.values) for part in _unsafe(one, scope)]
        case ast.Starred() | ast.NamedExpr():
            return _unsafe(value.value, scope)
        case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
            return _unsafe(value.elt, _within(value.generators, scope))
        case ast.DictComp():
            inner = _within(value.generators, scope)
            return _unsafe(value.key, inner) + _unsafe(value.value, inner)
        case ast.Lambda():
            return _unsafe(value.body, scope)
        case ast.Subscript():
            return _unsafe(value.value, scope)
        case ast.Call():
            return _unsafe_call(value, scope)
        case ast.Name():
            return _unsafe_name(value, scope)
        case ast.Attribute() if value.attr.strip("_").isupper() or "model_fields" in ast.unparse(value):
            return []
    return [value]


def _within(generators: list[ast.comprehension], scope: _Scope) -> _Scope:
    inner = _Scope(scope.functions, dict(scope.values), scope.numbers, scope.visiting)
    for generator in generators:
        for name in ast.walk(generator.target):
            if isinstance(name, ast.Name):
                inner.values.pop(name.id, None)
        _assign_items(generator.target, generator.iter, inner)
    return inner


def _unsafe_call(call: ast.Call, scope: _Scope) -> list[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    if name in SAFE:
        return []
    if name == "map":
        return _unsafe(call.args[0], scope)
    if name == "get" and isinstance(call.func, ast.Attribute) and not _unsafe(call.func.value, scope):
        return [part for one in call.args[1:] for part in _unsafe(one, scope)]  # a look-up in a constant
    if name in PASSING:
        of = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        return [part for one in (*of, *call.args) for part in _unsafe(one, scope)]
    if isinstance(call.func, ast.Name) and name in scope.functions and name not in scope.visiting:
        function = scope.functions[name]
        inner = _scope_of(function, _Scope(scope.functions), scope.functions)
        inner.visiting = scope.visiting | {name}
        returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
        if returned and not any(_unsafe(one, inner) for one in returned):
            return []
    return [call]


def _unsafe_name(name: ast.Name, scope: _Scope) -> list[ast.expr]:
    if name.id.strip("_").isupper() or name.id in scope.numbers or name.id in SAFE:
        return []
    if name.id in scope.functions:  # as a format_func
        return _unsafe_call(ast.Call(func=name, args=[], keywords=[]), scope) and [name]
    assigned = scope.values.get(name.id)
    if not assigned or name.id in scope.visiting:
        return [] if name.id in scope.visiting else [name]
    inner = _Scope(scope.functions, scope.values, scope.numbers, scope.visiting | {name.id})
    return [name] if any(_unsafe(one, inner) for one in assigned) else []
