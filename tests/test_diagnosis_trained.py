"""Collapses of models that were really trained, in a second each."""

import math

import numpy as np
import pytest
import torch
from histories import EPOCHS, FACES, history, simulated

from course_utils.diagnosis import History, diagnose


def trained(model, inputs, labels, steps=60, lr=0.1, pos_weight=None):
    """Train for 4 epochs on the first half; return the history."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    half = len(labels) // 2
    optimiser = torch.optim.Adam(model.parameters(), lr)
    rates, losses = [], []
    for _ in range(4):
        for _ in range(steps):
            logits = model(inputs[:half])
            target = torch.tensor(labels[:half], dtype=torch.float32)
            loss = bce(logits, target, pos_weight=pos_weight)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            scores = model(inputs[half:]).sigmoid().numpy()
        rates.append((scores >= 0.5).mean(axis=0))
        losses.append(loss.item())
    frequencies = labels[:half].mean(axis=0)
    last = {"scores": scores, "labels": labels[half:]}
    return History(rates=rates, frequencies=frequencies, losses=losses, **last)


@pytest.fixture(scope="module")
def toy():
    """Noisy views of all attributes at once, (faces, 32), and labels."""
    torch.manual_seed(0)
    labels, _ = simulated(seed=5)
    mixing = torch.randn(9, 32)
    views = torch.tensor(labels, dtype=torch.float32) @ mixing
    return views + 0.5 * torch.randn(FACES, 32), labels


class Constant(torch.nn.Module):
    """A model that ignores the face: one logit, or one per attribute."""

    def __init__(self, width=9):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(width))

    def forward(self, x):
        return self.bias.expand(len(x), 9)


def test_a_trained_linear_model_is_healthy(toy):
    model = torch.nn.Linear(32, 9)
    assert diagnose(trained(model, *toy)).names == ("healthy",)


def test_a_trained_bias_gives_a_constant_per_attribute(toy):
    assert diagnose(trained(Constant(), *toy)).names == (
        "constant per attribute",
    )


def test_a_trained_bias_shared_by_all_is_the_tutorials_trap(toy):
    found = trained(Constant(1), *toy)
    mean = found.frequencies.mean()
    entropy = -(mean * math.log(mean) + (1 - mean) * math.log(1 - mean))
    assert found.losses[-1] == pytest.approx(entropy, abs=1e-4)
    assert diagnose(found).names == (
        "one constant for all attributes",
        "all negative",
    )


def test_weights_of_one_over_f_make_a_trained_bias_say_yes(toy):
    frequencies = toy[1][: FACES // 2].mean(axis=0)  # of the training half
    weights = torch.tensor(1 / frequencies, dtype=torch.float32)
    found = trained(Constant(), *toy, pos_weight=weights)
    assert np.allclose(found.scores, 1 / (2 - found.frequencies), atol=0.02)
    assert diagnose(found).names == ("constant per attribute", "all positive")


def test_a_rate_so_high_that_the_hidden_units_die(toy):
    torch.manual_seed(0)
    layers = (torch.nn.Linear(32, 8), torch.nn.ReLU(), torch.nn.Linear(8, 9))
    model = torch.nn.Sequential(*layers)
    names = diagnose(trained(model, *toy, lr=10.0)).names
    assert {"rare ignored", "no better than chance"} <= set(names)


def test_the_tutorials_einsum_gives_its_queries_no_gradient():
    torch.manual_seed(0)
    query = torch.nn.Linear(8, 8)
    tokens, queries = torch.randn(16, 12, 8), torch.randn(16, 9, 8)
    found = {}
    for name, einsum in (("bug", "bqk,bvd->bqd"), ("fix", "bqk,bkd->bqd")):
        weights = (query(queries) @ tokens.transpose(1, 2)).softmax(dim=-1)
        query.zero_grad()
        out = torch.einsum(einsum, weights, tokens)
        (out**2).mean().backward()
        gradient = np.full(EPOCHS, query.weight.grad.norm().item())
        found[name] = diagnose(history(query_gradient=gradient)).names
    assert found == {"bug": ("frozen attention",), "fix": ("healthy",)}
