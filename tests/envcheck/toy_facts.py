"""Facts that misbehave in every way a fact can, for the tests of the engine."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather(Fact):
    """A fact that behaves."""

    key: ClassVar[str] = "weather"
    ttl_seconds: ClassVar[float | None] = 600.0

    celsius: float
    rain: bool

    @classmethod
    def observe(cls) -> Self:
        return cls(celsius=21.5, rain=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone(Fact):
    """A fact that others would disturb."""

    key: ClassVar[str] = "alone"
    alone: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowAlone(Fact):
    """Another, that takes longer."""

    key: ClassVar[str] = "slow_alone"
    alone: ClassVar[bool] = True
    timeout_seconds: ClassVar[float] = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting(Fact):
    """A fact that needs parameters."""

    key: ClassVar[str] = "greeting"

    text: str

    @classmethod
    def observe(cls, name: str, times: int = 1) -> Self:
        return cls(text=f"hello {name}" * times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sea(Fact):
    """A fact that only a deeper tier looks at."""

    key: ClassVar[str] = "sea"
    tier: ClassVar[Tier] = Tier.DEEP

    metres: int

    @classmethod
    def observe(cls) -> Self:
        return cls(metres=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(Fact):
    """What the misbehaving facts have in common: they would say 1."""

    number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash(Toy):
    key: ClassVar[str] = "crash"

    @classmethod
    def observe(cls) -> Self:
        print("about to touch the kernel", file=sys.stderr, flush=True)
        ctypes.string_at(0)
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashWhenLeaving(Toy):
    key: ClassVar[str] = "crash_when_leaving"

    @classmethod
    def observe(cls) -> Self:
        atexit.register(os.kill, os.getpid(), signal.SIGSEGV)
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Toy):
    """Hangs with a child of its own that must go too; `marker` receives the child's process id."""

    key: ClassVar[str] = "hang"
    timeout_seconds: ClassVar[float] = 1.0

    @classmethod
    def observe(cls, marker: str) -> Self:
        child = subprocess.Popen(["sleep", "60"])
        Path(marker).write_text(str(child.pid))
        time.sleep(60)
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon(Toy):
    """Answers, and leaves a process behind that has left the group and holds the pipes."""

    key: ClassVar[str] = "daemon"
    timeout_seconds: ClassVar[float] = 1.0

    @classmethod
    def observe(cls) -> Self:
        subprocess.Popen(["sleep", "5"], start_new_session=True)
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Toy):
    """Writes to stdout from Python, from C and from a child."""

    key: ClassVar[str] = "noise"

    @classmethod
    def observe(cls) -> Self:
        print("python says hello")
        libc = ctypes.CDLL(None)
        libc.puts(b"c says hello")
        libc.fflush(None)
        subprocess.run(["echo", "a child says hello"], check=True)
        atexit.register(print, "goodbye")
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves(Toy):
    key: ClassVar[str] = "leaves"

    @classmethod
    def observe(cls) -> Self:
        print(f"cannot find {Path.home()}/models", file=sys.stderr)
        sys.exit(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raises(Toy):
    key: ClassVar[str] = "raises"

    @classmethod
    def observe(cls) -> Self:
        raise ValueError(f"no such thing in {Path.home()}/models\nand more")


@dataclass(frozen=True, slots=True, kw_only=True)
class TooMuch(Fact):
    key: ClassVar[str] = "too_much"

    text: str

    @classmethod
    def observe(cls) -> Self:
        return cls(text="x" * (33 * 2**20))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotANumber(Fact):
    key: ClassVar[str] = "not_a_number"

    value: float

    @classmethod
    def observe(cls) -> Self:
        return cls(value=float("nan"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Impostor(Toy):
    """Returns another fact than itself."""

    key: ClassVar[str] = "impostor"

    @classmethod
    def observe(cls) -> Self:
        return Weather.observe()  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongShape(Toy):
    """Puts a word where it promised a number."""

    key: ClassVar[str] = "wrong_shape"

    @classmethod
    def observe(cls) -> Self:
        return cls(number="one")  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class OddName(Fact):
    """A file name that is not UTF-8."""

    key: ClassVar[str] = "odd_name"

    name: str

    @classmethod
    def observe(cls) -> Self:
        return cls(name=os.fsdecode(b"caf\xe9"))


NOT_A_FACT = 7
