"""Week 6's source tutorial on trial, on the real denoiser.

Two numbers, sigma and tau, and three rules to find them from the same
start. Used in week 6.
"""

import numpy as np

from course_utils import ladder
from course_utils.graph_checks import LARGEST_TAU
from course_utils.patch_graph import denoise
from course_utils.week6_controller import (
    RADIUS,
    EMParameterLearning,
    m_step,
)
from course_utils.week6_inputs import check_trial
from course_utils.week6_printed import DEFAULTS

RULES = ("standard", "attention", "adam")


def trial(
    rule,
    train,
    test,
    start,
    iterations,
    *,
    batch_size=None,
    steps=DEFAULTS["smooth_steps"],
    radius=RADIUS,
    learning_rate=0.1,
    score_every=10,
    seed=0,
):
    """Let a rule find sigma and tau for the real denoiser.

    Every rule starts from the same two numbers and sees the same batches.
    "standard" and "attention" are `week6_controller.m_step`; "adam" is
    Adam on log sigma and on the logit of tau, which keeps tau below 1.

    Args:
        rule: one of `RULES`.
        train, test: pairs of noisy and clean images, `(n, height, width,
            3)` floats each; clean ones 0 to 1.
        start: sigma and tau; tau below 1.
        iterations: how many updates, 1 or more.
        batch_size: images an update, drawn anew each time; None is all.
        steps, radius: of the graph.
        learning_rate: Adam's.
        score_every: iterations from one score on test to the next; the
            last is always scored.
        seed: of the batches.

    Returns:
        dict of arrays: sigma and tau `(iterations + 1,)`, the start
        included; loss `(iterations,)`, the mean squared error on the batch
        before each update; scored `(scores,)`, at which iterations; psnr
        `(scores, test images)` in dB, results clipped to 0 to 1. Where tau
        is above 1, 1 was used.

    Raises:
        ValueError: an unknown rule, numbers out of range, pairs that do
            not match; images that the denoiser refuses.

    Used in week 6.
    """
    if rule not in RULES:
        raise ValueError(
            f"rule must be one of {', '.join(RULES)}, not {rule!r}"
        )
    check_trial(train, test, start, iterations, batch_size)
    train, test = ([np.asarray(x) for x in pair] for pair in (train, test))
    options = {"steps": steps, "radius": radius}
    if rule == "adam":
        move = _descent(train, start, learning_rate, options)
    else:
        move = _controller(rule, train, start, options)
    rng = np.random.default_rng(seed)
    count, path, losses, scores = len(train[0]), [tuple(start)], [], {}
    for done in range(iterations):
        if done % score_every == 0:
            scores[done] = psnr(test, *path[-1], **options)
        rows = rng.permutation(count)[:batch_size]
        loss, *moved = move(rows)
        losses.append(loss)
        path.append(moved)
    scores[iterations] = psnr(test, *path[-1], **options)
    sigma, tau = np.array(path).T
    return {
        "sigma": sigma,
        "tau": tau,
        "loss": np.array(losses),
        "scored": np.array(list(scores)),
        "psnr": np.array(list(scores.values())),
    }


def psnr(pair, sigma, tau, steps=DEFAULTS["smooth_steps"], radius=RADIUS):
    """Return how good the denoiser is with these parameters, in dB.

    Args:
        pair: noisy and clean images, as for `trial`.
        sigma, tau, steps, radius: of the graph; a tau above 1 counts as 1.

    Returns:
        `(n,)`, one an image, after clipping to 0 to 1.

    Used in week 6.
    """
    tau = min(tau, LARGEST_TAU)
    found = [denoise(x, sigma, tau, steps, radius) for x in pair[0]]
    scores = [ladder.psnr(*both) for both in zip(found, pair[1], strict=True)]
    return np.array(scores)


def _controller(rule, train, start, options):
    learner = EMParameterLearning(
        rule == "attention", *start, options["steps"], options["radius"]
    )

    def move(rows):
        m_step(learner, train[0][rows], train[1][rows])
        moved = learner.get_parameters()
        return learner.losses[-1], moved["sigma"], moved["tau"]

    return move


def _descent(train, start, learning_rate, options):
    import torch

    from course_utils import learned_graph

    noisy, clean = (_as_tensor(images) for images in train)
    sigma, tau = torch.tensor(start, dtype=torch.float64)
    free = [sigma.log().requires_grad_(), tau.logit().requires_grad_()]
    adam = torch.optim.Adam(free, lr=learning_rate)

    def move(rows):
        adam.zero_grad()
        total = 0.0
        for row in rows:  # one graph in memory at a time
            found = learned_graph.smooth(
                noisy[[row]], free[0].exp(), free[1].sigmoid(), **options
            )
            loss = ((found - clean[[row]]) ** 2).mean() / len(rows)
            loss.backward()
            total += loss.item()
        adam.step()
        return total, free[0].exp().item(), free[1].sigmoid().item()

    return move


def _as_tensor(images):
    import torch

    return torch.tensor(images, dtype=torch.float32).permute(0, 3, 1, 2)
