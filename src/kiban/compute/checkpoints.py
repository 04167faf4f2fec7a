"""What a checkpoint costs: bytes of training state over the bandwidth that moves them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckpointCost:
    """Seconds of one checkpoint: training stands still for ``save_s``; after ``durable_lag_s`` more it can be read."""

    save_s: float
    durable_lag_s: float
    load_s: float
    """Reading the state back at a restart."""


def state_bytes(parameters: float, bytes_per_parameter: float) -> float:
    """Bytes of weights and optimizer state of one model; both arguments from the catalogue or the model."""
    return parameters * bytes_per_parameter


def synchronous(state: float, storage_bytes_per_s: float) -> CheckpointCost:
    """Training waits until shared storage holds the state.

    Arguments: state in bytes, write (and read) bandwidth of the shared storage in bytes/s, both of the whole job.
    """
    seconds = state / _positive(storage_bytes_per_s, "storage_bytes_per_s")
    return CheckpointCost(save_s=seconds, durable_lag_s=0.0, load_s=seconds)


def asynchronous(
    state: float, storage_bytes_per_s: float, accelerators: float, host_bytes_per_s: float
) -> CheckpointCost:
    """Training waits for the copy to host memory only; the write to storage runs beside it.

    Arguments: state in bytes of the whole job; storage bandwidth of the whole job; number of accelerators that each
    copy their shard at host_bytes_per_s. A checkpoint that is still on its way at a failure is lost, hence the lag.
    """
    copy = state / (accelerators * _positive(host_bytes_per_s, "host_bytes_per_s"))
    write = state / _positive(storage_bytes_per_s, "storage_bytes_per_s")
    return CheckpointCost(save_s=copy, durable_lag_s=write, load_s=write)


def in_memory(state: float, accelerators: float, network_bytes_per_s: float) -> CheckpointCost:
    """A copy of each shard is kept in the memory of another node; storage is not waited for.

    Arguments: state in bytes of the whole job; accelerators; bytes/s that each sends to its partner. Holds while no
    node and its partner fail together (Wang et al., SOSP 2023, "Gemini": in-memory replicas).
    """
    seconds = state / (accelerators * _positive(network_bytes_per_s, "network_bytes_per_s"))
    return CheckpointCost(save_s=seconds, durable_lag_s=0.0, load_s=seconds)


def _positive(value: float, name: str) -> float:
    if not value > 0:
        raise ValueError(f"{name} is {value:g}; it must be above 0")
    return value
