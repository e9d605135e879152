"""The networks that week 4 ships: their recipes, and how to load them."""

from pathlib import Path

from course_utils.bundled import REINSTALL, bundled
from course_utils.diffusion import Diffusion, cosine_schedule
from course_utils.unet import UNet
from course_utils.weights import load, write_weights

WIDTHS = (48, 96)
# What each network is, and how data/make/make_sr.py trains it.
RECIPES = {
    "regression": {
        "is": "regression, no attention",
        "mixer": "perceptron", "diffusion": False,
        "steps": 8000, "rate": 2e-3,
    },
    "diffusion": {
        "is": "diffusion, no attention",
        "mixer": "perceptron", "diffusion": True,
        "steps": 8000, "rate": 2e-3,
    },
    "attention": {
        "is": "diffusion, with self-attention at 8x8 places",
        "mixer": "attention", "diffusion": True,
        "steps": 8000, "rate": 2e-3,
    },
}  # fmt: skip


def standard_diffusion():
    """Return the process that the networks were trained for."""
    return Diffusion(cosine_schedule(1000), target="v")


def make_net(kind):
    """Return an untrained network of a kind of `RECIPES`.

    Raises:
        ValueError: unknown kind.
    """
    if kind not in RECIPES:
        raise ValueError(
            f"unknown network {kind!r}: choose one of {', '.join(RECIPES)}"
        )
    recipe = RECIPES[kind]
    channels = 6 if recipe["diffusion"] else 3
    return UNet(channels, WIDTHS, recipe["mixer"])


def save_net(path, net, metadata):
    """Write a `UNet`; see `weights.write_weights` for the arguments."""
    write_weights(path, net, net.settings, metadata)


def load_net(name):
    """Return a trained network and what its file says of itself.

    Args:
        name: a kind of `RECIPES`, or the path of a file that `save_net`
            wrote.

    Returns:
        `(net, metadata)`: a `UNet` on the CPU, float32, without gradients,
        and a dict of text to text.

    Raises:
        ValueError: the file is damaged, or of another architecture.
        FileNotFoundError: no such file.
    """
    if name not in RECIPES:
        path = Path(name).expanduser()
        if not path.suffix and not path.exists():
            raise FileNotFoundError(
                f"no network {str(name)!r}: choose one of "
                f"{', '.join(RECIPES)}, or the path of a .safetensors file"
            )
        return _load(path)
    try:
        return _load(bundled(f"sr_{name}.safetensors"))
    except ValueError as error:
        raise ValueError(f"{error}; {REINSTALL}") from error


def _load(path):
    return load(UNet, path, "a U-Net of week 4")
