"""The first operator that differs, of those that two captures have."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from harness.compare.checks.finding import Verdict
from harness.programs.judging.verdict import Cause
from harness.programs.showing.operators import compare

CAUSE = Cause("forward", "value", Verdict.DRIFT, "", 2, "c:output", deviation=0.5)
A, B = np.arange(1.0, 7.0), np.arange(2.0, 8.0)


def capture(folder: Path, name: str, calls: Mapping[str, np.ndarray]) -> Path:
    """Write a capture with these outputs of operators, in this order."""
    arrays = {f"2|operator|{call}|0": array
              for call, array in calls.items()}
    with zipfile.ZipFile(folder / name, "w") as archive:
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w") as stream:
                np.lib.format.write_array(stream, array)
    return folder / name


@pytest.mark.parametrize(("observed", "baseline", "words"), [
    ({"a:aten.addmm.default": A, "c:aten.mul.Tensor": B},
     {"a:aten.addmm.default": A, "c:aten.mul.Tensor": A},
     "first operator that differs: `aten.mul.Tensor` in `c` (26 % off; 1 operator before it "
     "alike)"),
    ({"c:aten.bernoulli_.float": B}, {"c:aten.bernoulli_.float": A},
     "first operator that differs: `aten.bernoulli_.float` in `c`, which draws random numbers: "
     "another random stream (26 % off)"),
    ({"a:aten.addmm.default": A, "c:aten.gelu.default": B, "d:aten.addmm.default": B},
     {"a:aten.addmm.default": A, "c:aten.relu.default": A, "d:aten.addmm.default": A},
     "first operators that differ: `aten.gelu.default` in `c` rather than `aten.relu.default` "
     "in `c`"),
    ({"a:aten.addmm.default": A, "backward:aten.mul.Tensor": A * np.nan},
     {"a:aten.addmm.default": A, "backward:aten.mul.Tensor": A},
     "first operator that differs: `aten.mul.Tensor` in the backward pass (not finite on one "
     "side; 1 operator before it alike)"),
    ({"a:aten.addmm.default": A, "c:aten.silu.default": B, "d:aten.mul.Tensor": A,
      "d:aten.add.Tensor": B},
     {"a:aten.addmm.default": A, "c:aten.sigmoid.default": B, "d:aten.mul.Tensor": A,
      "d:aten.add.Tensor": A},
     "first operator that differs: `aten.add.Tensor` in `d` (26 % off; 2 operators before it "
     "alike)"),
    ({"a:aten.view.default": B, "c:aten.mul.Tensor": A * 1.001},
     {"a:aten._reshape_alias.default": A, "c:aten.mul.Tensor": A}, ""),
    ({"c:aten.mul.Tensor": B}, {}, ""),
])
def test_the_first_operator_is_named(observed: Mapping[str, np.ndarray],
                                     baseline: Mapping[str, np.ndarray], words: str,
                                     tmp_path: Path) -> None:
    """Views and roundings do not count, and other operators with the same results neither."""
    paths = capture(tmp_path, "o.npz", observed), capture(tmp_path, "b.npz", baseline)
    assert compare(*paths, CAUSE) == words.replace(".default`", "`")


def test_what_no_operator_leads_to_names_none(tmp_path: Path) -> None:
    """Initial weights are drawn before any operator is seen."""
    paths = (capture(tmp_path, "o.npz", {"c:aten.mul.Tensor": B}),
             capture(tmp_path, "b.npz", {"c:aten.mul.Tensor": A}))
    cause = Cause("initialisation", "value", Verdict.DRIFT, "", None, "a.weight", deviation=0.5)
    assert compare(*paths, cause) == ""
