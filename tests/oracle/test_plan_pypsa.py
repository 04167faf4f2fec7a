"""PyPSA's stochastic optimisation judges the planner: own or commit now, rent when the future is known.

Own accelerators at two sites and a contract for the whole term are chosen before the future is known; cloud, idle
capacity and unserved work after. The same problem is stated for PyPSA with scenarios: capacities shared by all
scenarios, dispatch by scenario and snapshot.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiban.plan.case import PlanCase, Pools
from kiban.plan.lp import Solver
from kiban.plan.pieces import solve_plan_in_pieces
from kiban.plan.program import build_program
from kiban.units.calendar import HOURS_PER_QUARTER

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
import plan_fixtures as fx

pypsa = pytest.importorskip("pypsa")
pd = pytest.importorskip("pandas")

pytestmark = pytest.mark.oracle

RATE, INFLATION = 0.11, 0.03
SEEDS = 12


@dataclass(frozen=True)
class Drawn:
    """One instance: S futures of K quarters after the first; chips 0 and 1 owned, 2 contracted, 3 from a cloud."""

    chance: np.ndarray
    want_tok: np.ndarray
    """(S, K)."""
    usd_per_tok: np.ndarray
    serving_gain: np.ndarray
    rent_factor: np.ndarray
    power_factor: np.ndarray
    tok: np.ndarray
    """(4,) tokens per accelerator and quarter."""
    it_kw: np.ndarray
    energy_usd_per_mwh: np.ndarray
    """(2,) by site."""
    chip_usd: np.ndarray
    hall_usd_per_mw: np.ndarray
    site_mw: np.ndarray
    rent_usd: np.ndarray
    """(2,) per quarter: contract, cloud."""
    take_frac: float


def draw(seed: int) -> Drawn:
    """Draw an instance in which every way to serve is near the margin."""
    random = np.random.default_rng(seed)
    futures, quarters = int(random.integers(2, 5)), int(random.integers(3, 8))
    shape = (futures, quarters)
    chance = random.dirichlet(np.full(futures, 3.0))
    tok = random.uniform(0.8, 1.5, 4)
    cost = random.uniform(0.5, 1.5, 4) * quarters * tok
    it_kw = random.uniform(1.0, 2.0, 4)
    return Drawn(
        chance=chance,
        want_tok=random.uniform(50, 200, shape),
        usd_per_tok=random.uniform(0.5, 3.0, shape),
        serving_gain=random.uniform(0.7, 1.4, shape),
        rent_factor=random.uniform(0.5, 2.5, shape),
        power_factor=random.uniform(0.5, 2.0, shape),
        tok=tok,
        it_kw=it_kw,
        energy_usd_per_mwh=random.uniform(0.0, 0.1, 2),
        chip_usd=0.5 * cost[:2],
        hall_usd_per_mw=0.15 * cost[:2] * 1e3 / it_kw[:2],
        site_mw=random.uniform(0.02, 0.12, 2),
        rent_usd=np.array([0.8 * cost[2], cost[3]]) / quarters,
        take_frac=float(random.uniform(0.5, 1.0)),
    )


def planned(d: Drawn) -> PlanCase:
    """The instance as a plan: one quarter to decide in, then the futures."""
    quarters = d.want_tok.shape[1]
    tree = fx.tree_of(quarters + 1, [1], list(d.chance), keep=0.0)
    at_once = np.arange(quarters + 1) == 0
    lead, life = np.ones(4, int), np.full(4, quarters)

    def nodes(values: np.ndarray, root: float) -> np.ndarray:
        """(S, K) to (N,): the root, then quarter by quarter."""
        out = np.full(tree.n_nodes, root)
        below = tree.quarter > 0
        out[below] = values[tree.branch[below], tree.quarter[below] - 1]
        return out

    base = fx.bare_case(tree)
    market = fx.wants(tree.n_nodes, nodes(d.want_tok, 0.0), nodes(d.usd_per_tok, 1.0))
    one, zero = np.ones(4), np.zeros(2)
    return fx.bare_case(
        tree,
        sites=2,
        halls=fx.some_halls(
            2, quarters + 1, site=np.arange(2), is_owned=np.ones(2, bool), lead_quarters=np.ones(2, int),
            term_quarters=np.full(2, quarters), capex_usd_per_mw=d.hall_usd_per_mw,
            open=np.tile(at_once, (2, 1)),
        ),
        chips=replace(
            base.chips, names=("a", "b", "c", "d"), training_flop_per_quarter=one, inference_tok_per_quarter=d.tok,
            it_kw=d.it_kw, training_power_frac=one, inference_power_frac=0.8 * one, lead_quarters=lead,
            life_quarters=life,
        ),
        pools=Pools(np.arange(2), np.arange(2), d.chip_usd, zero, zero, np.tile(at_once, (2, 1))),
        rents=fx.some_rents(
            2, quarters + 1, chip=np.array([2, 3]), is_cloud=np.array([False, True]), price_usd_per_quarter=d.rent_usd,
            take_or_pay_frac=np.array([d.take_frac, 1.0]), lead_quarters=np.array([1, 0]),
            term_quarters=np.array([quarters, 1]), open=np.stack([at_once, np.ones(quarters + 1, bool)]),
        ),
        market=replace(
            market,
            rent_factor=nodes(d.rent_factor, 1.0),
            power_price_factor=nodes(d.power_factor, 1.0),
            serving_gain_factor=nodes(d.serving_gain, 1.0),
        ),
        site_area=np.arange(2),
        site_energy_usd_per_it_mwh=d.energy_usd_per_mwh,
        limits=replace(base.limits, site_max_it_mw=np.tile(d.site_mw[:, None], quarters + 1), site_state=("ny", "tx")),
        discount_frac_per_year=RATE,
        inflation_frac_per_year=INFLATION,
    )  # fmt: skip


def judged(d: Drawn) -> tuple[float, dict[str, float]]:
    """Least expected cost by PyPSA, unserved work charged at its value; shared capacities in tokens per quarter."""
    futures, quarters = d.want_tok.shape
    discount = (1 + RATE) ** (-np.arange(1, quarters + 1) / 4)
    flat = (1 + INFLATION) ** (-np.arange(quarters) / 4)
    names = [f"future{s}" for s in range(futures)]
    n = pypsa.Network(snapshots=pd.RangeIndex(quarters))
    n.snapshot_weightings["objective"] = discount
    n.add("Bus", "work")
    n.add("Load", "load", bus="work", p_set=d.want_tok[0])
    for k in (0, 1):
        usd = d.chip_usd[k] + d.hall_usd_per_mw[k] * d.it_kw[k] / 1e3
        most = d.site_mw[k] * 1e3 / d.it_kw[k] * d.tok[k]
        n.add(
            "Generator", f"own{k}", bus="work", p_nom_extendable=True, capital_cost=usd / d.tok[k], p_nom_max=most,
            p_max_pu=d.serving_gain[0], marginal_cost=d.rent_factor[0],
        )  # fmt: skip
    due = d.rent_usd[0] * d.take_frac * float(discount @ flat)
    n.add(
        "Generator", "contract", bus="work", p_nom_extendable=True, capital_cost=due / d.tok[2],
        p_max_pu=d.serving_gain[0], marginal_cost=d.rent_factor[0],
    )  # fmt: skip
    n.add("Generator", "cloud", bus="work", p_nom=1e6, marginal_cost=d.rent_factor[0])
    n.add("Generator", "unserved", bus="work", p_nom=1e6, marginal_cost=d.usd_per_tok[0])
    n.set_scenarios(dict(zip(names, d.chance, strict=True)))
    for s, name in enumerate(names):
        gain, rent = d.serving_gain[s], d.rent_factor[s]
        n.loads_t.p_set[(name, "load")] = d.want_tok[s]
        for k in (0, 1):
            mwh = d.it_kw[k] * 0.8 / 1e3 * HOURS_PER_QUARTER
            n.generators_t.p_max_pu[(name, f"own{k}")] = gain
            n.generators_t.marginal_cost[(name, f"own{k}")] = (
                mwh * d.energy_usd_per_mwh[k] * d.power_factor[s] / (d.tok[k] * gain)
            )
        n.generators_t.p_max_pu[(name, "contract")] = gain
        n.generators_t.marginal_cost[(name, "contract")] = d.rent_usd[0] * rent * (1 - d.take_frac) / (d.tok[2] * gain)
        n.generators_t.marginal_cost[(name, "cloud")] = d.rent_usd[1] * rent / (d.tok[3] * gain)
        n.generators_t.marginal_cost[(name, "unserved")] = d.usd_per_tok[s]
    status, condition = n.optimize(solver_name="highs", log_to_console=False, include_objective_constant=False)
    assert (status, condition) == ("ok", "optimal")
    best: Any = n.generators.p_nom_opt
    return float(n.objective), {name: float(best[(names[0], name)]) for name in ("own0", "own1", "contract")}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_own_or_rent_under_uncertainty_costs_what_pypsa_finds(seed: int) -> None:
    d = draw(seed)
    case = planned(d)
    program = build_program(case)
    solver = Solver(program)
    solution = solver.solve(program.upper)
    quarters = d.want_tok.shape[1]
    discount = (1 + RATE) ** (-np.arange(1, quarters + 1) / 4)
    everything = float(d.chance @ (d.want_tok * d.usd_per_tok) @ discount)
    cost, capacity = judged(d)
    assert everything - solver.value_usd(solution) == pytest.approx(cost, rel=1e-6)
    columns, x = program.columns, solution.x
    # Two optima may differ; capacities are compared where PyPSA's plan is the only one, which drawn costs make sure of.
    assert x[columns.buy[0]] * d.tok[:2] == pytest.approx([capacity["own0"], capacity["own1"]], abs=1e-3)
    assert x[columns.sign[0, 0]] * d.tok[2] == pytest.approx(capacity["contract"], abs=1e-3)
    pieced, _ = solve_plan_in_pieces(case, gap_frac=1e-8)
    assert everything - pieced.lower_usd == pytest.approx(cost, rel=1e-6)


def test_the_draws_use_every_way_to_serve() -> None:
    """Over the instances each way is chosen at least twice, so that each is judged."""
    used = dict.fromkeys(("own0", "own1", "contract", "cloud", "unserved"), 0)
    for seed in range(SEEDS):
        program = build_program(planned(draw(seed)))
        x = Solver(program).solve(program.upper).x
        columns = program.columns
        bought, signed = x[columns.buy[0]], x[columns.sign]
        used["own0"] += bought[0] > 1
        used["own1"] += bought[-1] > 1
        used["contract"] += signed[0, 0] > 1
        used["cloud"] += signed[:, 1].max() > 1
        used["unserved"] += (program.upper[columns.free] - x[columns.free]).max() > 1
    assert min(used.values()) >= 2, used
