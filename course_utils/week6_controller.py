"""The source tutorial's "multi-head attention EM", made to run.

    learner = EMParameterLearning()
    for epoch in range(3):
        restored = m_step(learner, noisy_images, clean_images)
        print(learner.console_line(epoch))

The tutorial's names, and its rules as published. What it leaves undefined
is chosen here, and each choice is said; whether the system keeps its
promises is another matter. It is no EM: there is no latent variable and no
likelihood. Used in week 6.
"""

import numpy as np

from course_utils import graph_checks, patch_graph
from course_utils.week6_heads import (
    compute_attention_weights,
    compute_patch_features,
)
from course_utils.week6_inputs import check_attention, check_pairs
from course_utils.week6_printed import DEFAULTS, HEADS

RADIUS = 10  # pixels; the tutorial gives no start, its status shows 10.34
SIGMA_STEP, TAU_STEP = 0.02, 0.05


def standard_update(params, loss_delta):
    """Return params after the rule without attention.

    Args:
        params: dict with sigma and tau, both above 0; whatever else it
            holds is kept.
        loss_delta: how much the loss increased. At 0 the parameters grow,
            as in the tutorial's code; its formula has no such case.

    Returns:
        A new dict: sigma times 0.98 and tau times 0.95 if the loss
        increased, times 1.02 and 1.05 if not.

    Raises:
        ValueError: a loss_delta that is no number, or no parameters above 0.

    Used in week 6.
    """
    return _scaled(params, loss_delta, sigma_share=1.0, tau_share=1.0)


def weighted_parameter_update(params, attention, loss_delta):
    """Return params after the attention-weighted rule.

    The weights of texture and color scale the step of sigma, those of
    spatial and structure that of tau. No weights make a step larger than
    `standard_update`'s, for all four sum to 1.

    Args:
        params, loss_delta: as for `standard_update`.
        attention: dict from each of `HEADS` to its weight, 0 to 1.

    Returns:
        A new dict.

    Raises:
        ValueError: see `standard_update`; weights that are missing, or do
            not sum to 1.

    Used in week 6.
    """
    check_attention(attention)
    return _scaled(
        params,
        loss_delta,
        sigma_share=attention["texture"] + attention["color"],
        tau_share=attention["spatial"] + attention["structure"],
    )


class EMParameterLearning:
    """The tutorial's learner: four numbers, a rule, and its history.

    Only sigma and tau ever change. The parameters of the single heads are
    stored as in the tutorial, where no rule reads or changes them.

    Args:
        attention: whether `update_global_params` uses the weighted rule or
            the standard one; the weights are recorded in both cases.
        sigma, tau, smooth_steps, radius: to start from.

    Attributes:
        params: dict of the four.
        head_params: dict from head 0 to 3 to its dict of sigma, tau,
            smooth_steps, focus (one of `HEADS`), loss_history and
            attention_history.
        attention_weights: dict from each of `HEADS` to the list of its
            weights, one an update.
        losses, smoothness: lists, one number an update.
        tau_limited: how many times `m_step` had to limit tau.

    Raises:
        ValueError: sigma or tau not above 0.

    Used in week 6.
    """

    def __init__(
        self,
        attention=True,
        sigma=DEFAULTS["sigma"],
        tau=DEFAULTS["tau"],
        smooth_steps=DEFAULTS["smooth_steps"],
        radius=RADIUS,
    ):
        graph_checks.check_positive("sigma", sigma)
        graph_checks.check_positive("tau", tau)
        start = {"sigma": sigma, "tau": tau, "smooth_steps": smooth_steps}
        self.attention = attention
        self.params = {**start, "radius": radius}
        self.head_params = {
            head: {
                **start,
                "focus": focus,
                "loss_history": [],
                "attention_history": [],
            }
            for head, focus in enumerate(HEADS)
        }
        self.attention_weights = {focus: [] for focus in HEADS}
        self.losses, self.smoothness = [], []
        self.tau_limited = 0

    def get_parameters(self):
        """Return a copy of sigma, tau, smooth_steps and radius, a dict."""
        return dict(self.params)

    def get_status(self):
        """Return the tutorial's four texts; avg_loss is over all updates."""
        average = np.mean(self.losses) if self.losses else np.nan
        return {
            "global_sigma": f"{self.params['sigma']:.4f}",
            "global_tau": f"{self.params['tau']:.4f}",
            "global_radius": f"{self.params['radius']:.2f}",
            "avg_loss": f"{average:.4f}",
        }

    def update_global_params(self, loss_proxy, smoothness, patches, centers):
        """Move sigma and tau by the sign of the loss's change.

        The first loss has none before it and counts as a decrease.
        smoothness is recorded only: no rule of the tutorial uses it.

        Args:
            loss_proxy, smoothness: numbers, see `m_step`.
            patches, centers: of the whole batch, see `patch_scores`.

        Returns:
            dict of the attention weights.

        Raises:
            ValueError: a loss that is not finite, bad patches.
        """
        if not np.isfinite(loss_proxy):
            raise ValueError(f"loss_proxy must be finite, got {loss_proxy}")
        features = compute_patch_features(patches, centers)
        attention = compute_attention_weights(*features)
        before = self.losses[-1] if self.losses else np.inf
        delta = loss_proxy - before
        if self.attention:
            self.params = weighted_parameter_update(
                self.params, attention, delta
            )
        else:
            self.params = standard_update(self.params, delta)
        self._record(loss_proxy, smoothness, attention)
        return attention

    def _record(self, loss, smoothness, attention):
        self.losses.append(loss)
        self.smoothness.append(smoothness)
        for head in self.head_params.values():
            weight = attention[head["focus"]]
            head["loss_history"].append(loss)
            head["attention_history"].append(weight)
            self.attention_weights[head["focus"]].append(weight)

    def console_line(self, epoch):
        """Return the tutorial's report on the last update, five lines.

        Raises:
            ValueError: there was no update yet.
        """
        if not self.losses:
            raise ValueError("no attention yet: call m_step first")
        lines = [f"EM Attention Status (Epoch {epoch}):"]
        for focus, weights in self.attention_weights.items():
            label = f"{focus.capitalize()} head:"
            lines.append(f"  {label:<16} {weights[-1]:.2f}")
        return "\n".join(lines)


def m_step(learner, noisy_images, clean_images):
    """Denoise a batch and let the learner move its parameters once.

    The tutorial's seven stages. It defines neither signal: loss_proxy is
    here the mean squared error, smoothness the mean squared difference of
    neighbouring pixels of the results. Nothing in its rule stops tau, and
    above 1 `patch_graph.graph_smoothing` refuses it; so tau is limited to
    1 for the smoothing, the learner's own keeps growing, and
    `learner.tau_limited` counts.

    Args:
        learner: `EMParameterLearning`; updated.
        noisy_images, clean_images: lists of floats `(height, width, 3)`,
            in pairs; the sizes of the pairs may differ.

    Returns:
        List of the restored images, not clipped.

    Raises:
        TypeError, ValueError: no image, pairs that do not match, images
            that `patch_graph` refuses.

    Used in week 6.
    """
    check_pairs(noisy_images, clean_images)
    # 1. For each image in the batch, 2. store its patches.
    tokens = [patch_graph.extract_patches(image) for image in noisy_images]
    # 3. The parameters of the iteration before.
    params = _usable(learner)
    # 4. Smooth the graph, 5. reconstruct and gather the losses.
    restored = [
        _restored(*token, np.shape(image), **params)
        for token, image in zip(tokens, noisy_images, strict=True)
    ]
    pairs = zip(restored, clean_images, strict=True)
    loss_proxy = np.mean([np.mean((ours - x) ** 2) for ours, x in pairs])
    smoothness = np.mean([_roughness(image) for image in restored])
    # 6. Put all patches on one heap, and 7. update with their attention.
    patches, centers = map(np.concatenate, zip(*tokens, strict=True))
    learner.update_global_params(loss_proxy, smoothness, patches, centers)
    return restored


def _usable(learner):
    params = learner.get_parameters()
    if params["tau"] > graph_checks.LARGEST_TAU:
        params["tau"] = graph_checks.LARGEST_TAU
        learner.tau_limited += 1
    return params


def _restored(patches, centers, shape, sigma, tau, smooth_steps, radius):
    W = patch_graph.build_patch_graph_radius(centers, patches, sigma, radius)
    S = patch_graph.compute_self_similarity(W)
    smoothing = patch_graph.graph_smoothing(S, tau, smooth_steps)
    return patch_graph.reconstruct(smoothing @ patches, shape)


def _roughness(image):
    across, down = np.diff(image, axis=1), np.diff(image, axis=0)
    return np.mean(across**2) + np.mean(down**2)


def _scaled(params, loss_delta, sigma_share, tau_share):
    if np.isnan(loss_delta):
        raise ValueError("loss_delta is NaN: find the loss that became NaN")
    for name in ("sigma", "tau"):
        graph_checks.check_positive(name, params[name])
    sign = -1 if loss_delta > 0 else 1
    return {
        **params,
        "sigma": params["sigma"] * (1 + sign * SIGMA_STEP * sigma_share),
        "tau": params["tau"] * (1 + sign * TAU_STEP * tau_share),
    }
