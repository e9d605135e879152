"""The shared package of the course "Attention, Measured".

Notebooks import it as ``cu``::

    import course_utils as cu
    session = cu.setup(week=1)

Importing it is light: NumPy and the standard library only. Matplotlib,
IPython, PyTorch and TensorFlow are imported by the first call that needs
them.
"""

from importlib import import_module

__version__ = "0.1.0"

# Public name -> the module it lives in. Looked up on first use (PEP 562).
_HOMES = {
    "AttentionExplorer": "explorer",
    "KerasProgress": "progress_bar",
    "Session": "runtime",
    "claim": "claims",
    "claims_table": "claims",
    "current_session": "runtime",
    "import_quietly": "runtime",
    "seed_everything": "runtime",
    "setup": "runtime",
    "show": "plots",
    "track": "progress_bar",
}
_MODULES = (
    "attention",
    "attention_maps",
    "attribute_training",
    "baselines",
    "celeba",
    "cifar",
    "claims",
    "clean_photos",
    "crops",
    "cross_attention",
    "datasets",
    "denoisers",
    "diagnosis",
    "diffusion",
    "explorer",
    "face_attention",
    "face_curves",
    "face_dashboard",
    "face_data",
    "face_drawing",
    "face_explorer",
    "face_figures",
    "face_labels",
    "face_maps",
    "face_networks",
    "face_reliability",
    "face_results",
    "faces",
    "graded",
    "graph_bars",
    "graph_curves",
    "graph_figures",
    "graph_monitor",
    "graph_networks",
    "graph_results",
    "graph_training",
    "graph_widgets",
    "imbalance",
    "ladder",
    "learned_graph",
    "live",
    "measure",
    "metrics",
    "mixers",
    "mixture",
    "mixture_figures",
    "mixture_prior",
    "multilabel",
    "noise",
    "pasted_objects",
    "patch_graph",
    "photos",
    "pictures",
    "plots",
    "progress",
    "progress_bar",
    "reference",
    "remedies",
    "runtime",
    "scenes",
    "sliders",
    "sr_figures",
    "sr_networks",
    "sr_plots",
    "sr_scores",
    "sr_training",
    "sr_weights",
    "super_resolution",
    "tokens",
    "training",
    "unet",
    "upload",
    "vit",
    "vit_attention",
    "vit_weights",
    "weights",
)
_ALIASES = {"check": "checks"}

__all__ = sorted([*_HOMES, *_MODULES, *_ALIASES])


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in _MODULES or name in _ALIASES:
        return import_module(f"{__name__}.{_ALIASES.get(name, name)}")
    raise AttributeError(f"course_utils has no {name!r}")


def __dir__():
    return __all__
