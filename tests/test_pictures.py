"""Week 4's pictures: which source answers, and how PyTorch takes them."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import runtime
from course_utils.crops import SPLITS, crops
from course_utils.pictures import Pictures, as_tensor, pictures


@pytest.fixture(autouse=True)
def before_setup(monkeypatch):
    monkeypatch.setattr(runtime, "_session", None)


@pytest.fixture
def folder(tmp_path):
    """A folder of three photos."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "mine"
    folder.mkdir()
    for i in range(3):
        photo = rng.integers(256, size=(40, 50, 3), dtype=np.uint8)
        Image.fromarray(photo).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("split", SPLITS)
def test_bundled_pictures_are_the_crops(split):
    found = pictures(30, split=split, seed=3, source="bundled")
    expected = crops(30, split=split, seed=3).images
    np.testing.assert_array_equal(found.images, expected)
    assert found.source == "bundled"


def test_pictures_are_frozen_and_say_what_they_are():
    found = pictures(1200, seed=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.images = None
    assert found != pictures(1200, seed=0) and isinstance(found, Pictures)
    assert repr(found) == "Pictures(bundled: 1,200 of 32x32 pixels)"


def test_the_session_decides_where_no_source_is_given(folder, monkeypatch):
    assert pictures(2, seed=0).source == "bundled"
    session = runtime.Session(3, "quick", str(folder), "CPU", 0)
    monkeypatch.setattr(runtime, "_session", session)
    assert pictures(2, seed=0).source == str(folder)
    assert pictures(2, seed=0, source="bundled").source == "bundled"


@pytest.mark.parametrize("source", ["reel", "", "/no/such/folder", 3])
def test_unknown_source_lists_the_choices(source):
    with pytest.raises(ValueError, match="choose bundled, real, or the path"):
        pictures(2, seed=0, source=source)


@pytest.mark.parametrize("source", ["bundled", "real", "folder"])
@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"count": 0}, "count must be a whole number, 1 or more, got 0"),
        ({"count": 1.5}, "count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, got -1"),
        ({"split": "valid"}, "choose one of train, validation, test"),
    ],
)
def test_what_is_wrong_is_named(source, wrong, message, folder, cache):
    source = folder if source == "folder" else source
    asked = {"count": 4, "seed": 0, "source": source} | wrong
    with pytest.raises(ValueError, match=message):
        pictures(asked.pop("count"), **asked)
    assert not cache.exists()  # before any download


def test_a_tensor_has_channels_first_and_goes_from_0_to_1():
    images = np.random.default_rng(0).integers(
        256, size=(5, 8, 12, 3), dtype=np.uint8
    )
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    tensor = as_tensor(images)
    assert tensor.shape == (5, 3, 8, 12) and tensor.dtype == torch.float32
    assert tensor.min() == 0 and tensor.max() == 1
    assert tensor.is_contiguous()
    for n, y, x, c in [(0, 0, 0, 0), (4, 7, 11, 2), (2, 3, 5, 1)]:
        assert tensor[n, c, y, x] == np.float32(images[n, y, x, c] / 255)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_floats_from_0_to_1_are_taken_as_they_are(dtype):
    images = np.random.default_rng(0).random((2, 4, 8, 3)).astype(dtype)
    tensor = as_tensor(images)
    assert tensor.dtype == torch.float32
    expected = images.transpose(0, 3, 1, 2).astype("f4")
    np.testing.assert_array_equal(tensor.numpy(), expected)


@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_a_tensor_is_a_copy(dtype):
    channels_first = np.zeros((2, 3, 4, 4), dtype)
    images = channels_first.transpose(0, 2, 3, 1)
    as_tensor(images).fill_(1)
    assert not images.any()


IMAGES = np.full((2, 8, 8, 3), 0.5, np.float32)


def with_one(value):
    images = IMAGES.copy()
    images[1, 2, 3, 0] = value
    return images


@pytest.mark.parametrize(
    "images, message",
    [
        (IMAGES[..., 0], r"grey.*\(2, 8, 8\); repeat the channel with .*None"),
        (IMAGES[..., :1], r"grey.*\(2, 8, 8, 1\); repeat the channel"),
        (IMAGES[0], r"a single image needs images\[None\]"),
        (IMAGES.transpose(0, 3, 1, 2), "got .*channels come last"),
        (np.concatenate([IMAGES] * 2, axis=-1), r"\(2, 8, 8, 6\)"),
        (IMAGES[:0], r"\(0, 8, 8, 3\); .*n is at least 1"),
        (IMAGES[:, :0], r"got \(2, 0, 8, 3\)"),
        (IMAGES[0, 0, 0], r"got \(3,\)"),
        (IMAGES[:, :6], "height is 6: crop it to a multiple of 4"),
        (IMAGES[:, :, :7], "width is 7: crop it to a multiple of 4"),
        (with_one(np.nan), "1 numbers of the images are NaN"),
        (with_one(np.inf), "these up to inf"),
        (with_one(1.01), "these up to 1.01: divide by 255, or .*0 to 255"),
        (IMAGES * 255, "up to 127.5: divide by 255"),
        (with_one(-0.02), "these down to -0.02: np.clip"),
    ],
)
def test_what_is_wrong_with_images_is_named(images, message):
    with pytest.raises(ValueError, match=message):
        as_tensor(images)


@pytest.mark.parametrize("dtype", ["i8", "u2", "?", "c8", "U1"])
def test_other_types_of_numbers_are_named(dtype):
    with pytest.raises(TypeError, match="expected uint8 from 0 to 255, or"):
        as_tensor(np.ones((2, 8, 8, 3)).astype(dtype))


def test_pictures_themselves_are_no_images():
    found = pictures(2, seed=0)
    with pytest.raises(TypeError, match=r"of pictures\(...\) give .images"):
        as_tensor(found)
    assert as_tensor(found.images).shape == (2, 3, 32, 32)


def test_the_hint_for_grey_images_works():
    for images in (IMAGES[..., 0], IMAGES[..., :1]):
        with pytest.raises(ValueError) as error:
            as_tensor(images)
        code = str(error.value).partition("with ")[2]
        colour = eval(code, {"np": np, "images": images})
        assert as_tensor(colour).shape == (2, 3, 8, 8)
