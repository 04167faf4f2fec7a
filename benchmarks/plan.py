"""Plans on trees of 100 to 2,000 nodes: kiban whole and in pieces, bare HiGHS, and linopy. Prints a Markdown table.

The trees are those of examples/anthropic-50b.yaml with other branch quarters. Each measurement is a process of its own,
so that its peak memory is its own; the time is the processor time of one thread, imports left out. The three ways that
solve the plan whole get the same matrix, the same limits and the same options of HiGHS; linopy gets each block of
columns as variables over (node, item) and each block of rows as one labelled array of terms over (node, item, term),
which spares it the algebra of expressions.

    python benchmarks/plan.py [--largest NODES] [--limit-s SECONDS]
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
FLAGSHIP = ROOT / "examples" / "anthropic-50b.yaml"
TREES = ((10,), (4, 12), (4, 12, 20), (4, 12, 20, 32), (2, 5, 10, 20))
"""Branch quarters: about 100, 280, 640, 1,070 and 1,950 nodes over 40 quarters with three futures."""
WAYS = {"kiban": "kiban", "highs": "bare HiGHS", "linopy": "linopy + HiGHS", "pieces": "kiban in pieces, gap 0.1 %"}
GAP_FRAC = 1e-3
SAME_FRAC = 1e-6


def peak_mb() -> float:
    """Peak memory of this process alone (a child's getrusage also counts its parent's at the fork)."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return float(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def make_cases(folder: Path, largest: int) -> dict[str, Any]:
    """Pickle the plan case of every tree of at most ``largest`` nodes."""
    from kiban.catalog import load_catalog
    from kiban.compute import run_compute
    from kiban.demand import run_demand
    from kiban.energy import run_energy
    from kiban.facility import run_facility
    from kiban.plan.inputs import build_inputs
    from kiban.scenario.load import load_scenario_text

    scenario = load_scenario_text(FLAGSHIP.read_text()).scenario
    catalog = load_catalog().with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})
    fleet = run_compute(scenario, catalog)
    site = run_facility(scenario, catalog, fleet, scenario.risk.seed)
    supply = run_energy(scenario, catalog, site, scenario.risk.seed)
    made = []
    for branches in TREES:
        changed = scenario.model_copy(
            update={"futures": scenario.futures.model_copy(update={"branch_quarters": branches})}
        )
        demand = run_demand(changed, catalog, fleet)
        case = build_inputs(changed, catalog, demand, fleet, site, supply).case
        if case.n_nodes <= largest:
            (folder / f"case_{case.n_nodes}.pkl").write_bytes(pickle.dumps(case))
            made.append(case.n_nodes)
    return {"nodes": made}


def run_kiban(folder: Path, nodes: int) -> dict[str, Any]:
    """Build and solve; leaves matrix, blocks and options of HiGHS for the others."""
    from kiban.plan.lp import Solver
    from kiban.plan.program import build_program
    from kiban.solve import Model

    case = pickle.loads((folder / f"case_{nodes}.pkl").read_bytes())
    options: list[Any] = []
    plain = Model.solve

    def spied(self: Model, asked: Any = None) -> Any:
        options.append(asked)
        return plain(self, asked)

    Model.solve = spied  # type: ignore[method-assign]
    begin = time.process_time()
    solver = Solver(build_program(case))
    solver.model.problem()
    built = time.process_time()
    solution = solver.solve(solver.program.upper)
    done, peak = time.process_time(), peak_mb()
    program, problem = solver.program, solver.model.problem()
    matrix = problem.matrix.tocsr()
    np.savez(
        folder / f"matrix_{nodes}.npz",
        data=matrix.data, indices=matrix.indices, indptr=matrix.indptr, cost=problem.cost, lower=problem.lower,
        upper=problem.upper, row_lower=problem.row_lower, row_upper=problem.row_upper,
    )  # fmt: skip
    blocks = {
        "columns": [(b.name, b.start, len(b.scale)) for b in program.rows.column_blocks],
        "rows": [(b.name, b.start, len(b.scale)) for b in program.rows.row_blocks],
        "options": options[0].by_name(),
        "usd_unit": program.usd_unit,
        "constant": program.constant,
    }
    (folder / f"blocks_{nodes}.json").write_text(json.dumps(blocks))
    value = solver.value_usd(solution)
    size = {"columns": len(problem.cost), "rows": len(problem.row_lower), "coefficients": int(matrix.nnz)}
    return {"build_s": built - begin, "solve_s": done - built, "peak_mb": peak, "value_usd": value, **size}


def load_matrix(folder: Path, nodes: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and blocks that kiban left."""
    arrays = dict(np.load(folder / f"matrix_{nodes}.npz"))
    return arrays, json.loads((folder / f"blocks_{nodes}.json").read_text())


def run_highs(folder: Path, nodes: int) -> dict[str, Any]:
    """Hand the arrays to HiGHS and run it."""
    import highspy

    arrays, blocks = load_matrix(folder, nodes)
    begin = time.process_time()
    highs = highspy.Highs()
    for name, value in {"output_flag": False, **blocks["options"]}.items():
        highs.setOptionValue(name, value)
    cost, rows = arrays["cost"], arrays["row_lower"]
    highs.passModel(
        cost.size, rows.size, arrays["data"].size, int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMaximize), 0.0, cost, arrays["lower"], arrays["upper"], rows, arrays["row_upper"],
        arrays["indptr"].astype(np.int32), arrays["indices"].astype(np.int32), arrays["data"],
        np.zeros(cost.size, np.int32),
    )  # fmt: skip
    built = time.process_time()
    highs.run()
    done = time.process_time()
    value = highs.getInfo().objective_function_value * blocks["usd_unit"] + blocks["constant"]
    return {"build_s": built - begin, "solve_s": done - built, "peak_mb": peak_mb(), "value_usd": value}


def linopy_model(arrays: dict[str, np.ndarray], blocks: dict[str, Any], nodes: int) -> Any:
    """The same programme on labelled arrays: every block over (node, item)."""
    import linopy
    import xarray as xr

    model = linopy.Model()
    labels = np.empty(arrays["cost"].size, dtype=np.int64)
    objective = []

    def over(values: np.ndarray) -> xr.DataArray:
        shape = (nodes, len(values) // nodes)
        return xr.DataArray(values.reshape(shape), dims=("node", "item"), coords=[np.arange(k) for k in shape])

    for name, start, size in blocks["columns"]:
        part = slice(start, start + size)
        if size:
            block = model.add_variables(over(arrays["lower"][part]), over(arrays["upper"][part]), name=name)
            labels[part] = block.labels.values.ravel()
            objective.append((over(arrays["cost"][part]) * block).sum())
    for name, start, size in blocks["rows"]:
        first, last = arrays["indptr"][start], arrays["indptr"][start + size]
        length = np.diff(arrays["indptr"][start : start + size + 1])
        row = np.repeat(np.arange(size), length)
        term = np.arange(last - first) - np.repeat(np.cumsum(length) - length, length)
        shape = (size, int(length.max(initial=1)))
        variables, coefficients = np.full(shape, -1), np.full(shape, np.nan)
        variables[row, term] = labels[arrays["indices"][first:last]]
        coefficients[row, term] = arrays["data"][first:last]
        whole = (nodes, size // nodes, shape[1])
        dims = ("node", "item", "_term")
        terms = {"vars": (dims, variables.reshape(whole)), "coeffs": (dims, coefficients.reshape(whole))}
        coords = {"node": np.arange(nodes), "item": np.arange(whole[1])}
        left = linopy.LinearExpression(xr.Dataset(terms, coords), model)
        low, high = (over(arrays[side][start : start + size]) for side in ("row_lower", "row_upper"))
        equal = bool((low == high).all())
        if not equal and np.isfinite(low).any():
            raise SystemExit(f"rows {name} are ranges, which this benchmark does not state for linopy")
        model.add_constraints(left, "=" if equal else "<=", high, name=name)
    model.add_objective(linopy.merge(objective), sense="max")
    return model


def run_linopy(folder: Path, nodes: int) -> dict[str, Any]:
    """State the blocks in linopy and let it call HiGHS without files."""
    import linopy  # noqa: F401  (imported here so that its import is not timed)
    import xarray  # noqa: F401

    arrays, blocks = load_matrix(folder, nodes)
    begin = time.process_time()
    model = linopy_model(arrays, blocks, nodes)
    built = time.process_time()
    model.solve("highs", io_api="direct", output_flag=False, progress=False, **blocks["options"])
    done, peak = time.process_time(), peak_mb()
    coefficients = model.matrices.A.nnz
    if coefficients != arrays["data"].size:
        raise SystemExit(f"linopy holds {coefficients} coefficients, kiban {arrays['data'].size}")
    value = float(model.objective.value) * blocks["usd_unit"] + blocks["constant"]
    return {"build_s": built - begin, "solve_s": done - built, "peak_mb": peak, "value_usd": value}


def run_pieces(folder: Path, nodes: int) -> dict[str, Any]:
    """Build and solve by subtrees, one after the other."""
    from kiban.plan.pieces import solve_plan_in_pieces

    case = pickle.loads((folder / f"case_{nodes}.pkl").read_bytes())
    begin = time.process_time()
    found, _ = solve_plan_in_pieces(case, gap_frac=GAP_FRAC)
    whole = time.process_time() - begin
    return {
        "build_s": None, "solve_s": whole, "peak_mb": peak_mb(), "value_usd": found.lower_usd,
        "cut": found.branch_quarter, "pieces": found.pieces, "rounds": found.rounds,
    }  # fmt: skip


CHILDREN = {"kiban": run_kiban, "highs": run_highs, "linopy": run_linopy, "pieces": run_pieces}


def child(task: str, folder: Path, number: int, limit_s: float | None) -> dict[str, Any] | None:
    """Run one measurement in a process of its own; None if it takes longer than the limit."""
    arguments = [sys.executable, __file__, "--child", task, str(folder), str(number)]
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join(p for p in (str(ROOT / "src"), os.environ.get("PYTHONPATH")) if p)
    environment = {**os.environ, **one, "PYTHONPATH": path}
    try:
        done = subprocess.run(arguments, env=environment, timeout=limit_s, capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        raise SystemExit(f"{task} on {number} nodes ended with status {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def rows_of(nodes: int, found: dict[str, dict[str, Any] | None], limit_s: float) -> list[str]:
    """Lines of the table for one tree."""
    kiban = found["kiban"]
    lines = []
    for way, words in WAYS.items():
        result = found[way]
        if result is None:
            lines.append(f"| {nodes:,} | {words} | | > {limit_s:.0f} | | | | |")
            continue
        total = (result["build_s"] or 0.0) + result["solve_s"]
        built = "" if result["build_s"] is None else f"{result['build_s']:.3f}"
        against = time_ratio = memory_ratio = ""
        if kiban is not None:
            time_ratio = f"{total / (kiban['build_s'] + kiban['solve_s']):.2f}"
            memory_ratio = f"{result['peak_mb'] / kiban['peak_mb']:.2f}"
            against = f"{result['value_usd'] / kiban['value_usd'] - 1:+.1e}"
        lines.append(
            f"| {nodes:,} | {words} | {built} | {result['solve_s']:.2f} | {result['peak_mb']:.0f} | {time_ratio} | "
            f"{memory_ratio} | {against} |"
        )
    return lines


def check(nodes: int, found: dict[str, dict[str, Any] | None]) -> None:
    """All ways must have found the same plan."""
    kiban = found["kiban"]
    for way, result in found.items():
        if kiban is None or result is None:
            continue
        off = abs(result["value_usd"] / kiban["value_usd"] - 1)
        if off > (GAP_FRAC if way == "pieces" else SAME_FRAC):
            raise SystemExit(f"{way} on {nodes} nodes found {result['value_usd']:.6g}, kiban {kiban['value_usd']:.6g}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=2000, help="largest number of nodes (default 2000)")
    parser.add_argument("--limit-s", type=float, default=3600.0, help="wall seconds for one measurement")
    parser.add_argument("--child", nargs=3, metavar=("TASK", "FOLDER", "NODES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        task, folder, number = given.child[0], Path(given.child[1]), int(given.child[2])
        result = make_cases(folder, number) if task == "cases" else CHILDREN[task](folder, number)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = child("cases", folder, given.largest, None)
        assert made is not None
        sizes: list[str] = []
        cuts: list[str] = []
        print("| nodes | way | build s | solve s | peak MB | time / kiban | memory / kiban | value against kiban |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for nodes in made["nodes"]:
            found = {"kiban": child("kiban", folder, nodes, given.limit_s)}
            for way in ("highs", "linopy", "pieces"):
                left = way == "pieces" or found["kiban"] is not None
                found[way] = child(way, folder, nodes, given.limit_s) if left else None
            check(nodes, found)
            print("\n".join(rows_of(nodes, found, given.limit_s)), flush=True)
            if (k := found["kiban"]) is not None:
                sizes.append(f"{nodes:,}: {k['columns']:,} x {k['rows']:,}, {k['coefficients']:,}")
            if (p := found["pieces"]) is not None:
                cuts.append(f"{nodes:,}: cut at quarter {p['cut']}, {p['pieces']} pieces, {p['rounds']} rounds")
    print(f"\nNodes: columns x rows, coefficients. {'; '.join(sizes)}.")
    print(f"Nodes in pieces: {'; '.join(cuts)}.")
    print(f"Processor seconds of one thread; {os.cpu_count()} cores in the machine.")


if __name__ == "__main__":
    main()
