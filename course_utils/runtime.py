"""Start of every notebook: device, seeds, preset, data source, banner."""

import importlib
import importlib.util
import os
import platform
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PRESETS = ("quick", "full")
SOURCES = ("bundled", "real")
COLAB_HINT = "for a GPU: Runtime > Change runtime type > T4 GPU"


@dataclass(frozen=True)
class Week:
    """What `setup` must know about a week before its notebook runs.

    `frameworks` are the deep-learning packages the notebook imports at its
    start; `minutes` is the measured time of "Run all" for each preset, None
    where nobody has measured it.
    """

    title: str
    frameworks: tuple
    minutes: dict


WEEKS = {
    1: Week("Attention from scratch", (), {"quick": 1, "full": 1}),
    2: Week(
        "Multi-head attention in Keras",
        ("tensorflow",),
        {"quick": 3, "full": None},
    ),
    3: Week(
        "Vision Transformer and DINO maps",
        ("torch",),
        {"quick": 4, "full": None},
    ),
    4: Week(
        "Diffusion super-resolution",
        ("torch",),
        {"quick": 5, "full": None},
    ),
    5: Week(
        "Cross-attention and class imbalance",
        ("torch",),
        {"quick": 5, "full": None},
    ),
    6: Week(
        "Attention as denoising",
        ("torch",),
        {"quick": 3, "full": None},
    ),
}


@dataclass(frozen=True)
class Session:
    """The settings that one notebook runs under; made by `setup`."""

    week: int
    preset: str
    data: str
    device: str
    seed: int

    def pick(self, quick, full):
        """Return the value that belongs to the preset in force."""
        return full if self.preset == "full" else quick


_session = None


def current_session():
    """Return the `Session` of the last `setup` call, or None before it."""
    return _session


def setup(week, preset=None, data=None, seed=0):
    """Prepare a notebook: device, seeds, preset, data source, banner.

    Calling it again is harmless: seeds are set anew and the list of
    measured claims starts empty.

    Args:
        week: the lesson's number; see `WEEKS`.
        preset: "quick" (small, for a CPU) or "full" (for a GPU). Default:
            the environment's COURSE_PRESET, else "full" if a GPU is found.
        data: "bundled", "real", or a folder that holds the files. Default:
            the environment's COURSE_DATA, else "real" for "full".
        seed: whole number from 0 to 2**32 - 1 for every random generator.

    Returns:
        The `Session`; its `pick(quick=..., full=...)` chooses by preset.

    Raises:
        ValueError: unknown week, preset, data source or seed.
    """
    global _session
    week = _checked_week(week)
    preset = _checked_preset(preset or os.environ.get("COURSE_PRESET"))
    data = _checked_source(data or os.environ.get("COURSE_DATA"))
    seed = _checked_seed(seed)
    _quiet_tensorflow()
    device = find_device(WEEKS[week].frameworks)
    preset = preset or ("quick" if device == "CPU" else "full")
    data = data or ("real" if preset == "full" else "bundled")
    _session = Session(week, preset, data, device, seed)
    seed_everything(seed, WEEKS[week].frameworks)
    importlib.import_module("course_utils.claims").reset()
    importlib.import_module("course_utils.plots").use_course_style()
    print("\n".join(banner(_session)))
    return _session


def seed_everything(seed, frameworks=()):
    """Seed `random`, NumPy, and each framework named or already imported."""
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in frameworks or "torch" in sys.modules:
        importlib.import_module("torch").manual_seed(seed)
    if "tensorflow" in frameworks or "tensorflow" in sys.modules:
        importlib.import_module("tensorflow").random.set_seed(seed)
        importlib.import_module("keras").utils.set_random_seed(seed)


def find_device(frameworks):
    """Name the device that the first of `frameworks` would compute on.

    Args:
        frameworks: some of "torch", "tensorflow"; empty for NumPy alone.

    Returns:
        "CPU", or "GPU (cuda: NVIDIA T4)", "GPU (mps)", "GPU (tensorflow)".
    """
    for framework in frameworks:
        if importlib.util.find_spec(framework) is None:
            raise ImportError(
                f"this week needs {framework}, which is not installed; "
                "run `make lab` in the course folder, or `%pip install "
                f"{framework}` here, then run this cell again"
            )
        gpu = {"torch": _torch_gpu, "tensorflow": _tensorflow_gpu}[framework]()
        if gpu:
            return f"GPU ({gpu})"
    return "CPU"


def import_quietly(name):
    """Import a package without the log lines of its compiled code.

    TensorFlow writes them straight to the file descriptor of stderr while
    it is imported, before any switch of its own counts.

    Args:
        name: package, for example "keras".

    Returns:
        The module.
    """
    _quiet_tensorflow()
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        return importlib.import_module(name)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def in_colab():
    """Return True inside Google Colab."""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def banner(session):
    """Return the lines (six at most) that tell what a notebook runs on."""
    week = WEEKS[session.week]
    device = f"{session.device}, {os.cpu_count()} cores"
    if in_colab() and session.device == "CPU" and week.frameworks:
        device += f"; {COLAB_HINT}"
    return [
        f"Attention, Measured | week {session.week}: {week.title}",
        f"device    {device}",
        f"versions  {', '.join(_versions(week.frameworks))}",
        f"preset    {session.preset}  (setup(week={session.week}, "
        'preset="quick" or "full") changes it)',
        f"data      {session.data}",
        f"expect    {_duration(week.minutes[session.preset])}",
    ]


def _duration(minutes):
    if minutes is None:
        return "some minutes on a GPU (this preset is not timed yet)"
    return f"about {minutes} minute{'s' * (minutes != 1)} to run every cell"


def _versions(frameworks):
    from course_utils import __version__

    yield f"course_utils {__version__}"
    yield f"Python {platform.python_version()}"
    yield f"numpy {np.__version__}"
    for name in frameworks:
        yield f"{name} {importlib.import_module(name).__version__}"


def _checked_week(week):
    if week not in WEEKS or isinstance(week, bool):
        known = ", ".join(str(number) for number in WEEKS)
        raise ValueError(f"unknown week {week!r}: choose one of {known}")
    return week


def _checked_preset(preset):
    if preset is not None and preset not in PRESETS:
        raise ValueError(
            f'unknown preset {preset!r}: choose "quick" or "full" '
            "(argument preset, or environment variable COURSE_PRESET)"
        )
    return preset


def _checked_source(data):
    if data is None or data in SOURCES:
        return data
    if not Path(data).expanduser().is_dir():
        raise ValueError(
            f'unknown data source {str(data)!r}: choose "bundled", "real", '
            "or the path of an existing folder "
            "(argument data, or environment variable COURSE_DATA)"
        )
    return str(Path(data).expanduser())


def _checked_seed(seed):
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise ValueError(
            f"seed {seed!r} is not a whole number from 0 to 2**32 - 1"
        )
    return int(seed)


def _quiet_tensorflow():
    """Set TensorFlow's switches; they count only before its import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    # TensorFlow 2.20 (Colab's), trained on a CPU with oneDNN, crashed the
    # kernel on the tutorial's attention of week 2; without it, it trains.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def _torch_gpu():
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name()}"
    return "mps" if torch.backends.mps.is_available() else None


def _tensorflow_gpu():
    tensorflow = import_quietly("tensorflow")
    gpus = tensorflow.config.list_physical_devices("GPU")
    for gpu in gpus:
        try:
            tensorflow.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # TensorFlow is already running on it
            break
    return "tensorflow" if gpus else None
