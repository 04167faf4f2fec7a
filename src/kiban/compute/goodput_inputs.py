"""Failure, recovery and checkpoint rows of the catalogue, and a job's goodput from them."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.checkpoints import CheckpointCost, asynchronous, state_bytes, synchronous
from kiban.compute.job_goodput import GoodputBreakdown, SparePool, failures_per_s, job_goodput
from kiban.compute.power_inputs import family_key
from kiban.compute.recovery import Recovery
from kiban.compute.spares import spares_needed, waiting_frac

_GB = 1e9
_NEVER_WAITS_FRAC = 1e-4
_PER_NODE = 8
"""Accelerators that leave together; racks are served by tray, which is smaller."""


def interrupts_key(catalog: Catalog, family: str) -> str:
    """Key of the row with the interruptions of a family of chips, the common one where it has none."""
    return family_key(catalog, "reliability.family", family, "interrupt_per_year")


def interrupts_per_year(catalog: Catalog, family: str) -> float:
    """Unexpected interruptions of a job per accelerator and year, by family."""
    return catalog.value(interrupts_key(catalog, family))


def load_recovery(catalog: Catalog, spares_run_hot: bool = True) -> Recovery:
    """How a job comes back, from ``compute.recovery.*`` and ``compute.goodput.restart_s``."""
    return Recovery(
        automatic_frac=catalog.value("compute.recovery.automatic_frac"),
        automatic_s=catalog.value("compute.goodput.restart_s"),
        manual_s=catalog.value("compute.recovery.manual_s"),
        removal_frac=catalog.value("compute.recovery.removal_frac"),
        swap_s=catalog.value(f"compute.recovery.{'hot' if spares_run_hot else 'cold'}_swap_s"),
    )


def load_checkpoint(catalog: Catalog, parameters: float, accelerators: int, background: bool = True) -> CheckpointCost:
    """Cost of a checkpoint of a model on so many accelerators; written behind the work, or waited for."""
    state = state_bytes(parameters, catalog.value("storage.checkpoint_gb_per_b_params"))
    storage = catalog.value("storage.checkpoint_write_gb_per_s_per_gpu") * accelerators * _GB
    if not background:
        return synchronous(state, storage)
    return asynchronous(state, storage, accelerators, catalog.value("storage.host_copy_gb_per_s_per_gpu") * _GB)


def catalog_goodput(
    catalog: Catalog,
    family: str,
    parameters: float,
    accelerators: int,
    spare_nodes: int,
    accelerators_per_node: int = _PER_NODE,
    background: bool = True,
    spares_run_hot: bool = True,
) -> GoodputBreakdown:
    """Split of a training job's time with the rows of the catalogue.

    Arguments: family of the chips; weights of the model; accelerators that the job needs; spare nodes beside them;
    chips per node; whether checkpoints are written behind the work; whether spares are powered. Result: shares that
    sum to 1.
    Raises CatalogKeyError for a missing row.
    """
    pool = SparePool(
        nodes=-(-accelerators // accelerators_per_node),
        spares=spare_nodes,
        repair_s=catalog.value("reliability.replacement_days") * 86400,
        powered=spares_run_hot,
    )
    return job_goodput(
        failures_per_s(accelerators, interrupts_per_year(catalog, family)),
        load_checkpoint(catalog, parameters, accelerators, background),
        load_recovery(catalog, spares_run_hot),
        pool,
    )


def fleet_goodput(catalog: Catalog, family: str, parameters: float, accelerators: int) -> GoodputBreakdown:
    """The same with the number of powered spares that serves best, their share of all accelerators counted as waiting.

    Arguments as in ``catalog_goodput``. Result: shares of the time of all accelerators, spares included; they sum to 1.
    """
    nodes = -(-accelerators // _PER_NODE)
    removals = failures_per_s(accelerators, interrupts_per_year(catalog, family)) / nodes
    removals *= catalog.value("compute.recovery.removal_frac")
    repair_s = catalog.value("reliability.replacement_days") * 86400
    most = spares_needed(nodes, removals, repair_s, _NEVER_WAITS_FRAC)
    kept = [(1 - waiting_frac(nodes, k, removals, repair_s)) * nodes / (nodes + k) for k in range(most + 1)]
    spares = int(np.argmax(kept))
    split = catalog_goodput(catalog, family, parameters, accelerators, spares, _PER_NODE)
    share = nodes / (nodes + spares)
    thinned = {f.name: getattr(split, f.name) * share for f in fields(split) if f.name.endswith("_frac")}
    return replace(split, **{**thinned, "waiting_frac": thinned["waiting_frac"] + 1 - share})
