"""Week 3's own definitions and plumbing, put to the test."""

import inspect

import matplotlib as mpl
import numpy as np
import pytest
import torch
from authoring import lesson

import course_utils as cu
from course_utils import (
    attention,
    attention_maps,
    datasets,
    map_plots,
    torch_models,
    vit_attention,
    week3_tutorial,
)
from course_utils.vit_weights import load_vit

mpl.use("agg")
PATH = lesson.LESSONS / "week3_vit_and_dino.py"


@pytest.fixture(scope="module")
def week():
    return lesson.definitions(PATH, {"__name__": "lesson", "cu": cu})


@pytest.fixture(scope="module")
def untrained():
    return load_vit("random")


def random(*shape):
    return np.random.default_rng(0).normal(size=shape)


def images(count, height=16, width=24):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


# The lesson's definitions


def test_shown_source_has_at_most_100_lines(week):
    shown = "\n".join(map(inspect.getsource, week["PARTS"]))
    assert sum(bool(line.strip()) for line in shown.splitlines()) <= 100
    for part in ("class PatchEmbed", "cls_token", "pos_embed", "norm1"):
        assert part in shown


def test_class_rows_are_the_package_s_class_maps(week):
    attn = attention.softmax(random(3, 2, 13, 13))
    right = attention_maps.class_maps(attn, (3, 4))
    assert np.array_equal(week["class_rows"](attn, (3, 4)), right)


def test_jaccards_are_those_of_each_head(week):
    maps = np.random.default_rng(0).random((5, 3, 4, 6))
    masks = np.zeros((5, 8, 12), bool)
    masks[:, 2:6, 3:9] = True
    scores = week["jaccards"](maps, masks)
    assert scores.shape == (5, 3)
    found = attention_maps.mass_mask(maps)
    assert np.allclose(
        scores[:, 1], week["metrics"].jaccard(found[:, 1], masks)
    )


@pytest.mark.parametrize("name", ["none", "inside patches"])
def test_reader_without_positions_does_not_notice_shuffling(week, name):
    net = week["digit_reader"](name, 0)
    digits = np.random.default_rng(0).random((6, 28, 28))
    mixed = torch_models.shuffle_patches(digits, 4, seed=1)
    assert not np.array_equal(digits, mixed)
    before, after = (logits(net, x) for x in (digits, mixed))
    assert np.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("name", ["faulty exponents", "sinusoidal", "learned"])
def test_reader_with_positions_notices(week, name):
    net = week["digit_reader"](name, 0)
    digits = np.random.default_rng(0).random((6, 28, 28))
    mixed = torch_models.shuffle_patches(digits, 4, seed=1)
    gap = np.abs(logits(net, digits) - logits(net, mixed)).max()
    assert gap > 1e-3


def test_only_the_learned_code_is_trained(week):
    trained = {
        name: week["digit_reader"](name, 0)[1].pos_embed.requires_grad
        for name in week["CODES"]
    }
    assert trained == {name: name == "learned" for name in trained}


def test_code_inside_patches_is_the_same_for_all_49(week):
    cut = week["INSIDE"].reshape(7, 4, 7, 4).swapaxes(1, 2).reshape(49, 16)
    assert np.array_equal(cut, np.tile(cut[0], (49, 1)))
    assert np.allclose(cut[0], np.sin(np.arange(16)))


def logits(net, x):
    x = torch.as_tensor(x[:, None], dtype=torch.float32)
    with torch.no_grad():
        return net(x).numpy()


# The source tutorial


def test_tutorial_s_patches_are_week_1_s():
    image = datasets.photo("coffee")
    found = week3_tutorial.extract_patches([image], 16)
    assert np.array_equal(found, attention.patchify(image, 16))


def test_tutorial_s_code_has_two_wavelengths():
    code = week3_tutorial.positional_encoding(np.zeros((1, 50, 64)))[0]
    assert len(np.unique(code.round(12), axis=1).T) == 4  # two pairs
    assert np.allclose(code[:, 0], np.sin(np.arange(50)))


def test_tutorial_s_grid_fails_as_the_lesson_says():
    drawn = [n for n in range(1, 13) if week3_tutorial.draws(n)]
    assert drawn == [6, 8, 9, 12]


def test_copied_rollout_divides_by_the_wrong_sums():
    attn = attention.softmax(2 * random(4, 3, 9, 9))
    sums = week3_tutorial.copied_rollout(attn).sum(axis=-1)
    assert np.abs(sums - 1).max() > 0.01
    kept = week3_tutorial.copied_rollout(attn, discard=0)
    assert np.allclose(kept, attention_maps.rollout(attn))


# The runs that ship


def test_shipped_runs_are_of_the_lesson_s_codes(week):
    with np.load(datasets.bundled("week3_runs.npz")) as stored:
        assert list(stored["codes"]) == list(week["CODES"])
        assert stored["answers"].shape == (5, 3, 2, 2000)
        assert stored["answers"].max() == 9


# The plumbing


def test_shuffle_is_a_permutation_of_patches_of_its_own_for_each_image():
    same = np.repeat(np.arange(48.0).reshape(1, 6, 8), 3, axis=0)
    mixed = torch_models.shuffle_patches(same, 2, seed=0)
    cut = [attention.patchify(image, 2) for image in (same[0], *mixed)]
    for patches in cut[1:]:
        assert not np.array_equal(patches, cut[0])
        assert np.array_equal(np.sort(patches, axis=0), cut[0][:, :])
    assert not np.array_equal(mixed[0], mixed[1])
    again = torch_models.shuffle_patches(same, 2, seed=0)
    assert np.array_equal(mixed, again)


def test_as_image_undoes_patchify():
    image = random(12, 12)
    patches = attention.patchify(image, 4)
    assert np.array_equal(torch_models.as_image(patches), image)


def test_classifier_learns_what_can_be_learned():
    x = random(400, 2)
    y = (x[:, 0] > 0).astype(int)
    torch.manual_seed(0)
    net = torch_models.train_classifier(
        torch.nn.Linear(2, 2), x, y, label="line", epochs=20, peak_rate=0.1
    )
    assert (torch_models.classify(net, x) == y).mean() > 0.95
    assert not net.training


def test_last_maps_are_read_in_parts_without_a_seam(untrained, monkeypatch):
    pictures = images(5)
    whole = torch_models.last_maps(untrained, pictures)
    monkeypatch.setattr(torch_models, "AT_ONCE", 2)
    parts = torch_models.last_maps(untrained, pictures)
    assert whole.shape == (5, 4, 2, 3)
    assert np.allclose(whole, parts, atol=1e-6)
    ready = vit_attention.prepare(pictures[3], untrained.model.patch_size)
    attn = vit_attention.read_attention(untrained.model, ready.tensor)
    right = attention_maps.class_maps(attn[-1].numpy(), ready.grid)[0]
    assert np.allclose(whole[3], right, atol=1e-6)


def test_features_are_the_class_tokens(untrained):
    pictures = images(3)
    pixels = torch_models.pixels_of(untrained, pictures)
    with torch.no_grad():
        right = untrained.model(pixels).numpy()
    found = torch_models.features(untrained, pictures)
    assert np.allclose(found, right, atol=1e-6)


def test_depth_profile_of_an_untrained_network_is_nearly_uniform(untrained):
    found = torch_models.depth_profile(untrained, images(2, 32, 48))
    distance, entropy = found
    depth = len(untrained.model.blocks)
    assert distance.shape == entropy.shape == (depth, 4)
    uniform = attention.mean_distance(np.full((24, 24), 1 / 24), (4, 6))
    assert np.allclose(distance, uniform, atol=0.2)
    assert (entropy > 0.97).all()
    assert (entropy <= 1 + 1e-6).all()


def test_scenes_fit_the_network_s_patches(untrained):
    scenes = torch_models.scenes_for(untrained, 2, "test", side=6, seed=3)
    side = 6 * untrained.model.patch_size
    assert scenes.images.shape == (2, side, side, 3)
    assert (
        torch_models.scenes_for(untrained, 2, "test", side=6, seed=3) is scenes
    )


def test_bars_are_drawn_for_every_name_and_score(capsys):
    rng = np.random.default_rng(0)
    table = {
        name: {score: rng.random(30) for score in ("a", "b")}
        for name in ("one", "two", "three")
    }
    fig = map_plots.score_bars(table, ["one"])
    assert [len(ax.patches) for ax in fig.axes] == [3, 3]
    assert fig.axes[0].patches[0].get_height() == pytest.approx(
        table["one"]["a"].mean()
    )
    map_plots.print_scores(table)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    assert f"{table['two']['b'].mean():.3f} [" in printed[2]


def test_heads_are_drawn_over_an_image_that_is_not_square():
    maps = attention.softmax(random(3, 12)).reshape(3, 3, 4)
    fig = map_plots.heads_over_image(images(1, 24, 32)[0], maps, 8)
    titles = [ax.get_title() for ax in fig.axes]
    assert titles[:4] == ["image", "head 0", "head 1", "head 2"]
    kept = fig.axes[5].images[0].get_array()
    mask = attention_maps.mass_mask(maps[0]).repeat(8, 0).repeat(8, 1)
    assert (np.asarray(kept)[~mask] == 255).all()


def test_depth_dots_have_one_row_for_each_measure():
    table = {"net": (random(6, 4), random(6, 4)), "other": (random(6, 4),) * 2}
    fig = map_plots.depth_dots(table, ["x", "y"], marks=[0, None])
    assert [ax.get_ylabel() for ax in fig.axes] == ["x", "", "y", ""]
    assert [len(ax.lines) for ax in fig.axes] == [5, 5, 4, 4]


def test_flows_follow_each_image_by_itself(untrained):
    pictures = images(3)
    found = torch_models.flows(untrained, pictures, attention_maps.rollout)
    alone = torch_models.flows(
        untrained, pictures[1:2], attention_maps.rollout
    )
    assert found.shape == (3, 7, 7)
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert np.allclose(found[1], alone[0], atol=1e-6)


def test_parameters_of_a_part_are_counted_by_name(untrained):
    count = torch_models.parameters
    parts = ("patch_embed", "pos_embed", "cls_token", "attn", "mlp", "norm")
    total = count(untrained.model)
    assert sum(count(untrained.model, part) for part in parts) == total
    assert count(untrained.model, "cls_token") == 128


def test_training_leaves_the_number_of_threads_as_it_was():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError):
        torch_models.train_classifier(
            torch.nn.Linear(3, 2), random(8, 2), [0, 1] * 4, label="x",
            epochs=1,
        )  # fmt: skip
    assert torch.get_num_threads() == before
