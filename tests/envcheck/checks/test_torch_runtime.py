from __future__ import annotations

from dataclasses import replace

from envcheck.checks.torch_runtime import check
from envcheck.core import Verdict
from envcheck.facts.torch_runtime import NumpyBridge, TorchRuntime
from tests.envcheck.sightings import PYTHON, RUNTIME, context, packages


def test_a_torch_that_imports_and_exchanges_arrays_passes() -> None:
    assert check(context(RUNTIME)).verdict is Verdict.PASS


def test_a_failing_import_fails_with_its_error() -> None:
    finding = check(context(PYTHON, packages(), TorchRuntime(error="OSError: libcudart.so.12: cannot open")))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "torch cannot be imported: OSError: libcudart.so.12: cannot open"
    assert "--reinstall-package torch " in finding.remedy


def test_another_torch_than_the_expected_one_fails() -> None:
    finding = check(context(PYTHON, packages(), replace(RUNTIME, version="2.8.0+cu128")))
    assert finding.summary == "the torch that loads is 2.8.0+cu128, expected 2.2.2+cu121"


def test_a_float64_that_silently_became_float32_fails() -> None:
    bridge = NumpyBridge(numpy="2.2.6", from_numpy="ok", as_tensor="float32")
    finding = check(context(PYTHON, packages(), replace(RUNTIME, numpy=bridge)))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "torch.as_tensor of float64 gives float32, expected float64"
    assert "--reinstall-package numpy " in finding.remedy


def test_a_bridge_that_was_not_tried_fails() -> None:
    assert check(context(PYTHON, packages(), replace(RUNTIME, numpy=None))).verdict is Verdict.FAIL
