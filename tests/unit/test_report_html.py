"""The HTML report: one file, no network, no code from the user, no missing number."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
import workbook_fixtures as fx
from plan_fixtures import scenario
from report_fixtures import bare, small

from kiban.catalog import load_catalog
from kiban.figures import all_figures
from kiban.figures.site_year import site_years
from kiban.report.headline import headline_of
from kiban.report.hours_views import power_sentence
from kiban.report.html import html_report, script_json
from kiban.report.provenance import basis_of, used_rows
from kiban.units.numbers import usd

EVIL = "<script>alert(1)</script>\"'&</title></script>"


def render(fixture: Any) -> str:
    one, study, risk = fixture
    used = used_rows(load_catalog(), study, risk)
    figures = all_figures(study, risk, basis_of(one, study, used))
    return html_report(one, study, risk, headline_of(study, risk), figures, used)


@pytest.fixture(scope="module")
def page() -> str:
    return render(small())


class Reader(HTMLParser):
    """Collects tags with attributes, ids, scripts and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append(tag)
            if tag == "script":
                self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self.inside:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if self.inside[-1:] == ["script"]:
            self.scripts[-1] += data
        elif not self.inside:
            self.texts.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_nothing_is_loaded_from_outside(page: str) -> None:
    reader = read(page)
    for tag, attrs in reader.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            value = attrs.get(name) or ""
            assert not re.match(r"\s*(https?:)?//", value), (tag, name, value)
            if name != "href":
                assert not value, (tag, name, value)
    assert not re.search(r"url\(|@import", re.search(r"<style>(.*?)</style>", page, re.S)[1])  # type: ignore[index]
    assert not any(tag in ("link", "iframe", "object", "embed", "img") for tag, _ in reader.tags)
    assert "default-src 'none'" in page


def test_there_are_three_scripts_and_the_data_is_strict_json(page: str) -> None:
    scripts = read(page).scripts
    assert len(scripts) == 3

    def refuse(word: str) -> Any:
        raise AssertionError(word)

    data = json.loads(scripts[0], parse_constant=refuse)
    assert len(data) >= 25
    assert all(entry["option"]["series"] for entry in data.values())


def test_every_canvas_has_its_data_and_every_link_its_target(page: str) -> None:
    reader = read(page)
    data = json.loads(reader.scripts[0])
    canvases = [a["data-figure"] for t, a in reader.tags if t == "div" and a.get("class") == "canvas"]
    assert sorted(canvases) == sorted(data)
    ids = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    targets = {(a.get("href") or "#")[1:] for t, a in reader.tags if t == "a"}
    assert targets <= set(ids)


def test_text_of_the_user_is_escaped() -> None:
    one, study, risk = small()
    sites = [{**s.model_dump(mode="json"), "tenant": EVIL, "operator": EVIL} for s in one.sites]
    evil = scenario(title=EVIL, sites=sites)
    warned = replace(study, finance=replace(study.finance, warnings=(EVIL,)))
    reader = read(render((evil, warned, risk)))
    assert len(reader.scripts) == 3
    assert not any("alert(1)" in s for s in reader.scripts)
    assert sum(EVIL in text for text in reader.texts) >= 4  # title, heading, table cells, warning


def test_script_json_cannot_leave_its_element() -> None:
    text = script_json({"name": "</script><!--<script>&\u2028"})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text)["name"] == "</script><!--<script>&\u2028"
    with pytest.raises(ValueError):
        script_json([float("nan")])


def test_the_page_says_what_its_numbers_are(page: str) -> None:
    text = " ".join(" ".join(read(page).texts).split())
    one, study, risk = small()
    assert headline_of(study, risk)["sentence"] in text
    assert "Weather: synthetic" in text
    assert usd(study.plan.irrevocable_usd) in text
    assert not re.search(r"\b(nan|inf|None|undefined)\b", text)
    assert re.search(r"\d+ sourced, \d+ assumed inputs", text)
    assert one.title in text


def test_a_bare_study_has_sentences_in_place_of_charts() -> None:
    reader = read(render(bare()))
    text = " ".join(" ".join(reader.texts).split())
    assert "The scenario has one future only" in text
    assert "The plan raises no debt" in text
    assert not re.search(r"\b(nan|inf|None|undefined)\b", text)


def test_the_file_stays_small(page: str) -> None:
    assert len(page.encode()) < 3_000_000


def test_the_lender_reads_terms_downside_losses_and_five_statements() -> None:
    texts = read(render((*fx.study(owned=True)[:1], *fx.study(owned=True)[2:]))).texts
    whole = " ".join(" ".join(texts).split())
    for words in (
        "What is agreed with lenders", "Downside: what a blow does to the debt", "delay +12 months", "all three",
        "Project: cash flow of the base history", "Owners: cash of the base history", "lease liability",
        "Lenders: debt of the base history", "Book income of the base history", "liabilities and equity",
        "tax saved by interest", "LCOC, USD per 10^18 effective FLOP", "Borne by guarantor",
    ):  # fmt: skip
        assert words in whole, words


def test_losses_by_layer_are_on_the_page(page: str) -> None:
    whole = " ".join(" ".join(read(page).texts).split())
    assert "Paid by shell and plant" in whole
    assert "Some service stays unpaid with 20 % chance; expected loss is 50 % of exposure" in whole


def test_measures_and_regret_stand_on_the_page(page: str) -> None:
    _, study, _ = small()
    m = study.plan.measures
    assert m is not None
    text = " ".join(read(page).texts)
    assert "Knowing the future today would be worth" in text
    assert "What each plan regrets, by history" in text
    worst = float(m.strategy_leaf_hindsight_usd[0].max())
    assert usd(worst) in text
    assert all(name.replace("/", " / ") in text for name in study.plan.leaf_name)


def test_a_plan_without_measures_says_so_on_the_page() -> None:
    one, study, risk = small()
    text = " ".join(read(render((one, replace(study, plan=replace(study.plan, measures=None)), risk))).texts)
    assert text.count("The scenario asks for no measures of the plan.") == 4


def test_documents_are_listed_once_per_chapter_and_the_other_charts_point_there(page: str) -> None:
    lists = re.findall(r'<details id="sources-([^"]+)">', page)
    links = re.findall(r'<a href="#sources-([^"]+)">', page)
    assert links and set(links) <= set(lists)
    at = {name: page.index(f'<details id="sources-{name}">') for name in lists}
    assert all(at[m[1]] < m.start() for m in re.finditer(r'<a href="#sources-([^"]+)">', page))


def test_the_power_chapter_begins_with_its_finding_and_its_tables(page: str) -> None:
    _, study, _ = small()
    reader = read(page)
    text = " ".join(" ".join(reader.texts).split())
    assert power_sentence(site_years(study)) in text
    ids = [a["id"] for _, a in reader.tags if a.get("id")]
    order = ["power", "tab-sites_year", "tab-premium", "fig-energy_cost", "fig-match_carbon", "fig-hours_load"]
    assert sorted(order, key=ids.index) == order
