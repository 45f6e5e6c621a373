"""Which names a notebook's cells take from each other, read off their text; nothing is run."""

import ast
import symtable

from IPython.core.inputtransformer2 import TransformerManager

# Calls such as `rates.append(…)` change what the name stands for without binding it anew.
_CHANGING = {
    "add",
    "append",
    "clear",
    "discard",
    "extend",
    "fill",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
}


class Cell:
    """What a cell takes and gives, as sets of names.

    `needs`: names that must be there when it starts, for the functions it calls as well.
    `binds`: names that it may bind; `bound`: those that it binds whichever way an `if` goes.
    `changes`: names whose objects it may change in place; `imports`: names that it imports.
    `later`: for each name that it binds, the names that a function under it needs when called.
    `known` is the `later` of earlier cells, all together.

    >>> cell = Cell("def f(): return a + b\\nb = c\\nd.append(f())")
    >>> sorted(cell.needs), sorted(cell.binds), cell.changes
    (['a', 'c', 'd'], ['b', 'f'], {'d'})
    """

    def __init__(self, source, known=()):
        self.needs, self.binds, self.bound, self.later = set(), set(), set(), {}
        self._known = dict(known)
        tree = ast.parse(TransformerManager().transform_cell(source))
        self._walk(tree.body)
        self.changes, self.imports = set(_changed(tree)), set(_imported(tree))

    def _walk(self, statements):
        for statement in statements:
            if isinstance(statement, ast.If):
                self._branches(statement)
            else:
                parts = _parts(statement)
                self._walk(parts) if parts else self._step(statement)

    def _branches(self, statement):
        self._step(ast.Expr(statement.test))
        before, ends = self.bound, []
        for branch in (statement.body, statement.orelse):
            self.bound = set(before)
            self._walk(branch)
            ends.append(self.bound)
        self.bound = ends[0] & ends[1]

    def _step(self, statement):
        """One simple statement, or a definition: first what it needs, then what it binds."""
        top = symtable.symtable(ast.unparse(statement), "cell", "exec")
        now, later = _uses(statement, top)
        self._need(now)
        for symbol in top.get_symbols():
            if symbol.is_assigned() or symbol.is_imported():
                name = symbol.get_name()
                self.binds.add(name)
                self.bound.add(name)
                self.later[name] = self._known[name] = later

    def _need(self, names):
        waiting, seen = list(names), set()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self._known.get(name, ())
        self.needs |= seen - self.bound


def cut_off(sources, skipped):
    """The places of all cells that do not run, or not as usual, when those in `skipped` do not.

    A cell is cut off when it needs a name that a skipped cell binds or changes, directly or through
    other cells that are cut off, unless a cell that runs has bound the name again.

    >>> sorted(cut_off(["a = 1", "b = time(a)", "c = b", "b = 2", "a + b", "c"], {1}))
    [1, 2, 5]
    """
    out, missing, known, modules = set(skipped), set(), {}, set()
    for place, source in enumerate(sources):
        cell = Cell(source, known)
        modules |= cell.imports
        if place in out or cell.needs & missing:
            out.add(place)
            missing |= cell.binds | cell.changes - modules  # np.add(…) changes no np
        else:
            missing -= cell.bound
            known |= cell.later
    return out


def _parts(statement):
    """The statements that a compound one is made of, in the order in which they run."""
    if isinstance(statement, ast.For):
        return [*_bind(statement.iter, statement.target), *statement.body, *statement.orelse]
    if isinstance(statement, ast.While):
        return [ast.Expr(statement.test), *statement.body, *statement.orelse]
    if isinstance(statement, ast.With):
        items = [_bind(item.context_expr, item.optional_vars) for item in statement.items]
        return [part for item in items for part in item] + statement.body
    if isinstance(statement, ast.Try):
        caught = [part for handler in statement.handlers for part in _caught(handler)]
        return [*statement.body, *caught, *statement.orelse, *statement.finalbody]
    return []


def _bind(value, target):
    statement = ast.Assign([target], value) if target else ast.Expr(value)
    return [ast.fix_missing_locations(statement)]


def _caught(handler):
    if handler.type:
        target = ast.Name(handler.name, ast.Store()) if handler.name else None
        yield from _bind(handler.type, target)
    yield from handler.body


def _uses(statement, top):
    """(global names that a statement uses at once, those that what it binds needs when called)."""
    now = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        now.add(statement.target.id)
    later = set()
    for scope in top.get_children():
        later |= _globals_in(scope)
        # the body of a function waits, that of a class does not; any lambda may be called at once
        if isinstance(statement, ast.ClassDef):
            now |= _own_globals(scope)
        elif scope.get_name() != getattr(statement, "name", None):
            now |= _globals_in(scope)
    return now | (later if getattr(statement, "decorator_list", None) else set()), later


def _globals_in(scope):
    return _own_globals(scope).union(*map(_globals_in, scope.get_children()))


def _own_globals(scope):
    return {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}


def _changed(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from _root(node)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
                yield from _root(node.func)
            for keyword in node.keywords:
                if keyword.arg == "out":
                    yield from _root(keyword.value)


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name.asname or name.name.split(".")[0] for name in node.names)


def _root(node):
    """The name at the left end of `name.a[0].b`, if there is one."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
