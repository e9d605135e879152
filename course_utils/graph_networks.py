"""A patch graph whose parameters are chosen for every pixel by a gate.

What the gate knows, and how many heads look, are the two questions of the
lesson: `KNOWS` and `HEADS`. Used in week 6.
"""

import torch
from torch import nn
from torch.nn import functional

from course_utils.bundled import bundled
from course_utils.graph_checks import check_side
from course_utils.graph_features import (
    estimate_noise,
    four_distances,
    patch_scores,
)
from course_utils.learned_graph import attention, average, distances
from course_utils.weights import load, write_weights

KNOWS = ("nothing", "noise", "four scores", "both")
HEADS = ("one", "four mixed", "four added")
TYPICAL = 25 / 255  # noise at which an untrained gate starts
FLOOR = 0.01  # added to scores before their logarithm
SHIPPED = {
    "one head": "graph_one_head.safetensors",
    "four heads": "graph_four_heads.safetensors",
}


class GraphDenoiser(nn.Module):
    """Layers of smoothing over a patch graph, told by a gate how.

    Args:
        knows: what the gate is told of every pixel, one of `KNOWS`. With
            "nothing", its answer is the same everywhere: one setting.
        heads: "one" compares whole patches. "four mixed" has a softmax for
            texture, structure, color and place, and the gate mixes what
            they say. "four added" adds the four distances, weighed by the
            gate, before one softmax.
        layers: how many; each builds the graph of what the last one made.
        radius: of the graph, pixels.
        patch_side: odd, pixels.
        width: hidden units of the gate.

    Raises:
        ValueError: unknown knows or heads, an even patch_side, or a number
            below 1.
    """

    def __init__(
        self,
        knows="both",
        heads="one",
        layers=1,
        radius=5,
        patch_side=3,
        width=32,
    ):
        super().__init__()
        for name, value, known in (
            ("knows", knows, KNOWS),
            ("heads", heads, HEADS),
        ):
            if value not in known:
                raise ValueError(
                    f"unknown {name} {value!r}: choose one of "
                    f"{', '.join(known)}"
                )
        check_side(patch_side)
        for name, value in (
            ("layers", layers), ("radius", radius), ("width", width),
        ):  # fmt: skip
            if not value >= 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.architecture = {
            "knows": knows, "heads": heads, "layers": layers,
            "radius": radius, "patch_side": patch_side, "width": width,
        }  # fmt: skip
        self.knows, self.heads, self.layers = knows, heads, layers
        self.radius, self.patch_side = radius, patch_side
        told = {"nothing": 1, "noise": 1, "four scores": 4, "both": 5}
        self.asked = {"one": 3, "four mixed": 12, "four added": 6}[heads]
        self.gate = nn.Sequential(
            nn.Linear(told[knows], width),
            nn.Tanh(),
            nn.Linear(width, self.asked * layers),
        )
        nn.init.zeros_(self.gate[2].weight)
        nn.init.zeros_(self.gate[2].bias)

    def forward(self, noisy, noise=None):
        """Return the denoised images.

        Args:
            noisy: `(batch, 3, height, width)`.
            noise: `(batch, 1, 1, 1)` standard deviations, or None: they
                are estimated from the images, see `estimate_noise`.
        """
        images = noisy
        for parameters in self.parameters_for(noisy, noise):
            attn = self.attend(images, parameters)
            images = self.step(images, attn, parameters["tau"])
        return images

    def parameters_for(self, noisy, noise=None):
        """Return what the gate decides: a dict of maps for each layer.

        Every map is `(batch, 1, height, width)`, or `(batch, 4, ...)` for
        what each head has of its own: "tau", "sigma" and "noise" (what is
        taken off the distances; places have none); "mixture" of "four
        mixed"; "weights" of "four added", one for each distance.
        """
        told = self.told(noisy, noise).movedim(1, 3)
        answers = self.gate(told).movedim(3, 1)
        return [self._named(part) for part in answers.chunk(self.layers, 1)]

    def told(self, noisy, noise=None):
        """Return the gate's input, `(batch, inputs, height, width)`."""
        if noise is None:
            noise = estimate_noise(noisy)
        level = torch.log((noise + 1e-3) / TYPICAL).expand_as(noisy[:, :1])
        if self.knows == "nothing":
            return torch.zeros_like(level)
        if self.knows == "noise":
            return level
        scores = torch.log(patch_scores(noisy, self.radius) + FLOOR)
        if self.knows == "four scores":
            return scores
        return torch.cat([level, scores], dim=1)

    def attend(self, images, parameters):
        """Return attn, `(batch, neighbours, height, width)`."""
        radius, side = self.radius, self.patch_side
        sigma, noise = parameters["sigma"], parameters["noise"]
        if self.heads == "one":
            return attention(distances(images, radius, side), sigma, noise)
        apart = four_distances(images, radius, side)
        if self.heads == "four added":
            weighed = zip(
                parameters["weights"].split(1, 1), apart, strict=True
            )
            together = sum(weight * part for weight, part in weighed)
            return attention(together, sigma, noise)
        return sum(self.mixed_heads(apart, parameters))

    def mixed_heads(self, apart, parameters):
        """Return each head's attn times its share, a list of four."""
        shares, sigmas, noises = (
            parameters[name].split(1, 1)
            for name in ("mixture", "sigma", "noise")
        )
        noises = (*noises, 0.0)  # places have no noise to be taken off
        return [
            share * attention(part, sigma, noise)
            for part, share, sigma, noise in zip(
                apart, shares, sigmas, noises, strict=True
            )
        ]

    def step(self, images, attn, tau):
        """Move every pixel the share tau towards its neighbours' average.

        Averaging the weights over a patch is averaging overlapping patches:
        every patch that holds a pixel has its say.
        """
        reach, margin = int(self.radius), self.patch_side // 2
        attn = functional.avg_pool2d(
            attn, self.patch_side, 1, margin, count_include_pad=False
        )
        around = functional.pad(images, [reach] * 4, mode="reflect")
        return (1 - tau) * images + tau * average(attn, around, self.radius)

    def _named(self, answers):
        """Turn the gate's answers for one layer into parameters."""
        tau = torch.sigmoid(answers[:, :1] + 2)
        if self.heads == "one":
            noise, sigma = answers[:, 1:].exp().split(1, 1)
            return {
                "tau": tau, "noise": TYPICAL * noise,
                "sigma": TYPICAL / 2 * sigma,
            }  # fmt: skip
        if self.heads == "four mixed":
            mixture, sigma, noise = answers[:, 1:].split((4, 4, 3), 1)
            return {
                "tau": tau, "mixture": mixture.softmax(1),
                "noise": TYPICAL * noise.exp(),
                "sigma": TYPICAL / 2 * sigma.exp(),
            }  # fmt: skip
        noise, weights = answers[:, 1:2].exp(), answers[:, 2:].exp()
        return {
            "tau": tau, "noise": TYPICAL * noise,
            "sigma": torch.full_like(tau, TYPICAL / 2), "weights": weights,
        }  # fmt: skip


def save_net(path, net, metadata):
    """Write a `GraphDenoiser`; see `weights.write_weights`."""
    write_weights(path, net, net.architecture, metadata)


def load_net(path):
    """Return a `GraphDenoiser` from a file, and the file's metadata.

    Raises as `weights.load` does.
    """
    return load(GraphDenoiser, path, "a GraphDenoiser")


def shipped_net(name):
    """Return a network that comes with the course, and its metadata.

    Args:
        name: "one head" or "four heads"; both know the noise's estimate
            and the four scores.

    Raises:
        ValueError: another name, or a damaged file.
        FileNotFoundError: the bundled file is missing.
    """
    if name not in SHIPPED:
        raise ValueError(f"choose one of {', '.join(SHIPPED)}, not {name!r}")
    return load_net(bundled(SHIPPED[name]))
