"""The environment as a value: its name read, and written again."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.records.environment import Environment, parse, require
from harness.records.paths import is_name

NAMES = {
    "reference": Environment("reference"),
    "torch-2.13.0": Environment("torch", "2.13.0"),
    "torch-2.13.0-cuda": Environment("torch", "2.13.0", device="cuda"),
    "keras-3.15.1-jax": Environment("keras", "3.15.1", "jax"),
    "keras-3.15.1-torch-cuda": Environment("keras", "3.15.1", "torch", "cuda"),
    "keras-nightly": Environment("keras", "nightly"),
    "axon-0.6.1.dev1+57c75e52": Environment("axon", "0.6.1.dev1+57c75e52"),
    "torch-2.13.0-jax": Environment("torch", "2.13.0-jax"),
    "torch-cuda": Environment("torch", "cuda"),
    "mxnet-1.9": Environment("mxnet", "1.9"),
    "torch-": Environment("torch"),
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_a_name_is_read_and_written_in_one_place(name: str, expected: Environment) -> None:
    """What is no backend of the framework and no device is a part of the version."""
    assert parse(name) == expected
    assert name.startswith(str(expected))
    assert is_name("environment", str(expected))


@pytest.mark.parametrize(("name", "family"), [
    ("torch-2.13.0", "torch"), ("keras-3.15.1-jax", "keras-jax"),
    ("torch-2.13.0-cuda", "torch-cuda"), ("reference", "reference")])
def test_versions_of_one_family_follow_each_other(name: str, family: str) -> None:
    """A version over another backend, or on another device, is of a family of its own."""
    assert parse(name).family == family


@pytest.mark.parametrize("name", ["mxnet-1.0", "torch", "reference-1.0", "torch-", "",
                                  "keras-3.15.1-jax", "torch-2.13.0-cuda"])
def test_what_cannot_be_measured_is_refused(name: str) -> None:
    """No framework of ours, a version that is lacking or too many, another backend or device."""
    with pytest.raises(UsageError) as error:
        require(name)
    assert error.value.next_command or error.value.numbers


@pytest.mark.parametrize(("name", "adapter", "distributions"), [
    ("keras-3.15.1", "tensorflow", ("keras",)), ("keras-nightly", "tensorflow", ("keras-nightly",)),
    ("reference", "reference", ()), ("torch-2.13.0", "torch", ("torch",))])
def test_what_measures_an_environment(name: str, adapter: str,
                                      distributions: tuple[str, ...]) -> None:
    """The adapter is that of the framework; a build's version is that of its distribution."""
    assert (require(name).adapter, require(name).distributions) == (adapter, distributions)
