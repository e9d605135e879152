"""Do maps lie where the attribute is? Maps whose score is known."""

import numpy as np
import pytest
from random_faces import random_faces

from course_utils.face_drawing import ATTRIBUTE_REGIONS, REGIONS
from course_utils.face_labels import ATTRIBUTES, index_of
from course_utils.face_maps import (
    all_masks,
    best_heads,
    chosen_maps,
    located,
    map_scores,
    mean_maps,
    positives,
    template_scores,
)
from course_utils.faces import Faces, faces

COUNT = 6
HAT, MOUTH = index_of("Wearing_Hat"), index_of("Smiling")
PLACELESS = {index_of("Attractive"), index_of("Blurry")}
NAMES = {"energy", "pointing"}


def as_attention(maps):
    """Return `(n, layers, heads, 40, 64)` from (n, 40 or 1, 8, 8)."""
    maps = np.broadcast_to(maps, (len(maps), len(ATTRIBUTES), 8, 8))
    flat = maps.reshape(len(maps), 1, 1, len(ATTRIBUTES), 64)
    return np.repeat(np.repeat(flat, 2, axis=1), 3, axis=2)


def even(count=COUNT):
    return as_attention(np.full((count, 1, 8, 8), 1 / 64, np.float16))


def tiled(rows_of):
    """Faces that all show all; region r fills two patches of its own row.

    Args:
        rows_of: `(n,)`, the row of patches for the hat's region (the mouth
            is one row below).
    """
    regions = np.zeros((len(rows_of), 64, 64), np.uint32)
    for name, below in (("crown", 0), ("mouth", 1)):
        for i, row in enumerate(rows_of):
            rows = slice(8 * (row + below), 8 * (row + below) + 8)
            regions[i, rows, 16:32] |= np.uint32(1 << REGIONS.index(name))
    shown = np.ones((len(rows_of), len(ATTRIBUTES)), bool)
    return Faces(np.zeros((*regions.shape, 3), np.uint8), shown, shown,
                 regions)  # fmt: skip


def masks_as_maps(some):
    """Return the attention that lies exactly where each attribute is."""
    maps = np.zeros((len(some), len(ATTRIBUTES), 8, 8))
    for a in located():
        masks = some.masks(ATTRIBUTES[a])
        maps[:, a] = masks.reshape(-1, 8, 8, 8, 8).mean(axis=(2, 4))
    return as_attention(maps)


# Maps


def test_every_attribute_is_located_but_two():
    assert set(range(40)) - set(located()) == PLACELESS
    assert located() == sorted(located())
    assert {ATTRIBUTES[i] for i in located()} == set(ATTRIBUTE_REGIONS)


def test_a_map_is_the_mean_over_layers_and_heads():
    attn = np.random.default_rng(0).random((2, 3, 4, 5, 64))
    maps = mean_maps(attn.astype(np.float16))
    assert maps.shape == (2, 5, 8, 8)
    expected = attn[1, :, :, 2, 8 * 6 + 3].mean()
    assert maps[1, 2, 6, 3] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("shape", [(2, 3, 5, 64), (2, 1, 3, 5, 49)])
def test_attention_of_another_shape_is_named(shape):
    with pytest.raises(ValueError, match=r"heads, attributes, 64\), got \("):
        mean_maps(np.ones(shape))


# Faces that count


def test_faces_that_show_it_count_whatever_annotators_say():
    some = tiled([0, 1, 2, 3, 4])
    shown = np.zeros((5, 40), bool)
    shown[[1, 2, 4], HAT] = True
    regions = some.regions.copy()
    regions[2] = 0  # something hides it
    some = Faces(some.images, ~shown, shown, regions)
    chosen, masks = positives(some, HAT)
    assert chosen.tolist() == [1, 4]
    assert np.array_equal(masks, some.masks("Wearing_Hat")[[1, 4]])
    assert positives(some, HAT, most=1)[0].tolist() == [1]


def test_no_more_faces_than_asked_for_are_scored():
    some = tiled([0, 5])
    maps = np.zeros((2, 1, 8, 8))
    maps[:, :, 0, 2] = 1  # right for the first face's hat alone
    attn = as_attention(maps)
    assert map_scores(attn, some)["pointing"][HAT] == 0.5
    assert map_scores(attn, some, most=1)["pointing"][HAT] == 1


# Scores


def test_an_even_map_scores_1_and_the_share_of_the_image():
    some = random_faces(COUNT)
    found = map_scores(even(), some)
    assert set(found) == NAMES
    energy, pointing = found["energy"], found["pointing"]
    assert set(np.flatnonzero(np.isnan(energy))) == PLACELESS
    assert set(np.flatnonzero(np.isnan(pointing))) == PLACELESS
    np.testing.assert_allclose(energy[located()], 1)
    for a in located():
        share = some.masks(ATTRIBUTES[a])[some.drawn[:, a]].mean()
        assert pointing[a] == pytest.approx(share)


def test_a_map_on_the_mask_scores_most_and_one_beside_it_nothing():
    some = tiled([0, 2, 5])
    right = masks_as_maps(some)
    found = map_scores(right, some)
    assert found["energy"][[HAT, MOUTH]] == pytest.approx(32)  # 2 of 64
    assert found["pointing"][[HAT, MOUTH]].tolist() == [1, 1]
    beside = map_scores(right[..., ::-1], some)
    assert beside["energy"][[HAT, MOUTH]].tolist() == [0, 0]
    assert beside["pointing"][[HAT, MOUTH]].tolist() == [0, 0]


def test_each_attribute_and_face_is_scored_on_its_own_map():
    some = tiled([0, 2, 5])
    right = masks_as_maps(some)
    swapped = right.copy()
    swapped[..., [HAT, MOUTH], :] = right[..., [MOUTH, HAT], :]
    turned = right[[1, 2, 0]]
    for wrong in (swapped, turned):
        found = map_scores(wrong, some)
        assert found["energy"][[HAT, MOUTH]].tolist() == [0, 0]


def test_an_attribute_that_no_face_shows_has_no_score():
    some = random_faces(COUNT)
    some.drawn[:, HAT] = False
    for found in (map_scores(even(), some), template_scores(some, some)):
        for scores in found.values():
            empty = np.flatnonzero(np.isnan(scores))
            assert set(empty) == {HAT, *PLACELESS}


def test_maps_of_other_faces_are_named():
    with pytest.raises(ValueError, match="5 maps, but 6 faces"):
        map_scores(even(5), random_faces(COUNT))


def test_photos_cannot_be_scored():
    some = random_faces(COUNT)
    photos = Faces(some.images, some.labels)
    with pytest.raises(ValueError, match="photos come without regions"):
        map_scores(even(), photos)


# One head for each attribute


def split_heads(some):
    """Attention of 6 heads: number 4 sees the hat, number 1 the mouth."""
    attn = np.array(even(len(some)))
    right = masks_as_maps(some) / 2
    attn[:, 1, 1, HAT] = right[:, 0, 0, HAT]
    attn[:, 0, 1, MOUTH] = right[:, 0, 0, MOUTH]
    return attn


def test_each_attribute_gets_the_head_that_finds_it():
    some = tiled([0, 2, 5])
    attn = split_heads(some)
    heads = best_heads(attn, some)
    assert heads[[HAT, MOUTH]].tolist() == [4, 1]
    assert set(heads[[*PLACELESS]]) == {0}
    maps = chosen_maps(attn, heads)
    assert maps.shape == (3, 40, 8, 8) and maps.dtype == np.float32
    np.testing.assert_array_equal(maps[2, HAT].ravel(), attn[2, 1, 1, HAT])
    found = map_scores(attn, some, heads)
    assert found["energy"][[HAT, MOUTH]] == pytest.approx(32)
    assert (map_scores(attn, some)["energy"][[HAT, MOUTH]] < 10).all()


def test_heads_are_chosen_on_the_faces_given():
    """The first face's best head is the worst of the second's."""
    one, other = tiled([0]), tiled([5])
    attn = np.array(even(1))
    attn[:, 0, 2] = masks_as_maps(one)[:, 0, 0]
    attn[:, 1, 0] = masks_as_maps(other)[:, 0, 0]
    for some, head in ((one, 2), (other, 3)):
        assert best_heads(attn, some)[HAT] == head
    scored = map_scores(attn, other, best_heads(attn, one))
    assert scored["energy"][HAT] == 0


def test_masks_of_all_attributes_are_those_of_each():
    some = random_faces(2)
    masks = all_masks(some)
    assert masks.shape == (2, 40, 64, 64) and masks.dtype == bool
    assert not masks[:, [*PLACELESS]].any()
    for a in located():
        assert np.array_equal(masks[:, a], some.masks(ATTRIBUTES[a]))


# The template


def test_a_template_is_right_where_all_faces_are_alike():
    found = template_scores(tiled([4, 4]), tiled([4, 4, 4]))
    assert found["energy"][[HAT, MOUTH]] == pytest.approx(32)
    assert found["pointing"][[HAT, MOUTH]].tolist() == [1, 1]


def test_a_template_is_the_mean_of_the_training_masks():
    found = template_scores(tiled([0, 0, 0, 6]), tiled([6]))
    assert found["energy"][HAT] == pytest.approx(32 / 4)
    assert found["pointing"][HAT] == 0
    assert template_scores(tiled([6, 0, 0]), tiled([6]), most=1)["energy"][
        HAT
    ] == pytest.approx(32)


@pytest.mark.filterwarnings("error")
def test_a_template_that_no_face_made_is_even():
    train = tiled([0, 2])
    train.drawn[:, HAT] = False
    found = template_scores(train, tiled([3]))
    assert found["energy"][HAT] == pytest.approx(1)


def test_a_template_of_drawn_faces_beats_an_even_map():
    train = faces(40, split="train", workers=1)
    test = faces(20, split="test", workers=1)
    found = template_scores(train, test)
    assert np.nanmean(found["energy"]) > 2
    scored = ~np.isnan(found["energy"])
    assert (found["energy"][scored] > 1).mean() > 0.9
    pointing = map_scores(even(20), test)["pointing"]
    assert np.nanmean(found["pointing"]) > 2 * np.nanmean(pointing)
