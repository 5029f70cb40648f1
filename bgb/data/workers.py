"""Where the recordings of a build are worked on: processes of this machine, or a Dask cluster of many machines."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from bgb.errors import CacheError, DataError

_PR_SET_PDEATHSIG = 1
_CONNECT_SECONDS = 10

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Who works."""

    processes: int | None = None
    """Of this machine; None: one for each core."""
    scheduler: str | None = None
    """Address of a Dask scheduler, such as `tcp://head:8786`; its workers see corpus and cache under the same paths."""

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> Generator[R, None, None]:
        """What `work` makes of each item, in the order in which they are done.

        `CacheError` where a process is killed, `DataError` where a scheduler cannot be reached, has no workers, or has
        some that run other code.
        """
        if not items:
            return
        if self.scheduler is None:
            yield from self._here(work, items)
        else:
            yield from _on_cluster(work, items, self.scheduler)

    def _here(self, work: Callable[[T], R], items: Sequence[T]) -> Generator[R, None, None]:
        import joblib
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        workers = min(self.processes or joblib.cpu_count(), len(items))
        parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
        try:
            yield from parallel(joblib.delayed(_while_alive)(os.getpid(), work, item) for item in items)
        except TerminatedWorkerError as error:
            raise CacheError(
                "a process of the build was killed, by the system where memory ran out; what is built is kept, go on "
                f"with `bgb build-cache --workers {max(workers // 2, 1)}`"
            ) from error


def _while_alive(builder: int, work: Callable[[T], R], item: T) -> R:
    """End this process when the builder is killed: it would go on writing without the lock, beside the next build."""
    if os.getpid() != builder:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != builder:
            os._exit(1)
    return work(item)


def _on_cluster(work: Callable[[T], R], items: Sequence[T], scheduler: str) -> Generator[R, None, None]:
    import joblib

    with _connected(scheduler) as client:
        _check_workers(client, scheduler)
        # Scattered or batched, a task that dies with its worker would be told of late; one recording is large enough.
        with joblib.parallel_config(backend="dask", client=client):
            parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(joblib.delayed(work)(item) for item in items)


@contextlib.contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise DataError(
            f"{scheduler}: distributed is not installed here; expected it beside bgb: pip install 'bgb[cluster]'"
        ) from error
    try:
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{scheduler}: no Dask scheduler answers within {_CONNECT_SECONDS} s; expected the address that "
            "`dask scheduler` prints, such as tcp://head:8786"
        ) from error
    with client:
        yield client


def _check_workers(client: Any, scheduler: str) -> None:
    """A cluster that was started last month would build with last month's code, and the cache would look right."""
    try:
        found: dict[str, dict[str, str]] = client.run(identity)
    except Exception as error:  # whatever importing this module on a worker raises
        raise DataError(
            f"{scheduler}: a worker cannot run this code: {type(error).__name__}: {error}; expected bgb of this "
            "version installed on every worker"
        ) from error
    if not found:
        raise DataError(f"{scheduler}: the cluster has no worker; start some: dask worker {scheduler}")
    here = identity()
    for worker, there in found.items():
        for subject, value in here.items():
            if there.get(subject) != value:
                raise DataError(
                    f"worker {worker}: {subject} is {there.get(subject)}, expected {value} as here; install the same "
                    "lock there and restart the workers"
                )


def identity() -> dict[str, str]:
    """What decides the bytes that a process writes into a cache: versions and the code of this package."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.name.encode() + b"\0" + path.read_bytes())
    return {
        "Python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "the code of bgb.data": code.hexdigest()[:12],
    }
