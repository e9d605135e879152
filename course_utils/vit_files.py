"""Files of Vision Transformer weights: written, read, and mistrusted.

Ours are safetensors, which can hold numbers and text but no code. The
published ones are pickles: they are read with ``weights_only``, so that a
file which would run code is refused. Plumbing of week 3.
"""

import json
import pickle
import re

import torch

from course_utils.vit import VisionTransformer
from course_utils.weights import at_rest, fill, read_weights, write_weights

__all__ = [
    "architecture_of",
    "at_rest",
    "from_hugging_face",
    "read_metadata",
    "read_published",
    "read_saved",
    "save_vit",
]
AGAIN = "Delete it, and its .sha256 if there is one, and load again"

_TO_OURS = (  # Hugging Face's names: transformers 4 and the hub, then 5
    (r"^vit\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^(encoder\.layer|layers)\.", "blocks."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.(attention\.query|q_proj)\.", ".attn.qkv.0."),
    (r"\.attention\.(attention\.key|k_proj)\.", ".attn.qkv.1."),
    (r"\.attention\.(attention\.value|v_proj)\.", ".attn.qkv.2."),
    (r"\.attention\.(output\.dense|o_proj)\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
    (r"^layernorm\.", "norm."),
)


def save_vit(path, model, metadata):
    """Write a model as float16 safetensors, in one step.

    Args:
        path: of the file; it is replaced if it exists.
        model: a `VisionTransformer`; its architecture is written too.
        metadata: dict of text to text: where the weights come from. Its
            "origin" is one sentence for the learner.

    Raises:
        ValueError: no "origin", metadata that is not text, or weights that
            are NaN or too large for float16.
    """
    write_weights(path, model, architecture_of(model), metadata)


def read_metadata(path):
    """Return what is written in a weights file besides the weights.

    Args:
        path: of a file that `save_vit` wrote.

    Returns:
        dict of text to text, with "architecture" (JSON) and "origin".

    Raises:
        FileNotFoundError: no such file.
        ValueError: damaged, not safetensors, or not written by this course.
    """
    return read_weights(path)[1]


def architecture_of(model):
    """Return the arguments that make a `VisionTransformer` like `model`."""
    width, in_channels = model.patch_embed.proj.weight.shape[:2]
    return {
        "image_size": [side * model.patch_size for side in model.grid],
        "patch_size": model.patch_size,
        "width": width,
        "depth": len(model.blocks),
        "num_heads": model.blocks[0].attn.num_heads,
        "in_channels": in_channels,
    }


def from_hugging_face(state):
    """Rename the weights of Hugging Face's ViTModel to DINO's names.

    Args:
        state: dict of name to tensor, in the names of the hub's files or
            those of transformers 5, with or without the prefix "vit.".

    Returns:
        dict of DINO's names to tensors: query, key and value are stacked
        into one matrix. The pooler, which DINO does not have, is left out.

    Raises:
        ValueError: one of query, key and value is missing.
    """
    ours, parts = {}, {}
    for name, tensor in state.items():
        for pattern, replacement in _TO_OURS:
            name = re.sub(pattern, replacement, name)
        split = re.fullmatch(r"(.+\.qkv)\.([012])\.(weight|bias)", name)
        if split:
            joined, place, kind = split.groups()
            parts.setdefault(f"{joined}.{kind}", {})[place] = tensor
        elif not name.startswith("pooler."):
            ours[name] = tensor
    for name, found in parts.items():
        if len(found) < 3:
            raise ValueError(f"{name}: query, key or value is missing")
        ours[name] = torch.cat([found[place] for place in "012"])
    return ours


def read_saved(path):
    """Return the model and the metadata that `save_vit` wrote.

    The model is on the CPU, in eval mode, float32, without gradients. For
    errors see `read_metadata`; weights that do not fit the architecture
    that the file states raise ValueError, too.
    """
    state, metadata = read_weights(path)
    architecture = json.loads(metadata["architecture"])
    return _build(architecture, state, path), metadata


def read_published(path):
    """Return DINO's ViT-S/16 from a public file, in either's names.

    Raises:
        ValueError: damaged, of another architecture, or refused because it
            holds more than tensors.
    """
    state = _read_pickle(path)
    if not any(name.startswith("blocks.") for name in state):
        state = from_hugging_face(state)
    return _build({}, state, path)


def _read_pickle(path):
    """Read tensors, and nothing but tensors, that torch.save wrote."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is refused: it is damaged, or holds more than weights "
            f"(and a pickle that does could run code). {AGAIN}"
        ) from error
    except Exception as error:  # bytes at random raise a dozen kinds
        raise ValueError(
            f"{path} is damaged or not a file of weights "
            f"({type(error).__name__}). {AGAIN}"
        ) from error
    named = isinstance(state, dict) and all(isinstance(k, str) for k in state)
    if not named or not all(map(torch.is_tensor, state.values())):
        raise ValueError(f"{path} does not hold a dict of names to tensors")
    return state


def _build(architecture, state, path):
    return fill(lambda: VisionTransformer(**architecture), state, path)
