"""Where the pieces of a large problem are worked on: here, in processes of this machine, or on a Dask cluster.

A farm keeps one worker object per piece alive, so that each keeps its solver warm from question to question.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, Protocol

from kiban.solve.errors import SolveError, SolverError

ANSWER_LIMIT_S = 10
"""Seconds given to a scheduler to answer its first call."""


class Worker(Protocol):
    """Answers questions about its piece; must survive pickling of what it is made from, not of itself."""

    def ask(self, question: Any) -> Any:
        """Answer one question."""


Make = Callable[[Any], Worker]


class Farm(Protocol):
    """Holds workers and asks them all at once."""

    def place(self, make: Make, pieces: Sequence[Any]) -> None:
        """Make one worker per piece where it will stay."""

    def ask(self, questions: Sequence[Any]) -> list[Any]:
        """Put one question to each worker; the answers come in the order of the pieces. Their errors are raised."""

    def close(self) -> None:
        """Let the workers go."""


class SerialFarm:
    """All workers in this process, asked one after the other."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []

    def place(self, make: Make, pieces: Sequence[Any]) -> None:
        """Make one worker per piece."""
        self._workers = [make(piece) for piece in pieces]

    def ask(self, questions: Sequence[Any]) -> list[Any]:
        """Ask the workers in order."""
        return [worker.ask(question) for worker, question in zip(self._workers, questions, strict=True)]

    def close(self) -> None:
        """Let the workers go."""
        self._workers = []


class ProcessFarm:
    """Workers in persistent processes of this machine, pieces dealt out in turn.

    Processes are spawned, so a script that uses this needs the usual ``if __name__ == "__main__"``.
    """

    def __init__(self, processes: int) -> None:
        """Args: processes, how many to start, at least 1."""
        if processes < 1:
            raise SolverError(f"a farm needs at least one process, not {processes}")
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def place(self, make: Make, pieces: Sequence[Any]) -> None:
        """Deal the pieces out and make their workers there."""
        self._exchange([(make, piece) for piece in pieces])

    def ask(self, questions: Sequence[Any]) -> list[Any]:
        """Ask all processes at once; each answers for its pieces in order."""
        return self._exchange([(None, question) for question in questions])

    def close(self) -> None:
        """End the processes."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.close()
            process.join(timeout=10)
        self._pipes, self._processes = [], []

    def _exchange(self, messages: list[Any]) -> list[Any]:
        count = len(self._pipes)
        answers: list[Any] = [None] * len(messages)
        try:
            for number, pipe in enumerate(self._pipes):
                pipe.send(messages[number::count])
            for number, pipe in enumerate(self._pipes):
                answers[number::count] = pipe.recv()
        except (EOFError, BrokenPipeError) as error:
            raise SolverError("a worker process ended before it answered") from error
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers


def _serve(pipe: Connection) -> None:
    """Life of a process: workers by position, made once and asked until the pipe closes."""
    workers: list[Worker] = []
    while True:
        try:
            messages = pipe.recv()
        except EOFError:
            return
        placing = bool(messages) and messages[0][0] is not None
        if placing:
            workers = []
        answers: list[Any] = []
        for position, (make, content) in enumerate(messages):
            try:
                if make is not None:
                    workers.append(make(content))
                    answers.append(None)
                else:
                    answers.append(workers[position].ask(content))
            except SolveError as error:
                answers.append(error)
            except Exception as error:
                answers.append(SolverError(f"a worker failed: {type(error).__name__}: {error}"))
        pipe.send(answers)


class DaskFarm:
    """Workers as actors on a Dask cluster, pieces dealt out in turn over its machines."""

    def __init__(self, cluster: Any) -> None:
        """Args: cluster, address of a scheduler ("tcp://host:8786") or a ``distributed.Client``, which stays open.

        Raises SolverError if Dask's ``distributed`` is not installed, nothing answers at the address, or the cluster
        has no workers.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise SolverError("a Dask farm needs the extra 'cluster': pip install 'kiban[cluster]'") from error
        self._owned = not isinstance(cluster, Client)
        try:
            self._client = Client(cluster, timeout=ANSWER_LIMIT_S) if self._owned else cluster
        except (OSError, ValueError) as error:
            raise SolverError(f"no Dask scheduler answers at {cluster}") from error
        self._actors: list[Any] = []
        if not self._client.scheduler_info(n_workers=-1)["workers"]:
            raise SolverError("the Dask cluster has no workers")

    def place(self, make: Make, pieces: Sequence[Any]) -> None:
        """Deal the pieces out over the cluster's workers and make an actor for each."""
        places = sorted(self._client.scheduler_info(n_workers=-1)["workers"])
        made = [
            self._client.submit(make, piece, actor=True, workers=[places[k % len(places)]], pure=False)
            for k, piece in enumerate(pieces)
        ]
        self._actors = [future.result() for future in made]

    def ask(self, questions: Sequence[Any]) -> list[Any]:
        """Ask all actors at once."""
        asked = [actor.ask(question) for actor, question in zip(self._actors, questions, strict=True)]
        return [answer.result() for answer in asked]

    def close(self) -> None:
        """Let the actors go; a client that was handed in stays open."""
        self._actors = []
        if self._owned:
            self._client.close()
