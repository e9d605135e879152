"""What week 6's source tutorial printed, and the arithmetic behind it.

Its numbers, and its seven fences of Python, as evidence. Lines are the
tutorial's; "000-9" is a row of the course's list of what it promises. A
version that runs is `week6_controller`. Used in week 6.
"""

import math

import numpy as np

HEADS = ("texture", "structure", "color", "spatial")

# Lines 79-86, 178-188 and 199-209 (000-24 to 26): scores and weights, in
# the order of HEADS.
EXAMPLES = {
    "main example": ((0.8, 0.3, 0.6, 0.5), (0.45, 0.10, 0.30, 0.15)),
    "airplane": ((0.3, 0.8, 0.5, 0.7), (0.10, 0.50, 0.20, 0.20)),
    "frog": ((0.9, 0.4, 0.8, 0.6), (0.50, 0.10, 0.25, 0.15)),
}
# Lines 191-192 and 212-213: the factors of sigma and of tau if the loss
# decreased.
FACTORS = {"airplane": (1.006, 1.035), "frog": (1.015, 1.0125)}

# Lines 240-242 (000-14, 15, 20): the parameters that every head starts with.
DEFAULTS = {"sigma": 0.3, "tau": 0.1, "smooth_steps": 5}
# Lines 264-267 (000-22): get_status(). No rule changes the radius.
STATUS = {
    "global_sigma": 0.3045,
    "global_tau": 0.1085,
    "global_radius": 10.34,
    "avg_loss": 0.2156,
}
# Lines 352-355 (000-23): the console in epoch 3, in the order of HEADS.
CONSOLE = (0.35, 0.25, 0.28, 0.12)
# Lines 332 and 338 (000-30): the loss at epochs 0, 2 and 5. No run is given.
LOSSES = {0: 0.50, 2: 0.25, 5: 0.15}

# Its seven fences without their comments, shortened where the same error
# comes first. Two only define a function; the call in the last line is ours.
FENCES = {
    "compute_patch_features, line 35": '''
def compute_patch_features(patches, centers):
    """Extract multi-dimensional features"""

    texture_score = mean(patch_std) / 0.1
    structure_score = mean(patch_gradients) / 0.1
    color_score = std(RGB_channels) / 0.1
    spatial_score = std(patch_centers) / 10.0

compute_patch_features([], [])''',
    "compute_attention_weights, line 62": '''
def compute_attention_weights(texture, structure, color, spatial):
    """Softmax normalization across feature importance"""

    scores = [texture, structure, color, spatial]
    weights = softmax(scores * temperature=2.0)''',
    "standard update, line 94": """
if loss_delta > 0:
    sigma *= 0.98
    tau *= 0.95
else:
    sigma *= 1.02
    tau *= 1.05""",
    "weighted_parameter_update, line 104": """
def weighted_parameter_update(params, attention, loss_delta):
    if loss_delta > 0:
        sigma *= (1 - 0.02 * (attention['texture'] + attention['color']))
        tau *= (1 - 0.05 * (attention['spatial'] + attention['structure']))
    else:
        sigma_boost = 1 + 0.02 * (attention['texture'] + attention['color'])
        tau_boost = 1 + 0.05 * (attention['spatial'] + attention['structure'])
        sigma *= sigma_boost
        tau *= tau_boost

weighted_parameter_update(
    {'sigma': 0.3, 'tau': 0.1},
    {'texture': 0.25, 'structure': 0.25, 'color': 0.25, 'spatial': 0.25},
    loss_delta=1.0,
)""",
    "m_step, line 139": """
for b in range(batch_size):
    img_np = denormalize(images[b])
    patches, centers = extract_patches(img_np)""",
    "head_params, line 237": """
self.head_params[head_id] = {
    'sigma': 0.3,
    'tau': 0.1,
    'smooth_steps': 5,
}""",
    "get_status, line 259": "em_status = self.em_learner.get_status()",
}


def run_fences():
    """Run each of `FENCES` in a namespace of its own, as a new file.

    Returns:
        dict from the fence to the error's name and the first line of its
        message; "none" and "no error" for one that runs.

    Used in week 6.
    """
    said = {}
    for name, source in FENCES.items():
        try:
            exec(source, {})
            said[name] = "none", "no error"
        except Exception as error:
            message = str(error).partition("\n")[0]
            said[name] = type(error).__name__, message
    return said


def recomputed(scores, temperature=2.0):
    """Return the weights that the tutorial's softmax gives to scores.

    w_i = exp(T f_i) / sum_j exp(T f_j), line 310. T multiplies, so that it
    is the inverse of what is usually called the temperature (000-8).

    Args:
        scores: `(heads,)` numbers.
        temperature: T, a number.

    Returns:
        `(heads,)` weights, which sum to 1.

    Raises:
        ValueError: scores that are not finite numbers in one row.

    Used in week 6.
    """
    from scipy.special import softmax

    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
        raise ValueError(
            "scores must be finite numbers in one row, one a head, got "
            f"{scores}"
        )
    return softmax(temperature * scores)


def balanced_share(step):
    """Return the share of decreases that leaves a parameter where it is.

    Each decrease of the loss multiplies it by 1 + step, each increase by
    1 - step; with p decreases in a hundred the mean of its logarithm
    changes by p log(1 + step) + (1 - p) log(1 - step). With more it grows
    without bound, with less it vanishes (000-9).

    Args:
        step: 0.02 for sigma, 0.05 for tau; times the sum of two attention
            weights in the weighted rule.

    Raises:
        ValueError: a step that is not between 0 and 1.

    Used in week 6.
    """
    _check_step(step)
    up, down = math.log1p(step), -math.log1p(-step)
    return down / (up + down)


def growth(step, decreases):
    """Return what a parameter is multiplied by after decreases in a row.

    Raises:
        ValueError: a step that is not between 0 and 1.

    Used in week 6.
    """
    _check_step(step)
    return (1 + step) ** decreases


def doubling_steps(step):
    """Return how many decreases in a row double a parameter.

    Returns:
        A number, not rounded: log 2 / log(1 + step).

    Raises:
        ValueError: a step that is not between 0 and 1.

    Used in week 6.
    """
    _check_step(step)
    return math.log(2) / math.log1p(step)


def _check_step(step):
    if not 0 < step < 1:
        raise ValueError(
            f"step is a share above 0 and below 1, such as 0.02, got {step}"
        )
