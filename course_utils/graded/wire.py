"""Plain data as bytes, without pickle: what crosses a sandbox's wall.

Arrays travel as safetensors, everything round them as JSON. Reading such
bytes runs no code, whoever wrote them.
"""

import json
import sys

import numpy as np

STRUCTURE = "structure"
MOST_BYTES = 64 * 2**20
MOST_DEPTH = 8


def pack(value):
    """Return nested plain data as bytes.

    Args:
        value: arrays, tensors of PyTorch, numbers, strings, None, and
            lists, tuples and dicts of such.

    Raises:
        TypeError: it holds anything else, such as a function.
        ValueError: it is larger than `MOST_BYTES`.
    """
    from safetensors.numpy import save

    arrays = {}
    structure = json.dumps(_outline(value, arrays, MOST_DEPTH))
    arrays[STRUCTURE] = np.frombuffer(structure.encode(), np.uint8)
    packed = save(arrays)
    if len(packed) > MOST_BYTES:
        raise ValueError(
            f"{len(packed) / 2**20:.0f} MB are too much to hand over; the "
            f"most is {MOST_BYTES / 2**20:.0f} MB."
        )
    return packed


def unpack(packed, tensors=True):
    """Return what `pack` was given, tuples as tuples, tensors as tensors.

    Args:
        packed: bytes.
        tensors: False refuses tensors; reading one imports PyTorch.

    Raises:
        ValueError: these bytes hold something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if len(packed) > MOST_BYTES:
        raise ValueError("more bytes than are allowed")
    try:
        arrays = load(packed)
        outline = json.loads(arrays[STRUCTURE].tobytes())
        return _filled(outline, arrays, MOST_DEPTH, tensors)
    except (
        SafetensorError, AttributeError, KeyError, TypeError, RecursionError
    ) as error:  # fmt: skip
        raise ValueError(f"not packed data: {error}") from error


def _outline(value, arrays, depth):
    """Return the JSON of a value; its arrays go to `arrays`."""
    if depth == 0:
        raise TypeError("nested too deeply")
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return {"tensor": _keep(value.detach().cpu().numpy(), arrays)}
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind == "U":
            return {"texts": value.tolist()}
        return {"array": _keep(np.asarray(value), arrays)}
    if isinstance(value, (list, tuple)):
        items = [_outline(item, arrays, depth - 1) for item in value]
        return {type(value).__name__: items}
    if isinstance(value, dict):
        pairs = value.items()
        return {
            "dict": {str(k): _outline(v, arrays, depth - 1) for k, v in pairs}
        }
    raise TypeError(f"a {type(value).__name__} cannot be handed over")


def _keep(array, arrays):
    """Store an array under a new key; return the key."""
    if array.dtype.kind not in "biuf":
        raise TypeError(f"arrays of {array.dtype} cannot be handed over")
    native = array.dtype.newbyteorder("=")
    key = f"a{len(arrays)}"
    arrays[key] = np.array(array, dtype=native, order="C", copy=True)
    return key


def _filled(outline, arrays, depth, tensors):
    """Return the value that an outline describes."""
    if depth == 0:
        raise ValueError("nested too deeply")
    ((kind, content),) = outline.items()
    if kind == "array":
        return arrays[content]
    if kind == "tensor" and tensors:
        import torch

        return torch.from_numpy(arrays[content].copy())
    if kind == "texts":
        return np.array(content, dtype=str)
    if kind == "value" and not isinstance(content, (list, dict)):
        return content
    if kind in ("list", "tuple"):
        items = [_filled(x, arrays, depth - 1, tensors) for x in content]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict":
        return {
            key: _filled(item, arrays, depth - 1, tensors)
            for key, item in content.items()
        }
    raise KeyError(kind)
