"""Plumbing of the Keras weeks, against counts and models known otherwise."""

import numpy as np
import pytest

import course_utils as cu
from course_utils import keras_models

keras = cu.import_quietly("keras")
layers = keras.layers


def classifier(*hidden):
    keras.utils.set_random_seed(0)
    parts = [layers.Dense(n, "relu") for n in hidden]
    return keras.Sequential(
        [keras.Input((2,)), *parts, layers.Dense(2, "softmax")]
    )


def points(count=400):
    x = np.random.default_rng(0).normal(size=(count, 2)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


@pytest.mark.parametrize("peak_rate", [None, 0.05])
def test_training_learns(peak_rate):
    x, y = points()
    model = keras_models.train(
        classifier(16),
        x,
        y,
        label="points",
        epochs=20,
        batch_size=20,
        peak_rate=peak_rate,
    )
    assert (keras_models.classify(model, x) == y).mean() > 0.95


def test_learning_rate_climbs_then_falls_to_zero():
    x, y = points(200)
    model = keras_models.train(
        classifier(), x, y, label="rate", epochs=5, batch_size=2, peak_rate=0.3
    )
    rate = model.optimizer._learning_rate
    rates = [float(rate(step)) for step in (0, 25, 50, 275, 500)]
    assert rates == pytest.approx([0.03, 0.165, 0.3, 0.15, 0], abs=0.01)


def test_multiply_adds_of_layers_counted_by_hand():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(5, 3, strides=2, padding="same")(image)  # (4, 4, 5)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Reshape((16, 5))(x)
    x = layers.Dense(7)(x)
    x = layers.Flatten()(x)
    model = keras.Model(image, layers.Dense(10)(x))
    by_hand = 16 * 5 * 27 + 16 * 5 * 9 + 16 * 5 * 7 + 16 * 7 * 10
    assert keras_models.multiply_adds(model) == by_hand


def test_multiply_adds_count_the_products_of_attention():
    tokens = keras.Input((9, 12))
    mixed = layers.MultiHeadAttention(3, 4, flash_attention=False)
    model = keras.Model(tokens, mixed(tokens, tokens))
    counted = keras_models.multiply_adds(model)
    assert counted == 4 * 9 * 12 * 12 + 2 * 9 * 9 * 12


def test_between_cuts_out_the_middle():
    x = inputs = keras.Input((4,))
    x = layers.Dense(3, name="first")(x)
    middle = layers.Dense(5, name="middle")
    x = layers.Dense(2, name="last")(middle(x))
    part = keras_models.between(keras.Model(inputs, x), "first", "last")
    given = np.ones((2, 3), "float32")
    assert np.allclose(part(given), middle(given))


def test_flat_weights_come_back():
    model, other = classifier(3, 4), classifier(3, 4)
    flat = np.concatenate([w.ravel() for w in model.get_weights()])
    other.set_weights([0 * w for w in other.get_weights()])
    keras_models.set_flat_weights(other, flat.astype("float16"))
    x, _ = points(10)
    assert np.allclose(model(x), other(x), atol=1e-2)
    keras_models.copy_weights(model, other)
    assert np.array_equal(model(x), other(x))


@pytest.mark.parametrize("change", [-1, 1])
def test_flat_weights_of_another_model_are_refused(change):
    model = classifier(3)
    vector = np.zeros(model.count_params() + change)
    with pytest.raises(ValueError, match="do not fill a model"):
        keras_models.set_flat_weights(model, vector)


def test_jitter_moves_images_in_training_only():
    image = np.zeros((20, 28, 28, 1), "float32")
    image[:, 10:18, 10:18] = 1
    inputs = keras.Input((28, 28, 1))
    model = keras_models.with_jitter(keras.Model(inputs, inputs))
    assert np.array_equal(model(image, training=False), image)
    moved = np.asarray(model(image, training=True))
    assert not np.array_equal(moved, image)
    assert np.allclose(moved.sum(axis=(1, 2, 3)), 64, atol=4)


def test_film_frames_have_the_size_and_the_peak():
    maps = np.random.default_rng(0).random((3, 2, 4))
    frames = keras_models.film_frames(maps, scale=5)
    assert [f.shape for f in frames] == 3 * [(10, 20, 3)]
    assert frames[0].dtype == np.uint8
    row, col = np.unravel_index(maps[0].argmax(), (2, 4))
    assert (frames[0][5 * row, 5 * col] > [250, 225, 30]).all()  # yellow
