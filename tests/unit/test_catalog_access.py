"""Reading, overriding and recording, on the shipped catalogue."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from kiban.catalog import CatalogError, CatalogKeyError, load_catalog

TDP = "accelerator.h100_sxm.tdp_w"
LAT = "site.abilene_tx.lat_deg"
NAME = "site.abilene_tx.name"


def test_value_range_text_and_has() -> None:
    cat = load_catalog()
    assert cat.value(TDP) == 700.0
    low, value, high = cat.range(TDP)
    assert low <= value <= high
    assert "Abilene" in cat.text(NAME)
    assert cat.has(TDP) and not cat.has("accelerator.h100_sxm.tdp_mw")


def test_range_falls_back_to_the_value() -> None:
    cat = load_catalog().with_overrides({TDP: (650, "capped")})
    assert cat.range(TDP) == (650.0, 650.0, 650.0)


def test_a_number_is_no_text_and_a_text_no_number() -> None:
    cat = load_catalog()
    with pytest.raises(CatalogError, match="holds the text"):
        cat.value(NAME)
    with pytest.raises(CatalogError, match="holds the number 700"):
        cat.text(TDP)


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("accelerator.h100_sxm.tdp", TDP),
        ("accelerator.h100sxm.tdp_w", TDP),
        ("acelerator.h100_sxm.tdp_w", TDP),
        ("site.abilene.lat_deg", LAT),
    ],
)
def test_an_unknown_key_names_the_nearest(asked: str, nearest: str) -> None:
    with pytest.raises(CatalogKeyError) as caught:
        load_catalog().value(asked)
    assert isinstance(caught.value, KeyError)
    assert str(caught.value).startswith(f"no catalogue key '{asked}'; nearest: {nearest}")


def test_a_key_like_nothing_else_names_nothing() -> None:
    with pytest.raises(CatalogKeyError) as caught:
        load_catalog().value("qqqqqqqq.w")
    assert str(caught.value) == "no catalogue key 'qqqqqqqq.w'"


def test_an_unknown_table_names_the_tables() -> None:
    with pytest.raises(CatalogKeyError, match=r"no catalogue table 'weather'; tables: .*weather_normals"):
        load_catalog().table("weather")


def test_keys_are_sorted_and_share_the_prefix() -> None:
    keys = load_catalog().keys("accelerator.h100_sxm.")
    assert TDP in keys and keys == sorted(keys)
    assert all(k.startswith("accelerator.h100_sxm.") for k in keys)


def test_find_looks_in_keys_and_source_titles() -> None:
    cat = load_catalog()
    assert TDP in [row.key for row in cat.find("H100_SXM.TDP")]
    assert any("Energy Outlook" in cat.source(row.source_id).title for row in cat.find("annual energy outlook"))


def test_overrides_carry_their_reason_and_leave_the_base_alone() -> None:
    base = load_catalog()
    cat = base.with_overrides({TDP: (650, "power cap of the operator"), NAME: ("Here", "renamed")})
    row = cat.row(TDP)
    assert (row.value, row.confidence, row.source_id, row.note) == (
        650.0,
        "override",
        "scenario",
        "power cap of the operator",
    )
    assert (row.unit, row.low, row.high) == (base.row(TDP).unit, None, None)
    assert cat.text(NAME) == "Here"
    assert cat.source("scenario").title
    assert base.value(TDP) == 700.0
    assert cat.confidence_counts()["override"] == 2


def test_overrides_add_up() -> None:
    cat = load_catalog().with_overrides({TDP: (650, "one")}).with_overrides({LAT: (32.0, "two")})
    assert (cat.value(TDP), cat.value(LAT)) == (650.0, 32.0)


def test_all_wrong_overrides_are_told_at_once() -> None:
    with pytest.raises(CatalogKeyError) as caught:
        load_catalog().with_overrides(
            {
                "accelerator.h100_sxm.tdp": (1, "typo"),
                TDP: (float("nan"), "not finite"),
                LAT: ("north", "not a number"),
                NAME: (3.0, "not a text"),
                "accelerator.b200.tdp_w": (1, " "),
            }
        )
    found = caught.value.problems
    assert len(found) == 5
    assert f"nearest: {TDP}" in found[0]
    assert "not finite" in found[1]
    assert "holds a number" in found[2]
    assert "holds a text" in found[3]
    assert "say why" in found[4]


def test_wrong_overrides_of_known_keys_are_no_key_error() -> None:
    with pytest.raises(CatalogError) as caught:
        load_catalog().with_overrides({TDP: (True, "a switch")})
    assert not isinstance(caught.value, KeyError)


def test_recording_files_reads_under_the_room() -> None:
    cat = load_catalog()
    cat.value(TDP)
    with cat.recording("compute") as used:
        cat.value(TDP)
        cat.has(LAT)
        cat.keys("site.")
    with cat.recording("facility"):
        cat.range(LAT)
        cat.text(NAME)
        cat.table("weather_normals")
    cat.value("accelerator.b200.tdp_w")
    assert used == {TDP}
    assert cat.used == {"compute": {TDP}, "facility": {LAT, NAME, "weather_normals"}}


def test_recording_adds_to_the_room_and_counts_for_each_block() -> None:
    cat = load_catalog()
    with cat.recording("plan"):
        cat.value(TDP)
    with cat.recording("plan"), cat.recording("plan.inner"):
        cat.value(LAT)
    assert cat.used == {"plan": {TDP, LAT}, "plan.inner": {LAT}}


def test_recording_keeps_catalogues_apart() -> None:
    one, two = load_catalog(), load_catalog()
    with one.recording("compute"):
        two.value(TDP)
    assert one.used == {"compute": set()}
    assert two.used == {}


def test_every_recorded_name_has_a_row() -> None:
    cat = load_catalog()
    with cat.recording("energy") as used:
        cat.table("market_price")
    assert [cat.row(name).key for name in used] == ["market_price"]


def test_a_catalogue_travels_to_another_process() -> None:
    cat = pickle.loads(pickle.dumps(load_catalog().with_overrides({TDP: (650, "capped")})))
    assert cat.value(TDP) == 650.0
    assert cat.table("weather_normals").length > 0


def test_errors_travel_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(CatalogKeyError(["one", "two"])))
    assert error.problems == ("one", "two")
    assert str(error) == "one\ntwo"


def test_import_and_load_are_light() -> None:
    code = (
        "import sys; from kiban.catalog import load_catalog; load_catalog();"
        "print(sorted({'pandas', 'numpy', 'scipy', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
