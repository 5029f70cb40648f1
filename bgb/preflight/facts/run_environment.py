"""The environment variables that can change a run, with digests of their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from bgb.environment import relevant, salted_digest
from bgb.variables import shown_value
from envcheck.core import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariable:
    """One variable that is set. `digest` is HMAC-SHA-256 of its value; of a secret, of nothing."""

    name: str
    shown: str
    """The value where it is short, plain and no secret."""
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnvironment(Fact):
    """What a run started from here would carry."""

    key: ClassVar[str] = "run_environment"

    salt: str
    variables: tuple[SetVariable, ...]

    @classmethod
    def observe(cls, salt: str) -> Self:
        """Look at this process's own environment, which a child has from its parent."""
        found = relevant()
        return cls(
            salt=salt,
            variables=tuple(
                SetVariable(name=name, shown=shown_value(name, value), digest=salted_digest(salt, value))
                for name, value in found.items()
            ),
        )
