"""Units of training rows: the same run in other units is the same answer."""

from __future__ import annotations

import pytest

from kiban.catalog import load_catalog
from kiban.compute.rows.training import answer_training

CATALOG = load_catalog()
ROW = {
    "kind": "training", "system": "LLAMA3.1_405B", "hardware": "DGX-H100",
    "config": "gpus=1024;prec=FP8;gbs=1536;mbs=1;seq=8192;tp=8;pp=8;cp=2;vp=8;sw=NeMo-26.02",
}  # fmt: skip


def p50(metric: str, unit: str) -> float:
    return answer_training({**ROW, "metric": metric, "unit": unit}, CATALOG).p50


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        (("throughput", "tokens/s"), ("throughput_per_gpu", "tokens/s/GPU"), 1024),
        (("throughput", "tokens/s/GPU"), ("throughput_per_gpu", "tokens/s/GPU"), 1),
        (("throughput", "tokens/s (as logged; check: divide by GPUs)"), ("throughput", "tokens/s"), 1),
        (("throughput", "tokens/s"), ("throughput", "samples/s"), 8192),
        (("step_time", "ms"), ("step_time", "s"), 1000),
        (("model_flops_per_gpu", "TFLOP/s/GPU"), ("model_flops_per_gpu", "PFLOP/s/GPU"), 1000),
        (("MFU", "%"), ("MFU", "frac"), 100),
    ],
)
def test_units_scale_the_answer(one: tuple[str, str], other: tuple[str, str], ratio: float) -> None:
    assert p50(*one) == pytest.approx(p50(*other) * ratio, rel=1e-9)
