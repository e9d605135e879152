"""Files of weights: safetensors, which can hold numbers and text, no code.

Each file states the architecture of its network and where its numbers come
from. Weights are stored in float16. Used from week 3 on.
"""

import json
import platform
from pathlib import Path

import torch

from course_utils.files import write_at_once

METADATA_KEY = "attention_measured"


def write_weights(path, model, architecture, metadata):
    """Write a model's weights in one step.

    Args:
        path: of the file; it is replaced if it exists.
        model: a module.
        architecture: what makes such a module again; JSON can hold it.
        metadata: dict of text to text: where the weights come from. Its
            "origin" is one sentence for the learner.

    Raises:
        ValueError: no "origin", metadata that is not text, or weights that
            are NaN or too large for float16.
    """
    strings = [*metadata, *metadata.values()]
    if not all(isinstance(s, str) for s in strings):
        raise ValueError("metadata must map text to text")
    if "origin" not in metadata or "architecture" in metadata:
        raise ValueError(
            'metadata needs "origin", one sentence on where the weights come '
            'from; "architecture" is written beside it, and not yours to set'
        )
    from safetensors.torch import save

    state = {
        key: tensor.detach().to("cpu", torch.float16).contiguous()
        for key, tensor in model.state_dict().items()
    }
    for key, tensor in state.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{key} is NaN, infinite or beyond float16")
    written = {**metadata, "architecture": json.dumps(architecture)}
    # One key: safetensors would write several in an order left to chance.
    together = {METADATA_KEY: json.dumps(written, sort_keys=True)}
    write_at_once(path, save(state, together))


def read_weights(path):
    """Return the tensors, by name, and the metadata of a file of weights.

    Args:
        path: of a file that `write_weights` wrote.

    Returns:
        `(state, metadata)`: float16 tensors, and a dict of text to text
        with "architecture" (JSON) and "origin".

    Raises:
        FileNotFoundError: no such file.
        ValueError: truncated, damaged, not safetensors, or not ours.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file of weights at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            written = (file.metadata() or {}).get(METADATA_KEY)
            keys = file.keys()
            state = {key: file.get_tensor(key) for key in keys}
    except SafetensorError as error:
        raise ValueError(
            f"{path} is truncated, damaged or not a safetensors file ({error})"
        ) from error
    if written is None:
        raise ValueError(
            f"{path} says nothing of its architecture (no metadata "
            f"{METADATA_KEY!r}): it was not written by this course"
        )
    return state, _understood(written, path)


def _understood(written, path):
    try:
        metadata = json.loads(written)
        told = {name: metadata[name] for name in ("architecture", "origin")}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged: what it says of its architecture and origin "
            f"cannot be read ({error!r})"
        ) from error
    if not all(isinstance(text, str) for text in told.values()):
        raise ValueError(f"{path} is damaged: {told} should be texts")
    return metadata


def load(make, path, what):
    """Return a module that is made and filled as a file says, and metadata.

    Args:
        make: called with the file's architecture (a dict) as keywords.
        path: of a file that `write_weights` wrote.
        what: what the module should be, for the error.

    Returns:
        `(module, metadata)`; the module is at rest, see `fill`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: damaged, or of another architecture.
    """
    state, metadata = read_weights(path)
    settings = metadata["architecture"]
    try:
        settings = json.loads(settings)
        with torch.device("meta"):  # no numbers drawn, and no memory used
            make(**settings)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not of {what}: its architecture is {settings}"
        ) from error
    return fill(lambda: make(**settings), state, path), metadata


def made_here(accelerator):
    """Return what a file of weights should say of the machine, as texts."""
    on_cpu = accelerator.device.type == "cpu"
    return {
        "precision": str(accelerator.mixed_precision),
        "hardware": f"CPU, {torch.get_num_threads()} thread(s)"
        if on_cpu
        else torch.cuda.get_device_name(),
        "software": f"PyTorch {torch.__version__}, "
        f"Python {platform.python_version()}",
        "licence": "MIT",
    }


def fill(make, state, path):
    """Return a module with these weights, or name the first that misfits.

    Args:
        make: called without arguments, makes the module.
        state: dict of name to tensor.
        path: what errors call the weights.

    Returns:
        The module at rest: float32, on the CPU, eval mode, no gradients.

    Raises:
        ValueError: a tensor is missing, unknown, or of another shape.
    """
    with torch.device("meta"):  # shapes alone: nothing to initialise
        model = make()
    expected = {key: tuple(t.shape) for key, t in model.state_dict().items()}
    found = {key: tuple(tensor.shape) for key, tensor in state.items()}
    for key in [*expected, *found]:
        if expected.get(key) != found.get(key):
            raise ValueError(
                f"{path} holds weights of another architecture: {key} has "
                f"shape {found.get(key, 'none (missing)')}, expected "
                f"{expected.get(key, 'no such tensor')}"
            )
    state = {key: tensor.float() for key, tensor in state.items()}
    model.load_state_dict(state, assign=True)
    return at_rest(model)


def at_rest(model):
    """Return the model ready to be looked at: eval mode, no gradients."""
    return model.eval().requires_grad_(False)
