"""Which Vision Transformer looks: ours, its twins, or the published one.

Files are read and written in `course_utils.vit_files`; its `save_vit` and
`read_metadata` can be had from here, too. Used in week 3.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from course_utils.bundled import REINSTALL, bundled
from course_utils.vit import VisionTransformer
from course_utils.vit_files import (
    at_rest,
    read_metadata,
    read_published,
    read_saved,
    save_vit,
)

__all__ = [
    "MEAN",
    "SMALL",
    "STD",
    "LoadedVit",
    "load_vit",
    "read_metadata",
    "save_vit",
]

MEAN = (0.485, 0.456, 0.406)  # ImageNet's red, green, blue; pixels 0 to 1
STD = (0.229, 0.224, 0.225)

# The course's own architecture, of the bundled weights and the random ones.
SMALL = {
    "image_size": 48,
    "patch_size": 8,
    "width": 128,
    "depth": 6,
    "num_heads": 4,
}
BUNDLED = {
    "dino": "vit_dino.safetensors",
    "supervised": "vit_supervised.safetensors",
}
NAMES = (*BUNDLED, "random", "dino_vits16")
# Two public copies of DINO's ViT-S/16: names in downloads.REMOTES, in the
# order in which they are tried. Their bytes differ, their weights do not.
PUBLISHED = ("dino_vits16", "dino_vits16_pth")


@dataclass(frozen=True)
class LoadedVit:
    """A Vision Transformer ready to look at images.

    `model` is on the CPU, in eval mode, float32, without gradients; `name`
    says which it really is (after a fallback, too), `origin` in one
    sentence where its weights come from; `mean` and `std` normalise the
    three channels of pixels from 0 to 1.
    """

    model: VisionTransformer
    name: str
    origin: str
    mean: tuple = MEAN
    std: tuple = STD


def load_vit(name=None, seed=0):
    """Return a Vision Transformer with weights.

    Args:
        name: "dino" (this course's small ViT, trained without labels),
            "supervised" (its twin, trained with labels), "random" (its
            twin, untrained), "dino_vits16" (the published ViT-S/16:
            downloaded once, 87 MB, or read from the session's data
            folder), or the path of a file that `save_vit` wrote. None is
            "dino" on bundled data, else "dino_vits16", and if that cannot
            be had one line says why and "dino" is returned.
        seed: of "random".

    Returns:
        `LoadedVit`, on the CPU: move `.model` to your device. The random
        state of PyTorch is left alone.

    Raises:
        ValueError: unknown name; a file that is damaged, of another
            architecture, or that holds code.
        FileNotFoundError: the file is missing.
        DownloadError: "dino_vits16", asked for by name, cannot be had.

    Used from week 3 on. Caron et al., "Emerging Properties in
    Self-Supervised Vision Transformers" (2021).
    """
    if name is None:
        return _load_default()
    if name in BUNDLED:
        return _load_bundled(name)
    if name == "random":
        return _random(seed)
    if name == "dino_vits16":
        return _load_published()
    if isinstance(name, Path) or str(name).endswith(".safetensors"):
        return _load_saved(Path(name).expanduser(), str(name))
    raise ValueError(
        f"unknown weights {name!r}: choose one of {', '.join(NAMES)}, or "
        "the path of a .safetensors file"
    )


def _load_default():
    from course_utils.downloads import DownloadError
    from course_utils.runtime import current_session

    session = current_session()
    if session is None or session.data == "bundled":
        return _load_bundled("dino")
    try:
        return _load_published()
    except (DownloadError, FileNotFoundError) as error:
        print(
            f"dino_vits16: the published weights cannot be had ({error}); "
            "using this course's own small ViT instead"
        )
        return _load_bundled("dino")


def _load_bundled(name):
    try:
        return _load_saved(bundled(BUNDLED[name]), name)
    except ValueError as error:
        raise ValueError(f"{error}; {REINSTALL}") from error


def _load_saved(path, name):
    model, metadata = read_saved(path)
    return LoadedVit(model, name, metadata["origin"])


def _random(seed):
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = VisionTransformer(**SMALL)
    origin = f"untrained: random weights (seed {seed})"
    return LoadedVit(at_rest(model), "random", origin)


def _load_published():
    path = _find_published()
    origin = (
        "DINO ViT-S/16 by Caron et al. (2021), trained without labels on "
        f"ImageNet, Apache-2.0; file {path.name}"
    )
    return LoadedVit(read_published(path), "dino_vits16", origin)


def _find_published():
    """Return the path of a copy: in the session's folder, or fetched."""
    from course_utils import downloads
    from course_utils.runtime import SOURCES, current_session

    session = current_session()
    if session and session.data not in SOURCES:
        return _find_in(Path(session.data))
    reasons = []
    for name in PUBLISHED:
        try:
            return downloads.fetch(name)
        except downloads.DownloadError as error:
            reasons.append(str(error))
    raise downloads.DownloadError("; ".join(reasons))


def _find_in(folder):
    """Return the path of a copy that the learner put there."""
    from course_utils.downloads import REMOTES

    remotes = [REMOTES[name] for name in PUBLISHED]
    names = [remote.urls[0].rsplit("/", 1)[-1] for remote in remotes]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} holds neither {' nor '.join(names)}")
