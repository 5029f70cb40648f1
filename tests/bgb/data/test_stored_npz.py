from __future__ import annotations

import io

import numpy as np

from bgb.data.stored_npz import directory_bytes, directory_of, npy_header, read_directory, write_member

NAMES = ("a.npy", "other.npy")


def written(*arrays: np.ndarray) -> tuple[bytes, bytes]:  # type: ignore[type-arg]
    """An archive, and its directory."""
    file = io.BytesIO()
    members = [
        write_member(file, name, [npy_header(array.dtype.str, array.shape), array.tobytes()])
        for name, array in zip(NAMES, arrays, strict=True)
    ]
    directory = directory_of(members)
    file.write(directory)
    return file.getvalue(), directory


ARRAYS = (np.arange(12, dtype="<i2").reshape(2, 3, 2), np.zeros((0, 2), "<f8"))


def test_numpy_reads_what_is_written() -> None:
    with np.load(io.BytesIO(written(*ARRAYS)[0])) as loaded:
        np.testing.assert_array_equal(loaded["a"], ARRAYS[0])
        assert loaded["other"].shape == (0, 2)


def test_a_directory_reads_back_and_is_as_long_as_its_names_say() -> None:
    _, directory = written(*ARRAYS)
    assert len(directory) == directory_bytes(NAMES)
    members = read_directory(directory, NAMES)
    assert members is not None
    assert [member.size for member in members] == [128 + 24, 128]
    assert directory_of(members) == directory


def test_a_directory_of_other_names_order_or_bytes_is_none_of_ours() -> None:
    _, directory = written(*ARRAYS)
    assert read_directory(directory, NAMES[::-1]) is None
    assert read_directory(directory[1:], NAMES) is None
    assert read_directory(bytes(len(directory)), NAMES) is None
    assert read_directory(b"\xff" * len(directory), NAMES) is None
