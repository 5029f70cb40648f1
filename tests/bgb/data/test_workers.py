"""Building on a real Dask cluster: a scheduler and worker processes, reached over TCP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgb.data import workers
from bgb.data.builder import BuildProgress, build_cache
from bgb.errors import DataError
from tests.bgb.data.small_corpus import build, contents, request, small_corpus

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.whole


def start(log: Path, *arguments: str, path: Path = ROOT) -> subprocess.Popen[bytes]:
    """`dask ARGUMENTS` with a tree of bgb to import."""
    command = [sys.executable, "-m", "dask", *arguments]
    environment = os.environ | {"PYTHONPATH": str(path)}
    with log.open("wb") as said:
        return subprocess.Popen(command, cwd=path, env=environment, stdout=said, stderr=said)


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """The address of a scheduler without workers."""
    written = tmp_path / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(written))
    process = start(tmp_path / "scheduler.log", "scheduler", *options)
    deadline = time.monotonic() + 60
    while not written.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield json.loads(written.read_text())["address"]
    end([process])


def start_workers(scheduler: str, tmp_path: Path, count: int, path: Path = ROOT) -> list[subprocess.Popen[bytes]]:
    from distributed import Client

    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path / "dask"))
    processes = [
        start(tmp_path / f"worker{number}.log", "worker", scheduler, *options, path=path) for number in range(count)
    ]
    with Client(scheduler, timeout=30, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)
    return processes


def test_a_cluster_builds_the_same_cache_though_one_of_its_workers_is_killed(scheduler: str, tmp_path: Path) -> None:
    files = small_corpus(tmp_path / "corpus", train=40, dev=4)
    build(files, tmp_path / "here")
    processes = start_workers(scheduler, tmp_path, 3)
    seen: list[BuildProgress] = []

    def kill_one(progress: BuildProgress) -> None:
        seen.append(progress)
        if progress.built == 5:
            processes[0].send_signal(signal.SIGKILL)

    try:
        summary = build_cache(files, tmp_path / "there", request(cluster=scheduler), kill_one)
    finally:
        end(processes)
    assert summary.built == len(files)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert [progress.done for progress in seen] == list(range(len(files) + 1))


def test_a_recording_that_is_refused_on_a_worker_is_listed_like_any_other(scheduler: str, tmp_path: Path) -> None:
    files = small_corpus(tmp_path / "corpus")
    files[1].edf.write_bytes(files[1].edf.read_bytes()[:100])
    processes = start_workers(scheduler, tmp_path, 1)
    try:
        summary = build(files, tmp_path / "cache", cluster=scheduler, keep_going=True)
    finally:
        end(processes)
    assert [refusal.key for refusal in summary.refused] == [files[1].key]


def test_workers_with_other_code_build_nothing(scheduler: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for package in ("bgb", "envcheck"):
        shutil.copytree(ROOT / package, other / package)
    with (other / "bgb" / "data" / "signal.py").open("a") as code:
        code.write("# last month\n")
    files = small_corpus(tmp_path / "corpus")
    processes = start_workers(scheduler, tmp_path, 1, path=other)
    try:
        with pytest.raises(DataError, match=r"worker tcp.*the code of bgb\.data is \w+, expected \w+ as here"):
            build(files, tmp_path / "cache", cluster=scheduler)
    finally:
        end(processes)
    assert not list((tmp_path / "cache").rglob("*.npz"))


def test_a_cluster_without_workers_says_how_to_start_one(scheduler: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the cluster has no worker; start some: dask worker tcp"):
        build(small_corpus(tmp_path / "corpus"), tmp_path / "cache", cluster=scheduler)


def test_an_address_where_nobody_answers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_CONNECT_SECONDS", 1)
    with pytest.raises(DataError, match="no Dask scheduler answers within 1 s"):
        build(small_corpus(tmp_path / "corpus"), tmp_path / "cache", cluster="tcp://127.0.0.1:9")
