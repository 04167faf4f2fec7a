"""The batch engine in quarters against one project told again as a plain loop, and batches against their members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kiban.finance.project import evaluate, lines
from kiban.finance.project_inputs import (
    Build,
    Costs,
    Credits,
    Debt,
    Grid,
    Projects,
    Replacement,
    Reserves,
    Sales,
    Tax,
    take,
)

QUARTERS, BUILDING = 40, 6
SCHEDULES = np.array([[0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576, 0.0], [1 / 7] * 7])


def one(rng: np.random.Generator) -> dict[str, float]:
    """Figures of one project."""
    return {
        "output": rng.uniform(2e6, 4e6), "price": rng.uniform(25, 75), "escalation": rng.uniform(-0.03, 0.03),
        "degradation": rng.uniform(0, 0.03), "residual": rng.uniform(0, 0.3), "fixed": rng.uniform(1e7, 3e7),
        "variable": rng.uniform(0, 5), "insurance": 0.004, "property": 0.012, "decline": 0.06,
        "cost": rng.uniform(4e8, 9e8), "sales_tax": 0.04, "other": 5e6, "rate": rng.uniform(0.05, 0.1),
        "gearing": rng.uniform(0.4, 0.8), "dscr": rng.uniform(1.2, 1.6), "tenor": float(rng.integers(10, 40)),
        "fee": 0.015, "state": rng.uniform(0, 0.1), "bonus": float(rng.integers(0, 2)), "credit": 0.1, "made": 1.5,
        "renewed": rng.uniform(0, 6e7),
    }  # fmt: skip


def batch(figures: list[dict[str, float]], draws: np.ndarray) -> Projects:
    """The same figures as a batch."""
    x = {k: np.array([f[k] for f in figures]) for k in figures[0]}
    ones = np.ones(len(figures))
    return Projects(
        Grid(QUARTERS, BUILDING, 4),
        Sales(x["output"], x["price"], x["escalation"], x["degradation"], x["residual"]),
        Costs(x["fixed"], 0.025, x["variable"], 0.02, x["insurance"], 0.025, x["property"], 0.9, x["decline"]),
        Build(x["cost"], x["sales_tax"], draws, 0.0, x["other"]),
        0.09 * ones,
        Debt("sculpted", x["rate"], None, x["tenor"], 0, x["gearing"], x["dscr"], x["fee"], 2e6),
        Tax(
            0.21, x["state"], SCHEDULES, np.outer([0.6, 0.3], ones), np.stack([x["bonus"], 0 * ones]), None, False, 0.8,
            0.3,
        ),
        Credits(x["credit"], np.array([1.0, 0.0]), 0.5, x["made"], 0.0, 4.0),
        Reserves(6.0, 3.0, 1.0, 0.02),
        replacements=(Replacement(16, x["renewed"], 0.02, 1, 0.5), Replacement(10, 3e6, 0.0, 0, saved_ahead=True)),
    )  # fmt: skip


def told_again(f: dict[str, float], draws: list[float]) -> dict[str, list[float]]:
    """Equity flow, tax and balance of one project, one number at a time."""
    q = lambda r: (1 + r) ** 0.25 - 1  # noqa: E731
    plant = f["cost"] * (1 + f["sales_tax"])
    sold, cost, cash, made = [], [], [], []
    for t in range(QUARTERS):
        year = t / 4
        units = f["output"] / 4 * (1 - f["degradation"]) ** year
        sold.append(units * f["price"] * (1 + f["escalation"]) ** year)
        spent = f["fixed"] / 4 * 1.025**year + units * f["variable"] * 1.02**year
        spent += f["insurance"] / 4 * plant * 1.025**year
        spent += f["property"] / 4 * 0.9 * plant * max(1 - f["decline"] * (t // 4), 0)
        cost.append(spent)
        made.append(units * f["made"] if t < 16 else 0.0)
    renewed = [f["renewed"] * 1.02 ** (t / 4) if t in (15, 31) else 0.0 for t in range(QUARTERS)]
    receivable = [s / 3 for s in sold] + [0.0]
    working = [*cost, 0.0]
    for t in range(QUARTERS):
        funded = receivable[t + 1] - receivable[t] if t < QUARTERS - 1 else 0.0
        cash.append(sold[t] - cost[t] - funded - renewed[t] - 3e5)
    r, tenor = q(f["rate"]), int(f["tenor"])
    worth = sum(max(cash[t], 0) / (1 + r) ** (t + 1) for t in range(tenor))
    grown = sum(d * (1 + r) ** (BUILDING - 1 - j) for j, d in enumerate(draws))
    low, high = 0.0, 10 * plant
    for _ in range(200):  # the loan that meets the gearing, by bisection over the circle
        loan = (low + high) / 2
        first = 2 * max(cash[0], 0) * loan / worth
        uses = plant + f["other"] + 2e6 + f["fee"] * loan + (loan - loan / grown) + first + working[0] + receivable[0]
        low, high = (loan, high) if loan < f["gearing"] * uses else (low, loan)
    loan = min(low, worth / f["dscr"])
    service = [max(cash[t], 0) * loan / worth if t < tenor else 0.0 for t in range(QUARTERS)] + [0.0]
    # 300,000 a quarter towards 3 million every tenth.
    held = [2 * service[t] + working[t] + receivable[t] + 3e5 * (t % 10) for t in range(QUARTERS)] + [0.0]
    amount = plant + f["other"] + loan - loan / grown
    credit = f["credit"] * 0.6 * amount
    basis = [0.6 * amount - 0.5 * credit, 0.3 * amount]
    balance, owed = [], loan
    loss = [0.0, 0.0]
    waiting, tax = 0.0, []
    off_total = 0.0
    flow = [loan / grown * d - plant * d for d in draws]
    flow[0] -= f["other"] + 2e6 + f["fee"] * loan
    flow[-1] -= held[0]
    for t in range(QUARTERS):
        if t % 4 == 0:
            income = ebitda = interest_year = earned_year = 0.0
            paid = [0.0, 0.0]
        interest = owed * r
        owed += interest - service[t]
        balance.append(owed)
        earned = held[t] * q(0.02)
        off = sum(
            b * s[t // 4] / 4 * (1 - f["bonus"] * (k == 0)) if t < 28 else 0.0
            for k, (b, s) in enumerate(zip(basis, SCHEDULES, strict=True))
        )
        off += basis[0] * f["bonus"] if t == 0 else 0.0
        off += renewed[t] / 2 + sum(renewed[s] / 2 / 28 for s in (15, 31) if s <= t < s + 28)
        off += sum(3e6 * SCHEDULES[0, (t - s) // 4] / 4 for s in (9, 19, 29, 39) if s <= t < s + 24)
        off_total += off
        income += sold[t] - cost[t] + earned - off
        if t == QUARTERS - 1:
            income += f["residual"] * plant - (amount - 0.5 * credit + sum(renewed) + 4 * 3e6 - off_total)
        ebitda, interest_year, earned_year = ebitda + sold[t] - cost[t], interest_year + interest, earned_year + earned
        allowed = min(waiting + interest_year, 0.3 * max(ebitda, 0) + earned_year)
        state_income = income - allowed
        used = [min(loss[0], 0.8 * max(state_income, 0)), 0.0]
        state = f["state"] * (max(state_income, 0) - used[0])
        federal_income = state_income - state
        used[1] = min(loss[1], 0.8 * max(federal_income, 0))
        federal = 0.21 * (max(federal_income, 0) - used[1])
        tax.append(state - paid[0] + federal - paid[1])
        paid = [state, federal]
        if t % 4 == 3:
            loss = [loss[0] - used[0] + max(-state_income, 0), loss[1] - used[1] + max(-federal_income, 0)]
            waiting += interest_year - allowed
        flow.append(sold[t] - cost[t] + earned + held[t] - held[t + 1] - service[t] - tax[t] + made[t])
        flow[-1] -= renewed[t] + (3e6 if t % 10 == 9 else 0.0)
    flow[BUILDING] += credit
    flow[-1] += f["residual"] * plant
    return {"flow": flow, "tax": tax, "balance": balance}


@pytest.mark.parametrize("seed", range(12))
def test_a_plain_loop_gives_the_same_quarters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    figures = [one(rng) for _ in range(5)]
    draws = rng.uniform(0.1, 1, BUILDING)
    draws /= draws.sum()
    done = lines(batch(figures, draws))
    for j, f in enumerate(figures):
        again = told_again(f, draws.tolist())
        assert done.tax.total[:, j] == pytest.approx(again["tax"], rel=1e-9, abs=1e-4)
        assert done.loan.balance[:, j] == pytest.approx(again["balance"], rel=1e-9, abs=1e-4)
        assert done.equity[:, j] == pytest.approx(again["flow"], rel=1e-9, abs=1e-4)


def test_a_member_alone_is_worth_what_it_is_worth_in_the_batch() -> None:
    rng = np.random.default_rng(3)
    figures = [one(rng) for _ in range(7)]
    draws = rng.dirichlet(np.ones(BUILDING), 7).T
    whole = batch(figures, draws)
    price = rng.uniform(30, 60, (QUARTERS, 7))
    whole = replace(whole, sales=replace(whole.sales, price_nominal_usd_per_unit=price))
    together = evaluate(whole)
    for j in range(7):
        alone = evaluate(take(whole, j, j + 1, 7))
        assert alone.equity_npv_usd[0] == pytest.approx(together.equity_npv_usd[j], rel=1e-12)
        assert alone.min_dscr[0] == pytest.approx(together.min_dscr[j], rel=1e-12)
        assert alone.equity_irr.status[0] == together.equity_irr.status[j]
        assert alone.levelised_usd_per_unit[0] == pytest.approx(together.levelised_usd_per_unit[j], rel=1e-12)
