"""``kiban energy``: answers, files, and what it says about bad files and cases without a solution."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kiban.cli import app

RUN = CliRunner()
EXAMPLES = Path(__file__).parents[2] / "examples" / "energy"
FILE = """
kiban_energy: 1
name: two_towers
title: "A <b>small</b> site"
series:
  load_mw: {file: site.csv, column: load_kw, factor: 0.001}
  price_usd_per_mwh: {file: site.csv, column: price}
  average_kg_co2_per_mwh: 300
  marginal_kg_co2_per_mwh: 450
connection: {limit_mw: LIMIT, adder_usd_per_mwh: 4, sale_frac: 0.5}
sources:
  - {name: sun, kind: physical, profile: {file: site.csv, column: sun}, usd_per_mwh: 60}
clean: {rule: annual, frac: 0.5}
compare: [none]
"""


def site(folder: Path, limit: str = "20", sun: float = 1.0, rows: int = 8760) -> Path:
    hour = np.arange(rows)
    made = sun * np.clip(np.sin((hour % 24 - 6) * np.pi / 12), 0, 1)
    lines = [f"10000,{40 + h % 24},{m:.4f}" for h, m in zip(hour, made, strict=True)]
    (folder / "site.csv").write_text("load_kw,price,sun\n" + "\n".join(lines), encoding="utf-8")
    file = folder / "site.yaml"
    file.write_text(FILE.replace("LIMIT", limit), encoding="utf-8")
    return file


def test_answers_and_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = RUN.invoke(app, ["energy", str(site(tmp_path)), "--json", "-o", str(out)])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    annual, none = data["rules"]
    assert (annual["rule"], none["rule"]) == ("annual", "none")
    assert none["energy_usd_per_mwh"] == pytest.approx(40 + 11.5 + 4)
    assert annual["contracted_frac"] == pytest.approx(0.5)
    assert none["carbon"]["location_based_t_co2"] == pytest.approx(0.3 * 87_600)
    assert annual["carbon"]["market_based_t_co2"] < none["carbon"]["market_based_t_co2"]
    page = (out / "energy.html").read_text(encoding="utf-8")
    assert "A &lt;b&gt;small&lt;/b&gt; site" in page
    assert "<b>small" not in page and "<script src" not in page and "<link" not in page
    lines = (out / "hourly_annual.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 8761 and lines[0].startswith("hour,load_mw,")


def test_every_fault_of_form_and_files_at_once(tmp_path: Path) -> None:
    file = site(tmp_path, sun=80.0, rows=8784)
    done = RUN.invoke(app, ["energy", str(file), "--json"])
    assert done.exit_code == 2
    text = " ".join(p["message"] for p in json.loads(done.stdout)["problems"])
    assert "rows 1418 to 1441 are 29 February; leave them out" in text
    bad = file.read_text(encoding="utf-8").replace("rule: annual", "rule: yearly").replace("adder_usd", "ader_usd")
    file.write_text(bad, encoding="utf-8")
    done = RUN.invoke(app, ["energy", str(file)])
    assert done.exit_code == 2
    assert "did you mean adder_usd_per_mwh?" in done.output and "annual, monthly, hourly" in done.output
    assert "Traceback" not in done.output


def test_percent_for_fraction_is_told(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["energy", str(site(tmp_path, sun=80.0))])
    assert done.exit_code == 2
    assert "site.csv, row" in done.output and "looks like percent" in done.output


def test_no_solution_is_said_in_words(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["energy", str(site(tmp_path, limit="8")), "-o", str(tmp_path / "out")])
    assert done.exit_code == 3
    assert "what the connection brings" in done.output and "at most 8 MW allowed" in done.output
    assert not (tmp_path / "out").exists()


def test_a_tariff_on_top_of_the_market_price(tmp_path: Path) -> None:
    file = site(tmp_path)
    rate = {
        "energyratestructure": [[{"rate": 0.02}]], "energyweekdayschedule": [[0] * 24] * 12,
        "energyweekendschedule": [[0] * 24] * 12, "flatdemandstructure": [[{"rate": 6.0}]],
        "flatdemandmonths": [0] * 12, "fixedmonthlycharge": 100.0,
    }  # fmt: skip
    (tmp_path / "rate.json").write_text(json.dumps(rate), encoding="utf-8")
    text = file.read_text(encoding="utf-8").replace("sale_frac: 0.5", "tariff: {file: rate.json, year: 2023}")
    text = text.replace("frac: 0.5}", "frac: 0.3}").replace("usd_per_mwh: 60", "usd_per_mwh: 200")
    file.write_text(text, encoding="utf-8")
    done = RUN.invoke(app, ["energy", str(file), "--json"])
    assert done.exit_code == 0, done.output
    none = json.loads(done.stdout)["rules"][1]
    assert none["energy_usd_per_mwh"] == pytest.approx(40 + 11.5 + 4 + 20 + 12 * 6000 / 8760 + 1200 / 87_600)
    virtual = text.replace("kind: physical", "kind: virtual, mw_min: 10, mw_max: 10")
    file.write_text(virtual, encoding="utf-8")
    with_contract = json.loads(RUN.invoke(app, ["energy", str(file), "--json"]).stdout)["rules"][1]
    # It settles against the market price, not against market price and energy charge.
    hour = np.arange(8760)
    made = 10 * np.round(np.clip(np.sin((hour % 24 - 6) * np.pi / 12), 0, 1), 4)
    settled = float(made @ (200.0 - (40 + hour % 24)))
    assert with_contract["cost_usd_per_year"] - none["cost_usd_per_year"] == pytest.approx(settled, rel=1e-6)
    file.write_text(text, encoding="utf-8")
    (tmp_path / "rate.json").write_text("{}", encoding="utf-8")
    done = RUN.invoke(app, ["energy", str(file)])
    assert done.exit_code == 2 and "energyweekdayschedule" in done.output


def test_a_reopt_scenario(tmp_path: Path) -> None:
    file = tmp_path / "flat.json"
    scenario = {
        "ElectricLoad": {"doe_reference_name": "FlatLoad", "annual_kwh": 8760.0},
        "ElectricTariff": {"blended_annual_energy_rate": 0.2, "blended_annual_demand_rate": 5.0},
        "Site": {"latitude": 1.0, "longitude": 2.0, "roof_squarefeet": 10.0},
    }
    file.write_text(json.dumps(scenario), encoding="utf-8")
    done = RUN.invoke(app, ["energy", str(file), "--json"])
    data = json.loads(done.stdout)
    assert data["ElectricTariff"]["year_one_bill_before_tax"] == pytest.approx(1752 + 60)
    assert data["left_out"] == ["Site.roof_squarefeet"]
    file.write_text("{", encoding="utf-8")
    assert RUN.invoke(app, ["energy", str(file)]).exit_code == 2
    assert RUN.invoke(app, ["energy", str(tmp_path / "none.yaml")]).exit_code == 2


def test_the_example_answers_fast_and_keeps_its_rules() -> None:
    done = RUN.invoke(app, ["energy", str(EXAMPLES / "west_texas.yaml"), "--json"])
    assert done.exit_code == 0, done.output
    hourly, annual, none = json.loads(done.stdout)["rules"]
    assert [r["rule"] for r in (hourly, annual, none)] == ["hourly", "annual", "none"]
    assert hourly["clean_frac"] >= 0.8 - 1e-6 and annual["contracted_frac"] >= 0.8 - 1e-6
    assert hourly["energy_usd_per_mwh"] > annual["energy_usd_per_mwh"] > none["energy_usd_per_mwh"] - 1e-6
    assert sum(r["seconds"] for r in (hourly, annual, none)) < 15
    gas = RUN.invoke(app, ["energy", str(EXAMPLES / "west_texas.yaml"), "--variant", "grid_later", "--json"])
    assert json.loads(gas.stdout)["rules"][0]["size_mw"]["turbines"] > 90


@pytest.mark.slow
def test_the_example_year_is_what_its_script_draws() -> None:
    spec = importlib.util.spec_from_file_location("make_west_texas", EXAMPLES / "make_west_texas.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = np.genfromtxt(EXAMPLES / "west_texas.csv", delimiter=",", names=True)
    for name, (values, decimals) in script.columns().items():
        assert np.abs(written[name] - values).max() <= 0.5000001 * 10.0**-decimals, name
