"""Training on faces: what is drawn, that it learns, resumes, and is seen."""

import os
import signal

import numpy as np
import pytest
import torch
from random_faces import random_faces
from torch import nn
from torch.nn import functional as F

from course_utils import attribute_training as module
from course_utils import recipe
from course_utils.attribute_training import (
    answers,
    as_tensors,
    attribute_training,
    history_of,
    query_gradient,
    watcher,
)
from course_utils.cross_attention import AttributeNetwork, CrossAttention
from course_utils.diagnosis import diagnose
from course_utils.face_labels import ATTRIBUTES as NAMES
from course_utils.faces import Faces
from course_utils.multilabel import average_precision
from course_utils.schedules import warm_up_cosine
from course_utils.training import make_accelerator

COUNT, ATTRIBUTES, STEPS, BATCH = 12, 3, 6, 4
WATCHED = "rates", "average_precision", "entropy"


def network(kind="attention", frequencies=(0.2, 0.5, 0.8), **options):
    torch.manual_seed(0)
    options = {"width": 16, "num_heads": 2, **options}
    return AttributeNetwork(frequencies, kind=kind, **options)


def make(faces=None, net=None, kind="attention", **options):
    options = {"steps": STEPS, "batch": BATCH, "seed": 3, **options}
    return attribute_training(
        network(kind) if net is None else net,
        random_faces(COUNT, ATTRIBUTES) if faces is None else faces,
        accelerator=make_accelerator(cpu=True), **options,
    )  # fmt: skip


def coloured(count=48):
    """Faces with attributes that show: red, green and blue light."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 50, (count, 64, 64, 3), dtype=np.uint8)
    labels = rng.random((count, 3)) < 0.5
    images += np.uint8(200) * labels[:, None, None]
    return Faces(images, labels)


class Watching(nn.Module):
    """A network that keeps what it is given."""

    def __init__(self, attributes=ATTRIBUTES):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(attributes))
        self.seen = []

    def forward(self, images):
        self.seen.append(images)
        return self.bias.expand(len(images), -1)


def drawn(faces, **options):
    """Return pictures and targets of a whole training, in its order."""
    net, targets = Watching(faces.labels.shape[1]), []

    def loss(logits, of):
        targets.append(of)
        return F.binary_cross_entropy_with_logits(logits, of)

    make(faces, net, loss=loss, **options)[0].run()
    return torch.cat(net.seen), torch.cat(targets)


def numbered(count=5):
    """Faces of one colour each, which tells who they are; left is black."""
    labels = np.arange(count)[:, None] >> np.arange(3) & 1 == 1
    images = np.empty((count, 64, 64, 3), np.uint8)
    images[:] = 50 * np.arange(1, count + 1)[:, None, None, None]
    images[:, :, :32] = 0
    return Faces(images, labels)


def who(pixels):
    """Return the numbers of `numbered` faces."""
    return (pixels.amax(dim=(1, 2, 3)) * 255 / 50).round().long() - 1


def state(training):
    return {
        f"{name}.{key}": value.clone()
        for name, net in training.modules.items()
        for key, value in net.state_dict().items()
    }


def assert_same(one, other):
    assert one.losses == other.losses
    for key, value in state(one).items():
        assert torch.equal(value, state(other)[key]), key


# What is drawn


def test_tensors_are_channels_first_and_floats():
    faces = random_faces(3, ATTRIBUTES)
    images, labels = as_tensors(faces)
    assert images.shape == (3, 3, 64, 64) and images.dtype == torch.uint8
    assert images[2, 1, 5, 60] == faces.images[2, 5, 60, 1]
    assert labels.dtype == torch.float32
    assert np.array_equal(labels, faces.labels)


def test_pictures_come_whole_with_their_labels():
    faces = random_faces(COUNT, ATTRIBUTES)
    pixels, targets = drawn(faces)
    assert pixels.shape == (STEPS * BATCH, 3, 64, 64)
    assert len(targets) == STEPS * BATCH
    images = torch.from_numpy(faces.images).permute(0, 3, 1, 2) / 255
    both = torch.stack([images, images.flip(3)])
    for picture, target in zip(pixels, targets, strict=True):
        same = torch.isclose(both, picture).all(dim=(2, 3, 4)).nonzero()
        ((_, face),) = same.tolist()
        assert target.tolist() == faces.labels[face].tolist()


def test_all_faces_are_drawn_alike_and_half_are_mirrored():
    pixels, _ = drawn(numbered(), steps=10, batch=200)
    counts = who(pixels).bincount(minlength=5)
    assert counts.min() > 330 and counts.max() < 470  # of 2000, 400 each
    mirrored = pixels[:, 0, 0, 0] > 0
    assert 0.45 < mirrored.float().mean() < 0.55
    assert (pixels[:, 0, 0, 63] > 0).tolist() == (~mirrored).tolist()


def test_faces_come_as_often_as_asked_for():
    chances = torch.tensor([0, 1, 0, 2, 5]) / 8
    pixels, targets = drawn(
        numbered(), steps=10, batch=100, probabilities=lambda _: chances
    )
    faces = who(pixels)
    shares = faces.bincount(minlength=5) / len(faces)
    assert shares[0] == shares[2] == 0
    assert (shares - chances).abs().max() < 0.05
    assert np.array_equal(targets, numbered().labels[faces])


def test_chances_may_change_along_the_training():
    asked = []

    def probabilities(progress):
        asked.append(progress)
        return np.eye(5)[0 if progress < 0.5 else 4]

    pixels, _ = drawn(numbered(), probabilities=probabilities)
    assert asked == [step / STEPS for step in range(STEPS)]
    faces = who(pixels).reshape(STEPS, BATCH)
    assert (faces[:3] == 0).all() and (faces[3:] == 4).all()


# It learns


def test_the_loss_falls_and_the_average_knows_the_answers(monkeypatch):
    monkeypatch.setattr(recipe, "WARM_UP", 5)
    faces = coloured()
    training, average = make(faces, steps=60, batch=8, rate=5e-3)
    before, _ = answers(average, faces.images)
    training.run()
    assert sum(training.losses[-10:]) < 0.6 * sum(training.losses[:10])
    after, _ = answers(average, faces.images)
    mistaken = [(s > 0.5) != faces.labels for s in (before, after)]
    assert mistaken[1].mean() < 0.2 < 0.4 < mistaken[0].mean()
    assert not average.training
    assert not any(p.requires_grad for p in average.parameters())
    assert training.modules["average"] is average


def test_the_average_is_what_its_formula_says():
    training, average = make(rate=0.1)
    net, after = training.modules["net"], training.after_step
    expected = [p.detach().clone().double() for p in net.parameters()]

    def follow(step):
        after(step)
        memory = (1 + step) / (10 + step)
        for mean, now in zip(expected, net.parameters(), strict=True):
            mean.lerp_(now.detach().double(), 1 - memory)

    training.after_step = follow
    training.run()
    far = [0, 0]
    for slow, mean, now in zip(
        average.parameters(), expected, net.parameters(), strict=True
    ):
        far[0] = max(far[0], (slow - mean).abs().max().item())
        far[1] = max(far[1], (slow - now).abs().max().item())
    assert far[0] < 1e-6 and far[1] > 1e-3  # and no copy of the last


def test_the_average_s_memory_is_200_steps_at_most():
    training, average = make()
    before = average.bias.clone()
    with torch.no_grad():
        training.modules["net"].bias.add_(1)
    training.after_step(10**6)
    torch.testing.assert_close(average.bias, before + 0.005)


def test_the_recipe_is_adamw_with_a_schedule_and_clipped_gradients():
    training, _ = make(steps=200, rate=0.5)
    rates = [training.schedule(step)["lr"] for step in range(200)]
    warm_up = recipe.WARM_UP
    expected = [warm_up_cosine(i, 200, 0.5, warm_up) for i in range(200)]
    assert rates == expected and max(rates) == 0.5
    assert type(training.optimizer.optimizer) is torch.optim.AdamW
    (group,) = training.optimizer.param_groups
    assert group["weight_decay"] == 0.01
    assert (training.clip, training.batch, training.seed) == (1.0, BATCH, 3)


def test_the_loss_is_cross_entropy_unless_another_is_given():
    plain, _ = make(rate=0)
    same, _ = make(rate=0, loss=F.binary_cross_entropy_with_logits)
    twice, _ = make(
        rate=0,
        loss=lambda z, y: 2 * F.binary_cross_entropy_with_logits(z, y),
    )
    for training in (plain, same, twice):
        training.run()
    assert plain.losses == same.losses
    assert twice.losses == pytest.approx([2 * x for x in plain.losses])


# It resumes


def easier(progress):
    chances = np.arange(1.0, COUNT + 1)
    return chances ** (1 - progress)


@pytest.mark.parametrize("probabilities", [None, easier])
def test_interrupted_and_resumed_is_bit_identical(
    probabilities, tmp_path, capsys
):
    whole, _ = make(probabilities=probabilities)
    whole.run()
    path = tmp_path / "checkpoint"
    stopped, _ = make(probabilities=probabilities)
    loss_at = stopped.loss_at

    def disturbed(step):
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return loss_at(step)

    stopped.loss_at = disturbed
    with pytest.raises(KeyboardInterrupt, match="stopped after 3 of 6"):
        stopped.run(path=path)
    resumed, average = make(probabilities=probabilities)
    torch.rand(7)  # what was drawn meanwhile does not matter
    resumed.run(path=path)
    assert "going on after 3 of 6 steps" in capsys.readouterr().out
    assert_same(whole, resumed)
    assert resumed.modules["average"] is average


def test_the_seed_decides():
    one, again, other = (make(seed=seed)[0] for seed in (3, 3, 4))
    for training in (one, again, other):
        training.run()
    assert_same(one, again)
    assert one.losses != other.losses


# Answers


@pytest.fixture
def trained():
    """A network whose answers depend on the picture."""
    net = network().requires_grad_(False)
    nn.init.normal_(net.answer)
    return net


def test_answers_are_the_network_s_in_any_batches(trained):
    images = random_faces(5, ATTRIBUTES).images
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    logits, attn = trained.answers(pixels)
    for batch in (2, 5, 256):
        scores, maps = answers(trained, images, batch=batch)
        np.testing.assert_allclose(scores, logits.sigmoid(), rtol=1e-5)
        assert maps.dtype == np.float16 and maps.shape == (5, 2, 2, 3, 64)
        np.testing.assert_allclose(maps, attn, rtol=1e-3)


def test_answers_are_read_as_a_remedy_says(trained):
    images = random_faces(5, ATTRIBUTES).images
    shift = torch.tensor([0.0, 1.0, -2.0])
    plain, _ = answers(trained, images)
    scores, _ = answers(trained, images, lambda z: 3 * z + shift, batch=2)
    logits = np.log(plain / (1 - plain))
    expected = torch.sigmoid(torch.tensor(3 * logits) + shift)
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


# Watching


def noted(kind, frequencies=(0.2, 0.5, 0.8)):
    net, other = network(kind), network(kind, frequencies)
    faces = random_faces(COUNT, ATTRIBUTES)
    return watcher(net, other, faces)()


def test_rates_are_those_of_the_average():
    assert noted("attention")["rates"].tolist() == [0, 0, 1]
    found = noted("attention", (0.9, 0.51, 0.49))
    assert found["rates"].tolist() == [1, 1, 0]


def test_even_attention_has_an_entropy_of_1_and_a_point_of_0(monkeypatch):
    assert noted("mean")["entropy"] == pytest.approx([1, 1, 1], abs=1e-3)
    assert (noted("attention")["entropy"] < 0.9999).all()

    def point(self, asking, tokens):
        """The first query looks at one token, the second at two."""
        shape = len(tokens), 2, 3, 64
        attn = torch.zeros(shape)
        attn[:, :, 0, 9] = 1
        attn[:, :, 1, [3, 50]] = 0.5
        attn[:, 0, 2, 7] = 1  # one head at one, the other at all
        attn[:, 1, 2] = 1 / 64
        return attn

    monkeypatch.setattr(CrossAttention, "weights", point)
    found = noted("attention")["entropy"]
    assert found == pytest.approx([0, 1 / 6, 0.5], abs=1e-3)  # 2 of 2^6


def test_entropy_of_many_faces_is_not_rounded_above_1(monkeypatch):
    """`diagnosis.History` would refuse it."""
    many = Faces(np.empty(2000), np.eye(2000, ATTRIBUTES) > 0)
    attn = np.full((2000, 2, 4, ATTRIBUTES, 64), 1 / 64, np.float16)
    given = np.full((2000, ATTRIBUTES), 0.5), attn
    monkeypatch.setattr(module, "answers", lambda net, images: given)
    net = network()
    assert watcher(net, net, many)()["entropy"] == pytest.approx(1, abs=1e-6)


def test_the_gradient_is_that_of_all_queries():
    net = network()
    assert query_gradient(net) == 0
    for i, block in enumerate(net.blocks):
        weight = block.cross.query.weight
        weight.grad = torch.zeros_like(weight)
        weight.grad[i, 3] = 3.0 + i
    assert query_gradient(net) == pytest.approx(5)


def test_what_is_watched_goes_into_the_notes():
    faces, lengths = random_faces(COUNT, ATTRIBUTES), {}
    for kind in ("attention", "summed"):
        training, average = make(faces, kind=kind)
        watch = watcher(training.modules["net"], average, faces)
        training.run(watch=watch, watch_every=3)
        assert list(training.notes) == [0, 3, 6]
        for note in training.notes.values():
            lengths.setdefault(kind, []).append(note.pop("query_gradient"))
            sizes = {name: len(values) for name, values in note.items()}
            assert sizes == dict.fromkeys(WATCHED, ATTRIBUTES)
    assert lengths["attention"][0] == 0 and lengths["attention"][1] > 0
    assert lengths["summed"][2] < 1e-4 * lengths["attention"][2]


def test_precision_is_that_of_the_labels():
    net, faces = network(), random_faces(COUNT, ATTRIBUTES)
    nn.init.normal_(net.answer)
    faces.labels[:, 1] = False
    found = watcher(network(), net, faces)()["average_precision"]
    scores, _ = answers(net, faces.images)
    assert np.isnan(found[1])
    expected = average_precision(faces.labels, scores)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", ["attention", "mean", "summed"])
def test_a_watched_training_can_be_diagnosed(kind):
    faces, other = random_faces(COUNT), random_faces(COUNT, seed=1)
    frequencies = faces.labels.mean(axis=0)
    training, average = make(faces, network(kind, frequencies))
    watch = watcher(training.modules["net"], average, other)
    training.run(watch=watch, watch_every=2)
    found = history_of(training, average, other, frequencies)
    notes = training.notes
    assert tuple(found.names) == NAMES
    assert found.rates.tolist() == [notes[i]["rates"] for i in (2, 4, 6)]
    gradients = [notes[i]["query_gradient"] for i in (2, 4, 6)]
    assert found.query_gradient.tolist() == gradients
    pairs = np.reshape(training.losses, (3, 2))
    np.testing.assert_allclose(found.losses, pairs.mean(axis=1))
    np.testing.assert_array_equal(
        found.scores, answers(average, other.images)[0]
    )
    assert found.labels is other.labels
    rates = [training.schedule(step)["lr"] for step in range(STEPS)]
    assert found.learning_rates.tolist() == rates
    frozen = "frozen attention" in diagnose(found).names
    assert frozen == (kind != "attention")


# Bad input


@pytest.mark.parametrize(
    "options, message",
    [
        ({"net": network(frequencies=(0.2, 0.5))},
         "answers 2 questions, the faces have 3 labels"),
        ({"steps": 0}, "steps must be a whole number from 1"),
        ({"batch": 0}, "batch must be a whole number from 1"),
        ({"seed": -1}, "seed must be a whole number from 0"),
    ],
)  # fmt: skip
def test_a_training_that_cannot_be_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_chances_for_other_faces_are_named():
    training, _ = make(probabilities=lambda progress: np.ones(COUNT + 1))
    with pytest.raises(ValueError, match=r"return 12 numbers.*got.*\(13,\)"):
        training.run()
    assert training.done == 0
