"""What crosses the sandbox's wall: plain data, without pickle."""

import json
import struct

import numpy as np
import pytest
import torch

from course_utils.graded import wire

VALUES = {
    "number": 3,
    "nan": float("inf"),
    "nothing": None,
    "flag": True,
    "text": "häuser <b>",
    "array": np.arange(6.0).reshape(2, 3).T,
    "scalar array": np.float32(2.5),
    "empty": np.zeros((0, 4)),
    "boolean": np.array([True, False]),
    "foreign order": np.arange(3, dtype=">f8"),
    "texts": np.array(["a", "bc"]),
    "nested": {"a": (1, [np.ones(2), None]), "b": {"c": "d"}},
}


def same(left, right):
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(
            same(left[key], right[key]) for key in left
        )
    if isinstance(left, (list, tuple)):
        return type(left) is type(right) and all(map(same, left, right))
    if isinstance(left, (np.ndarray, np.generic)):
        return left.shape == right.shape and np.array_equal(left, right)
    return type(left) is type(right) and left == right


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_goes_in_comes_out(value):
    assert same(value, wire.unpack(wire.pack(value)))


def test_tensors_stay_tensors():
    back = wire.unpack(wire.pack([torch.arange(3), np.arange(3)]))
    assert torch.equal(back[0], torch.arange(3))
    assert isinstance(back[1], np.ndarray)


@pytest.mark.parametrize(
    "value",
    [lambda: 1, object(), np.array([object()]), 1j, np.zeros(2, "c16")],
    ids=["function", "object", "objects", "complex", "complex array"],
)
def test_anything_else_is_refused(value):
    with pytest.raises(TypeError):
        wire.pack(value)


def test_too_much_is_refused_before_it_is_sent():
    with pytest.raises(ValueError, match="too much"):
        wire.pack(np.zeros(wire.MOST_BYTES, np.uint8))


def test_a_list_inside_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(TypeError, match="deeply"):
        wire.pack(loop)


@pytest.mark.parametrize("name", ["tensor", "\\u0074ensor"])
def test_tensors_can_be_refused_however_they_are_spelt(name):
    from safetensors.numpy import save

    text = b'{"%s": "a0"}' % name.encode()
    packed = save({"structure": np.frombuffer(text, np.uint8),
                   "a0": np.ones(2)})  # fmt: skip
    assert torch.is_tensor(wire.unpack(packed))
    with pytest.raises(ValueError):
        wire.unpack(packed, tensors=False)
    named = wire.pack({"tensor": 1.0})
    assert wire.unpack(named, tensors=False) == {"tensor": 1.0}


def with_outline(outline):
    """Return packed bytes with an outline of an attacker's choice."""
    from safetensors.numpy import save

    text = json.dumps(outline).encode()
    return save({"structure": np.frombuffer(text, np.uint8)})


def header_that_claims(shape, size):
    head = {"a": {"dtype": "F64", "shape": shape, "data_offsets": [0, size]}}
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8)


HOSTILE = {
    "nothing": b"",
    "pickle": b"cos\nsystem\n(S'true'\ntR.",
    "zeros": bytes(100),
    "no structure": header_that_claims([1], 8),
    "huge shape": header_that_claims([2**60], 8),
    "huge header": struct.pack("<Q", 2**62) + b"{}",
    "not a dict": with_outline([1, 2]),
    "two kinds": with_outline({"value": 1, "list": []}),
    "unknown kind": with_outline({"pickle": "x"}),
    "missing array": with_outline({"array": "a9"}),
    "wrong type": with_outline({"array": ["a"]}),
    "list as value": with_outline({"value": [1]}),
    "dict as list": with_outline({"dict": [1]}),
}


@pytest.mark.parametrize("packed", HOSTILE.values(), ids=HOSTILE)
def test_bytes_from_inside_are_read_or_refused(packed):
    with pytest.raises(ValueError):
        wire.unpack(packed)


def test_deep_nesting_from_inside_is_refused():
    outline = {"value": 1}
    for _ in range(50):
        outline = {"list": [outline]}
    with pytest.raises(ValueError):
        wire.unpack(with_outline(outline))
    deep = b'{"list":[' * 10**5
    from safetensors.numpy import save

    packed = save({"structure": np.frombuffer(deep, np.uint8)})
    with pytest.raises(ValueError):
        wire.unpack(packed)
