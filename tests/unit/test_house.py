"""The rules of traffic of the house, read from the source: layers, rooms, circles, disk, seeds, size."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import kiban

HOUSE = Path(kiban.__file__).parent
ROOMS = ("demand", "compute", "facility", "energy", "plan", "finance", "impact")
LAYERS = (
    ("units",),
    ("catalog",),
    ("scenario", "results"),
    ("solve", "uncertainty"),
    ROOMS,
    ("study",),
    ("risk", "operate", "calibration"),
    ("figures",),
    ("report",),
    ("web", "cli", "__main__"),
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
KNOWS_NO_DATA_CENTRE = {"solve", "uncertainty"}
MAY_TOUCH_DISK = {"catalog", "scenario", "operate", "calibration", "report", "web", "cli", "__main__"}
OWNS_SEEDS = {"study", "risk"}
READS_ITS_OWN_TABLE = "units.vocabulary"
DISK_MODULES = {
    "os", "shutil", "tempfile", "glob", "socket", "ssl", "urllib", "http", "requests", "httpx", "aiohttp", "sqlite3",
    "subprocess", "pickle", "shelve", "duckdb",
}  # fmt: skip
DISK_CALLS = {
    "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "rmdir", "touch", "iterdir", "glob",
    "rglob", "to_csv", "to_parquet", "to_excel", "to_json", "read_csv", "read_parquet", "read_excel", "loadtxt",
    "savetxt", "genfromtxt", "fromfile", "tofile", "memmap", "savez",
}  # fmt: skip
MOST_LINES = 400


@dataclass(frozen=True)
class Module:
    """One source file: dotted name below kiban, tree and text."""

    name: str
    text: str

    @property
    def part(self) -> str:
        return self.name.split(".")[0]

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


def read_house(root: Path = HOUSE) -> list[Module]:
    modules = []
    for file in sorted(root.rglob("*.py")):
        parts = list(file.relative_to(root).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts = parts[:-1]
        modules.append(Module(".".join(parts), file.read_text(encoding="utf-8")))
    return modules


def imports_of(module: Module, names: set[str]) -> Iterator[tuple[str, int]]:
    """Give (module below kiban, line) for each import, at any depth of the file; ``kiban`` itself is ''."""
    package = (
        module.name.split(".") if any(n.startswith(module.name + ".") for n in names) else module.name.split(".")[:-1]
    )
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "kiban":
                    yield alias.name.removeprefix("kiban").lstrip("."), node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            elif node.module and node.module.split(".")[0] == "kiban":
                base = node.module.split(".")[1:]
            else:
                continue
            for alias in node.names:
                deeper = ".".join([*base, alias.name])
                yield (deeper if deeper in names else ".".join(base)), node.lineno


def arrow_faults(modules: list[Module]) -> list[str]:
    """Find imports that go against the order of the layers."""
    names = {m.name for m in modules}
    faults = []
    for module in modules:
        if not module.name:
            continue
        for target, line in imports_of(module, names):
            part = target.split(".")[0]
            if part in ("", "__version__") or part == module.part:
                continue
            wrong = ""
            if part not in LEVEL or module.part not in LEVEL:
                wrong = "a part that the order of layers does not name"
            elif module.part in ROOMS and part in ROOMS:
                wrong = "rooms never import each other"
            elif module.part in KNOWS_NO_DATA_CENTRE and part != "units":
                wrong = "knows no data centre"
            elif LEVEL[part] >= LEVEL[module.part] and (module.part, part) not in (("cli", "web"), ("__main__", "cli")):
                wrong = "goes back or sideways"
            if wrong:
                faults.append(f"{module.name}:{line} -> {target}: {wrong}")
    return faults


def circles(modules: list[Module]) -> list[str]:
    """Find circles among modules, counting imports inside functions too but not those for type checkers."""
    names = {m.name for m in modules}
    graph = {
        m.name: {t for t, _ in imports_of(_without_type_checking(m), names) if t in names} - {m.name} for m in modules
    }
    state: dict[str, int] = {}
    found: list[str] = []

    def visit(name: str, trail: list[str]) -> None:
        state[name] = 1
        for target in sorted(graph[name]):
            if state.get(target) == 1:
                found.append(" -> ".join([*trail[trail.index(target) :], target]))
            elif target not in state:
                visit(target, [*trail, target])
        state[name] = 2

    for name in sorted(graph):
        if name and name not in state:
            visit(name, [name])
    return found


def _without_type_checking(module: Module) -> Module:
    class Drop(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            named = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            return None if named else self.generic_visit(node)

    tree = Drop().visit(module.tree)
    return Module(module.name, ast.unparse(tree))


def disk_faults(modules: list[Module]) -> list[str]:
    """Find disk and network use outside the parts that may touch them."""
    faults = []
    for module in modules:
        if module.part in MAY_TOUCH_DISK or module.name in ("", READS_ITS_OWN_TABLE):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                used = [a.name for a in node.names if a.name.split(".")[0] in DISK_MODULES | {"pathlib"}]
            elif isinstance(node, ast.ImportFrom):
                used = [node.module] if node.module and node.module.split(".")[0] in DISK_MODULES | {"pathlib"} else []
            elif isinstance(node, ast.Call):
                used = [_called(node)] if _called(node) in DISK_CALLS | {"open"} or _is_numpy_file(node) else []
            else:
                continue
            faults += [f"{module.name}:{node.lineno}: {name}" for name in used]
    return faults


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_numpy_file(node: ast.Call) -> bool:
    func = node.func
    return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and (func.value.id, func.attr) in {
        ("np", "load"), ("np", "save"), ("numpy", "load"), ("numpy", "save"),
    }  # fmt: skip


def seed_faults(modules: list[Module]) -> list[str]:
    """Find random streams that begin without a seed handed in: outside study and risk a seed is an argument."""
    faults = []
    for module in modules:
        if module.part in OWNS_SEEDS:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                roots = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                faults += [f"{module.name}:{node.lineno}: random" for r in roots if r in ("random", "secrets")]
            elif isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                seeds = [*node.args, *(k.value for k in node.keywords)]
                if name.rsplit(".", 1)[-1] in ("default_rng", "SeedSequence", "PCG64", "Philox"):
                    if not seeds or all(isinstance(s, ast.Constant) for s in seeds):
                        faults.append(f"{module.name}:{node.lineno}: {ast.unparse(node)} owns its seed")
                elif name.startswith(("np.random.", "numpy.random.")) and name.rsplit(".", 1)[-1] != "Generator":
                    faults.append(f"{module.name}:{node.lineno}: {name} uses the global stream")
    return faults


def size_faults(modules: list[Module]) -> list[str]:
    sizes = {m.name: m.text.count("\n") for m in modules}
    return [f"{name}: {lines} lines, at most {MOST_LINES}" for name, lines in sizes.items() if lines > MOST_LINES]


MODULES = read_house()


def test_arrows_follow_the_layers() -> None:
    assert arrow_faults(MODULES) == []


def test_no_circles() -> None:
    assert circles(MODULES) == []


def test_disk_and_network_only_at_the_doors() -> None:
    assert disk_faults(MODULES) == []


def test_seeds_only_in_study_and_risk() -> None:
    assert seed_faults(MODULES) == []


def test_files_are_small() -> None:
    assert size_faults(MODULES) == []


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_has_its_three_files(room: str) -> None:
    missing = [f for f in ("model.py", "inputs.py", "run.py") if not (HOUSE / room / f).is_file()]
    assert missing == []


# The checker itself, on planted faults.


def planted(name: str, text: str) -> list[Module]:
    return [m for m in MODULES if m.name != name] + [Module(name, text)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("units.planted", "from kiban.results import Plan"),
        ("results.planted", "import kiban.plan.model"),
        ("results.planted", "from kiban.scenario import Scenario"),
        ("demand.planted", "from kiban.compute import run_compute"),
        ("demand.planted", "def f():\n    from ..compute import model"),
        ("plan.planted", "from kiban import study"),
        ("solve.planted", "from kiban.results import Plan"),
        ("figures.planted", "from kiban.report import package"),
        ("report.planted", "import kiban.web"),
        ("catalog.planted", "from kiban import scenario"),
        ("attic.planted", "from kiban.units import Quarter"),
    ],
)
def test_a_planted_arrow_is_caught(name: str, text: str) -> None:
    before = arrow_faults(MODULES)
    after = [f for f in arrow_faults(planted(name, text)) if f not in before]
    assert len(after) == 1
    assert after[0].startswith(name)


@pytest.mark.parametrize(
    "text",
    [
        "from kiban.units import Quarter",
        "import numpy",
        "from kiban.results import Plan",
        "from kiban import __version__",
    ],
)
def test_a_right_arrow_passes(text: str) -> None:
    assert [f for f in arrow_faults(planted("demand.planted", text)) if "planted" in f] == []


def test_a_planted_circle_is_caught() -> None:
    one = Module("units.one", "from kiban.units.two import x")
    two = Module("units.two", "def f():\n    from .one import y")
    assert circles([one, two]) == ["units.one -> units.two -> units.one"]
    typed = Module("units.two", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .one import y")
    assert circles([one, typed]) == []


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "import os",
        "from pathlib import Path",
        "import urllib.request",
        "p.read_text()",
        "np.load('x')",
        "pd.read_csv(f)",
    ],
)
def test_planted_disk_use_is_caught(text: str) -> None:
    assert len(disk_faults([Module("plan.planted", text)])) == 1
    assert disk_faults([Module("report.planted", text)]) == []


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "np.random.default_rng()",
        "np.random.default_rng(1)",
        "default_rng(seed=3)",
        "np.random.normal(size=3)",
    ],
)
def test_a_planted_seed_is_caught(text: str) -> None:
    assert len(seed_faults([Module("energy.planted", text)])) == 1
    assert seed_faults([Module("risk.planted", text)]) == []


def test_a_seed_handed_in_passes() -> None:
    text = "def f(seed):\n    return np.random.default_rng(seed)\ndef g(rng: np.random.Generator): ..."
    assert seed_faults([Module("energy.planted", text)]) == []


def test_a_planted_long_file_is_caught() -> None:
    assert len(size_faults([Module("plan.planted", "x = 1\n" * (MOST_LINES + 1))])) == 1
