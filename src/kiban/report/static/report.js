(() => {
  "use strict";
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const SCALES = [[1e12, " tn"], [1e9, " bn"], [1e6, " m"], [1e3, " k"]];
  const NARROW = 520;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function significant(v, digits) {
    if (v === 0) return "0";
    const decimals = Math.max(0, Math.min(8, digits - 1 - Math.floor(Math.log10(Math.abs(v)))));
    return v.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  }
  function trimmed(v) { return significant(v, 3).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""); }
  function scaled(v, write) {
    for (const [size, word] of SCALES) if (Math.abs(v) >= size * 0.9995) return write(v / size) + word;
    return write(v);
  }
  // Axis ticks are round numbers and need no trailing zeros; values keep three significant digits.
  function format(form, v, tick) {
    if (v === null || v === undefined || v === "-" || Number.isNaN(Number(v))) return "no figure";
    v = Number(v);
    const write = tick ? trimmed : (x) => significant(x, 3);
    const sign = v < 0 ? "-" : "";
    if (form === "usd") return sign + "$" + scaled(Math.abs(v), write);
    if (form === "plain_usd") return sign + "$" + write(Math.abs(v));
    if (form === "percent") return write(v * 100) + " %";
    if (form === "plain3") return v.toFixed(3);
    if (form === "plain") return write(v);
    return scaled(v, write);
  }

  function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function isFigure(x) { return x !== null && typeof x === "object"; }
  function inkInto(node, ink) {
    for (const key of Object.keys(node)) {
      if (node[key] === "ink") node[key] = ink;
      else if (isFigure(node[key])) inkInto(node[key], ink);
    }
  }

  function dressAxis(axis, form, narrow, colors) {
    const label = axis.axisLabel = Object.assign({ color: colors.axis, hideOverlap: true, fontSize: narrow ? 10 : 11 }, axis.axisLabel);
    axis.axisLine = Object.assign({ lineStyle: { color: colors.rule } }, axis.axisLine);
    axis.axisTick = Object.assign({ lineStyle: { color: colors.rule } }, axis.axisTick);
    axis.splitLine = Object.assign({ lineStyle: { color: colors.split } }, axis.splitLine);
    axis.nameTextStyle = Object.assign({ color: colors.axis }, axis.nameTextStyle);
    if (axis.type === "value") {
      axis.splitNumber = narrow ? 3 : 5;
      if (axis.kiban_quarters) {
        const quarters = axis.kiban_quarters;
        label.formatter = (v) => quarters[v] || "";
      } else label.formatter = (v) => format(axis.kiban || form, v, true);
    }
    if (label.kiban === "day") label.formatter = (text) => text.split(",")[0];
    if (label.kiban === "month") label.formatter = (text) => narrow ? text[0] : text.slice(0, 3);
    if (axis.type === "category" && label.width && narrow) { label.rotate = 40; label.width = 90; label.overflow = "truncate"; }
  }

  function dressSeries(series, figure, narrow, colors, horizontal) {
    const label = series.label;
    if (label) {
      label.color = label.color || colors.ink;
      label.fontSize = label.fontSize || (narrow ? 10 : 11);
      const signed = (v) => (v > 0 ? "+" : "") + format(figure.form, v);
      if (label.kiban === "x") label.formatter = (p) => format(figure.form, p.value[0]);
      if (label.kiban === "value") label.formatter = (p) => format(horizontal ? figure.form_x : figure.form, p.value);
      if (label.kiban === "change") label.formatter = (p) => p.data.change === undefined ? format(figure.form, p.value) : signed(p.data.change);
    }
    if (series.type === "tree" && narrow) { series.left = 44; series.right = 84; }
    if (series.type === "sankey" && narrow) { series.right = 96; series.label.fontSize = 9; series.label.width = 90; series.label.overflow = "break"; }
  }

  function tip(figure, option, horizontal) {
    const quarterly = (p) => {
      const v = Array.isArray(p.value) ? p.value : null;
      const line = (name, text) => `${p.marker || ""}${esc(name)} <b>${esc(text)}</b>`;
      if (p.seriesType === "heatmap" && option.series[0].kiban_cell) return `${esc(option.xAxis.data[v[0]])}, ${esc(option.yAxis.data[v[1]])}:00<br>${line(option.series[0].kiban_cell, format(figure.form, v[2]))}`;
      if (p.seriesType === "heatmap") {
        const at = (axis) => v[p.encode[axis][0]];
        return `${esc(MONTHS[at("y")])}, ${String(at("x")).padStart(2, "0")}:00<br>${line(p.seriesName, format(figure.form, at("value")))}`;
      }
      if (p.seriesType === "sankey") return p.dataType === "edge" ? `${esc(p.data.source)} to ${esc(p.data.target)}<br><b>${format(figure.form, p.value)}</b>` : `${esc(p.name)}<br><b>${format(figure.form, p.value)}</b>`;
      if (p.seriesType === "tree") return `${esc(p.name)}<br>from ${esc(p.data.quarter)}, chance <b>${format("percent", p.value)}</b>`;
      if (p.seriesType === "scatter" && v && option.yAxis.data) return `${esc(option.yAxis.data[v[1]] || "")}<br>${line(p.seriesName, (option.xAxis.kiban_quarters || [])[v[0]] || format(figure.form_x, v[0]))}`;
      if (v) return `${line(p.seriesName, format(figure.form, v[1]))} at ${format(figure.form_x, v[0])}`;
      if (p.data && p.data.change !== undefined) return `${esc(p.name)}<br>${line("difference", format(figure.form, p.data.change))}`;
      return `${esc(p.name)}<br>${line(p.seriesName, format(horizontal ? (figure.form_x === "quarter" ? "plain" : figure.form_x) : figure.form, p.value))}`;
    };
    return (params) => {
      if (!Array.isArray(params)) return quarterly(params);
      const rows = params.filter((p) => p.value !== null && p.value !== undefined && p.value !== 0);
      const head = params.length ? (params[0].axisValueLabel || params[0].name) : "";
      const first = params[0] && Array.isArray(params[0].value) ? format(figure.form_x, params[0].value[0]) : head;
      const value = (p) => Array.isArray(p.value) ? p.value[1] : p.value;
      return [esc(first), ...rows.map((p) => `${p.marker}${esc(p.seriesName)} <b>${esc(format(horizontal ? figure.form_x : figure.form, value(p)))}</b>`)].join("<br>");
    };
  }
  function esc(text) { return String(text).replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]); }

  function optionOf(figure, width) {
    const option = JSON.parse(JSON.stringify(figure.option));
    const narrow = width < NARROW;
    const colors = { ink: css("--ink"), axis: css("--axis"), rule: css("--rule"), split: css("--split"), paper: css("--paper") };
    inkInto(option, colors.ink);
    const horizontal = Boolean(option.yAxis && option.yAxis.type === "category" && option.xAxis.type === "value");
    if (option.kiban_narrow && narrow) Object.assign(option, { grid: option.kiban_narrow.grid, title: option.kiban_narrow.title });
    delete option.kiban_narrow;
    for (const axis of [].concat(option.xAxis || [])) dressAxis(axis, figure.form_x, narrow, colors);
    for (const axis of [].concat(option.yAxis || [])) dressAxis(axis, figure.form, narrow, colors);
    if (horizontal && narrow) Object.assign(option.yAxis.axisLabel, { width: 120, overflow: "break" });
    option.series.forEach((s) => dressSeries(s, figure, narrow, colors, horizontal));
    for (const scale of [].concat(option.visualMap || [])) scale.textStyle = { color: colors.axis, fontSize: 11 };
    option.tooltip = Object.assign({ confine: true, backgroundColor: colors.paper, borderColor: colors.rule, textStyle: { color: colors.ink, fontSize: 12 } }, option.tooltip);
    option.tooltip.formatter = tip(figure, option, horizontal);
    option.animation = false;
    option.textStyle = { fontFamily: "Arial, sans-serif", color: colors.ink };
    option.aria = { enabled: true };
    return option;
  }

  const drawn = [];
  function draw(box) {
    const figure = figures[box.dataset.figure];
    if (!figure) return;
    box.style.height = box.dataset.height + "px";
    // Thousands of cells are lighter as pixels than as elements of the page.
    const chart = echarts.init(box, null, { renderer: figure.option.kiban_narrow ? "canvas" : "svg" });
    const entry = { box, figure, chart, width: 0 };
    drawn.push(entry);
    refresh(entry);
  }
  function refresh(entry) {
    entry.width = entry.box.clientWidth;
    const narrow = entry.figure.option.kiban_narrow;
    if (narrow) entry.box.style.height = (entry.width < NARROW ? narrow.height : entry.box.dataset.height) + "px";
    entry.chart.resize();
    const selected = (entry.chart.getOption() || {}).legend;
    const option = optionOf(entry.figure, entry.width);
    if (option.legend && selected && selected[0]) option.legend.selected = selected[0].selected;
    entry.chart.setOption(option, true);
  }

  document.querySelectorAll(".legend button").forEach((button) => {
    const color = button.dataset.color;
    button.querySelector("i").style.color = color === "ink" ? "var(--ink)" : color;
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const entry = drawn.find((e) => e.box.dataset.figure === button.dataset.figure);
      if (!entry || !entry.figure.option.series.some((s) => s.name === button.dataset.series)) return;
      const on = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!on));
      entry.chart.dispatchAction({ type: "legendToggleSelect", name: button.dataset.series });
    });
  });
  document.querySelectorAll(".canvas").forEach(draw);
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach((e) => { if (e.box.clientWidth !== e.width) refresh(e); }), 120);
  });
  const repaint = () => drawn.forEach(refresh);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  window.addEventListener("beforeprint", repaint);
  window.addEventListener("afterprint", repaint);
})();
