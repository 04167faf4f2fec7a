"""Training layouts: speed against memory, and where a step's time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kiban.figures.colors import BLUE, GREY, RED, cycle
from kiban.figures.figure import Basis, Figure, Frame, bar, cartesian, figure, value_axis

Array = NDArray[np.float64]
GB = 1e9


def training_pareto(
    fitting: tuple[Array, Array], pareto: tuple[Array, Array], memory_bytes: float, basis: Basis
) -> Figure:
    """Tokens per second and accelerator against memory.

    Args: (rate in tok/s per accelerator, bytes per accelerator) of a sample of the layouts that fit, and of the Pareto
    set; memory of the accelerator; basis. Result: a figure whose upper left edge is the Pareto set.
    """
    frame = Frame(
        "pareto", "compute", "Speed against memory",
        "tokens per second and accelerator (up) over memory per accelerator in GB (right)", ("compute",),
        f"Each dot is a layout that fits, {len(fitting[0]):,} of them drawn evenly; no layout is both faster and "
        "lighter than one on the line. The mark to the right is the accelerator's memory.", 440,
    )  # fmt: skip
    rate, room = pareto
    order = np.argsort(room)
    limit = memory_bytes / GB
    series = [
        {"name": "layouts that fit", "type": "scatter", "symbolSize": 4, "color": GREY, "itemStyle": {"opacity": 0.45},
         "data": np.column_stack([fitting[1] / GB, fitting[0]])},
        {"name": "Pareto set", "type": "line", "step": "end", "color": BLUE, "symbol": "circle", "symbolSize": 7,
         "lineStyle": {"width": 2}, "data": np.column_stack([room[order] / GB, rate[order]]),
         "markLine": {"silent": True, "symbol": "none", "lineStyle": {"color": RED, "type": "dashed"},
                      "label": {"show": False}, "data": [{"xAxis": limit}]}},
    ]  # fmt: skip
    x = value_axis(min=0, max=float(np.ceil(limit / 10) * 10))
    option = cartesian(x, value_axis(min=0), series, tooltip={"trigger": "item"})
    return figure(frame, basis, option, [("layouts that fit", GREY), ("Pareto set", BLUE)], "scaled", "plain")


def training_parts(names: Sequence[str], parts: Mapping[str, Array], basis: Basis) -> Figure:
    """Where the seconds of a step go, one bar per layout.

    Args: numbers of the layouts, fastest first; seconds per part, each (k,); basis.
    """
    frame = Frame(
        "parts", "compute", "Where the time of a step goes", "seconds per step", ("compute",),
        "The fastest layouts by their number in the table below; what hides behind other work is not shown.",
        60 + 34 * len(names),
    )  # fmt: skip
    shown = {k: v for k, v in parts.items() if float(np.max(v, initial=0.0)) > 0}
    series = [bar(name, values, cycle(i), "all") for i, (name, values) in enumerate(shown.items())]
    y = {"type": "category", "data": list(names), "inverse": True}
    option = cartesian(value_axis(), y, series, tooltip={"trigger": "item"})
    return figure(frame, basis, option, [(name, cycle(i)) for i, name in enumerate(shown)], "plain", "plain")
