"""`bgb kernels build`: judge what a build needs, compile from the pinned commits, keep the wheels, install them."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bgb.environment import present
from bgb.errors import ConfigError, GateClosed, KernelBuildFailed
from bgb.kernels.sources import KernelLock, Source, fetch
from bgb.kernels.wheelhouse import Kept, find, folder_name, keep, wheels_in
from envcheck.checks import CHECKS
from envcheck.collect import collect
from envcheck.core import Context, Expectations, Facts, Request, Tier, Verdict, encode
from envcheck.diagnosis import diagnose
from envcheck.expectations import ExpectedKernels, ExpectedTorch
from envcheck.facts.build_tools import BuildTools
from envcheck.facts.cuda_toolkit import CudaToolkit
from envcheck.facts.kernel_packages import KernelBuild
from envcheck.facts.machine import Machine
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.torch_build import TorchBuild
from envcheck.judge import Selection, judge
from envcheck.suites import KERNEL_BUILD

Say = Callable[[str], None]
THREADS = 1
"""Of nvcc in each job: jobs alone fill the cores, and memory is what runs out."""
JOB_BYTES = 4 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build, and where to keep it."""

    lock: KernelLock
    wheelhouse: Path
    architectures: tuple[str, ...]
    """Compute capabilities, as `8.0`."""
    jobs: int | None = None
    """Compilations at a time; None: as many as memory and cores allow."""
    install: bool = False
    toolkit: str = "12.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The wheels, new or kept from before."""

    wheels: tuple[Kept, ...]
    new: tuple[str, ...]
    installed: bool

    def render(self, *, as_json: bool) -> str:
        """For people, or as JSON."""
        rows = [
            {"path": str(kept.path), "name": kept.name, "new": kept.name in self.new, "build": encode(kept.build)}
            for kept in self.wheels
        ]
        if as_json:
            return json.dumps({"schema_version": 1, "wheels": rows, "installed": self.installed}, indent=1) + "\n"
        lines = [f"{'built' if kept.name in self.new else 'kept '}  {kept.path}" for kept in self.wheels]
        return (
            "\n".join([*lines, "installed" if self.installed else "install with: bgb kernels build --install"]) + "\n"
        )


def build_kernels(order: Order, say: Say) -> Built:
    """Compile what the wheelhouse does not hold yet; `GateClosed` where the build would fail, before it starts."""
    for architecture in order.architectures:
        if re.fullmatch(r"\d+\.\d", architecture) is None:
            raise ConfigError(f"--arch is {architecture!r}, expected a compute capability such as 8.0")
    try:
        return _build_all(order, say)
    except OSError as error:
        raise KernelBuildFailed(
            f"{error.filename2 or error.filename or order.wheelhouse}: cannot be written: {error.strerror}; "
            "name another folder with --wheelhouse, or make room"
        ) from error


def _build_all(order: Order, say: Say) -> Built:
    facts = look(order, say)
    draft = _draft(order, facts)
    folder = order.wheelhouse / folder_name(draft, platform.machine())
    workshop = _Workshop(facts=facts, folder=folder, say=say)
    wheels, new = [], []
    with _alone(order.wheelhouse):
        for name, source in order.lock.sources.items():
            kept = find(folder, name, source.commit)
            if kept is None:
                refuse_if_it_would_fail(order, facts)
                build = replace(draft, repository=source.repository, commit=source.commit)
                kept = workshop.make(name, source, build)
                new.append(name)
            wheels.append(kept)
        if order.install:
            _install(order.lock, folder)
    return Built(wheels=tuple(wheels), new=tuple(new), installed=order.install)


def list_wheels(wheelhouse: Path, *, as_json: bool) -> str:
    """Every wheel that was compiled here, with what it was made from."""
    wheels = list(wheels_in(wheelhouse))
    if as_json:
        rows = [{"path": str(kept.path), "name": kept.name, "build": encode(kept.build)} for kept in wheels]
        return json.dumps({"schema_version": 1, "wheels": rows}, indent=1) + "\n"
    if not wheels:
        return f"no wheels in {wheelhouse}; make them with: bgb kernels build\n"
    return "".join(
        f"{kept.name} {kept.version} from {kept.build.commit[:12]} for torch {kept.build.torch}, "
        f"{kept.build.python}, {', '.join(kept.build.architectures)}, nvcc {kept.build.toolkit}\n  {kept.path}\n"
        for kept in wheels
    )


def look(order: Order, say: Say) -> Facts:
    """What is here to build with; the number of jobs is settled first, as it is judged too."""
    machine = collect([Request(fact=Machine)])
    requests = [request for request in KERNEL_BUILD.requests if request.fact not in (Machine, BuildTools)]
    parameters = {"max_jobs": _jobs(order, machine[Machine]), "nvcc_threads": THREADS}
    tools = Request(fact=BuildTools, parameters=parameters)
    return Facts({**machine, **collect([*requests, tools], progress=say)})


def refuse_if_it_would_fail(order: Order, facts: Facts) -> None:
    """Judge the suite `kernel-build`; everything in it is required."""
    commits = {name: source.commit for name, source in order.lock.sources.items()}
    torch = facts[TorchBuild]
    expect = Expectations.of(
        ExpectedKernels(commits=commits, toolkit=order.toolkit),
        ExpectedTorch(version=torch.version or "", cuda=torch.cuda or ""),
    )
    report = judge(KERNEL_BUILD, CHECKS, Context(facts=facts, expect=expect), Selection(tier=Tier.QUICK))
    wrong = [result for result in report.results if result.finding.verdict is not Verdict.PASS]
    if wrong:
        lines = [f"  {item.check}: {item.finding.summary}\n    fix: {item.finding.remedy}" for item in wrong]
        raise GateClosed("\n".join(["the kernels would not compile here:", *lines]))


def _jobs(order: Order, machine: Machine) -> int:
    if order.jobs is not None:
        return order.jobs
    return max(1, min(math.ceil(machine.usable_cores), machine.available_memory_bytes // JOB_BYTES))


def _draft(order: Order, facts: Facts) -> KernelBuild:
    """What a build here would record, but for its package."""
    torch, python, tools = facts[TorchBuild], facts[PythonBuild], facts[BuildTools]
    return KernelBuild(
        repository="",
        commit="",
        torch=torch.version or "",
        cuda=torch.cuda or "",
        cxx11_abi=bool(torch.cxx11_abi),
        python=f"{python.implementation}-{''.join(python.version.split('.')[:2])}",
        toolkit=facts[CudaToolkit].release or "",
        compiler=f"{tools.nvcc_compiler.name} {tools.nvcc_compiler.version}",
        architectures=tuple(sorted(set(order.architectures))),
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        binaries={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workshop:
    """Where wheels are made, and with what."""

    facts: Facts
    folder: Path
    say: Say

    def make(self, name: str, source: Source, build: KernelBuild) -> Kept:
        """Fetch, compile, record, keep."""
        with tempfile.TemporaryDirectory(prefix="kernels-") as scratch:
            self.say(f"{name} {source.version}: fetching {source.commit[:12]} of {source.repository}")
            checkout, dist = Path(scratch) / "source", Path(scratch) / "dist"
            fetch(source, checkout)
            jobs = self.facts[BuildTools].max_jobs or "1"
            self.say(f"{name}: compiling for {', '.join(build.architectures)} with {jobs} jobs; this takes minutes")
            self.folder.mkdir(parents=True, exist_ok=True)
            log = self.folder / f"{name}.log"
            command = [sys.executable, "-P", "-m", "bgb.kernels.compile", str(dist), ",".join(build.architectures)]
            status = self._run([*command, str(THREADS)], checkout, {**source.variables, "MAX_JOBS": jobs}, log)
            made = sorted(dist.glob("*.whl"))
            if status != 0 or len(made) != 1:
                raise KernelBuildFailed(_why(name, log, status))
            return keep(made[0], build, self.folder, Path(scratch))

    def _run(self, command: Sequence[str], folder: Path, variables: Mapping[str, str], log: Path) -> int:
        """Run with the output in `log`; ninja's counter is the progress."""
        around = present()
        home = Path(self.facts[CudaToolkit].home or "").expanduser()
        path = f"{sysconfig.get_path('scripts')}:{home}/bin:{around.get('PATH', '')}"
        with (
            log.open("w", encoding="utf-8") as kept,
            subprocess.Popen(
                command,
                cwd=folder,
                env={**around, **variables, "CUDA_HOME": str(home), "PATH": path},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            ) as process,
        ):
            try:
                for line in process.stdout or ():
                    kept.write(line)
                    if counted := re.match(r"\[\d+/\d+\]", line):
                        self.say(f"  {counted[0]}")
            except BaseException:
                # ninja and its compilers are a group of their own: an interrupt must not leave them running
                os.killpg(process.pid, signal.SIGTERM)
                raise
        return process.returncode


def _why(name: str, log: Path, status: int) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    cause = diagnose(text)
    if cause is not None:
        return f"{name} did not compile: {cause.cause}; {cause.remedy} (all of its output: {log})"
    lines = [line.strip() for line in text.splitlines()]
    errors = [line for line in lines if re.match(r"nvcc fatal|ninja: error|\S+: (fatal )?error:|\w*Error: ", line)]
    said = errors[0] if errors else f"status {status}"
    return f"{name} did not compile: {said[:300]} (all of its output: {log})"


def _install(lock: KernelLock, folder: Path) -> None:
    """From this folder alone, past every cache: pip and uv know a binary by its version, whatever torch it fits."""
    pins = [f"{name}=={source.version}" for name, source in lock.sources.items()]
    options = ["--no-deps", "--no-index", "--find-links", str(folder), "--no-cache"]
    uv = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--reinstall", *options, *pins]
    else:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--force-reinstall"]
        command = [*pip, *("--no-cache-dir" if word == "--no-cache" else word for word in options), *pins]
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or [f"status {ended.returncode}"]
        raise KernelBuildFailed(f"the wheels in {folder} cannot be installed: {said[-1]}")


@contextlib.contextmanager
def _alone(wheelhouse: Path) -> Iterator[None]:
    """Two builders of one wheelhouse would compile the same for half an hour; the second is told."""
    wheelhouse.mkdir(parents=True, exist_ok=True)
    lock = FileLock(wheelhouse / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise KernelBuildFailed(
            f"another build is at work in {wheelhouse}; wait for it, or name another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()
