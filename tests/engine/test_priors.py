"""Every number of the engine stands on the page of priors, with its unit, what it does and where it comes from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import engine
from engine import priors

ROOT = Path(engine.__file__).parent
SOURCES = {"definition", "measured", "text", "hand", "cost", "guard"}
NEUTRAL = {0, 1, 2, -1, 0.5}
LEAST, MOST = 1e-5, 1e8  # what is smaller or larger guards a division or a logarithm
# Not priors: codes that stand for no value, versions, the calendar.
NAMED = {"MISSING", "UNKNOWN", "FORMAT", "EPOCH", "DAY_S, HOUR_S", "FIRST_S, LAST_S"}
# How many numbers a module still holds that have to move to the page; the counts may only fall.
OWED = {
    "answer/block.py": 1, "answer/conformal.py": 5, "answer/contributions.py": 2, "answer/statement.py": 2,
    "consolidation/alike.py": 1, "consolidation/channel.py": 2, "consolidation/displaced.py": 1,
    "consolidation/evaluation.py": 3, "consolidation/spelling.py": 8, "memory/columns.py": 1, "memory/grams.py": 1,
    "memory/traces.py": 1, "recollection/evidence.py": 5, "recollection/kinds.py": 1, "recollection/similarity.py": 2,
}  # fmt: skip


def numbers(node: ast.AST) -> Iterator[float]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and type(each.value) in (int, float) and each.value not in NEUTRAL:
            yield each.value


def bare(path: Path) -> Iterator[str]:
    """Numbers that a module sets by itself: at its top, as a default, or as a fraction in what it computes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None and list(numbers(node.value)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = ast.unparse(target).strip("()")
            if name not in NAMED:
                yield name
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            for default in [*node.args.defaults, *[d for d in node.args.kw_defaults if d is not None]]:
                yield from (f"a default of {getattr(node, 'name', 'lambda')}: {x}" for x in numbers(default))
        if isinstance(node, ast.ClassDef):
            fields = [s for s in node.body if isinstance(s, ast.AnnAssign) and s.value is not None]
            yield from (f"{node.name}.{ast.unparse(s.target)}" for s in fields if list(numbers(s.value or s)))
        if isinstance(node, ast.FunctionDef):
            told = {id(x) for call in ast.walk(node) if _is_report(call) for x in ast.walk(call)}
            for each in ast.walk(node):
                if isinstance(each, ast.Constant) and type(each.value) is float and id(each) not in told:
                    is_guard = not LEAST <= abs(each.value) < MOST
                    yield from () if is_guard or each.value in NEUTRAL else (f"{node.name}: {each.value}",)


def _is_report(node: ast.AST) -> bool:
    """A call that tells progress."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"report", "progress"}


def test_no_module_holds_a_number_of_its_own_but_those_still_owed() -> None:
    found = {str(path.relative_to(ROOT)): list(bare(path)) for path in ROOT.rglob("*.py") if path.name != "priors.py"}
    assert {name: told for name, told in found.items() if len(told) > OWED.get(name, 0)} == {}


def test_every_prior_has_a_unit_a_meaning_and_a_source() -> None:
    lines = (ROOT / "priors.py").read_text(encoding="utf-8").splitlines()
    names = set()
    for node in ast.parse("\n".join(lines)).body:
        if not isinstance(node, ast.Assign):
            continue
        name, beside = ast.unparse(node.targets[0]), lines[(node.end_lineno or node.lineno) - 1].partition("  # ")[2]
        parts = [part.strip() for part in (beside or lines[node.lineno - 2].removeprefix("# ")).split("|")]
        assert len(parts) == 3, name
        assert parts[1], name
        assert parts[2] in SOURCES, name
        assert name not in names, name
        names.add(name)
    assert len(names) > 200


def test_every_prior_is_used() -> None:
    used = " ".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py") if path.name != "priors.py")
    names = [name for name in vars(priors) if name.isupper()]
    assert [name for name in names if name not in used] == []
