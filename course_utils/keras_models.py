"""Train Keras models with a progress bar, count them, read their attention.

Plumbing of the weeks that use Keras; what they teach stands in the lessons.
"""

import math

import numpy as np


def train(
    model,
    x,
    y,
    *,
    label,
    epochs,
    batch_size=128,
    peak_rate=None,
    callbacks=(),
):
    """Compile a classifier, fit it behind one progress bar, return it.

    Args:
        model: a Keras model that ends in probabilities `(n, classes)`.
        x, y: inputs and whole-number labels.
        label: what the progress bar says.
        epochs, batch_size: as in Keras.
        peak_rate: None for Adam's constant 0.001. A number: the learning
            rate climbs to it over the first tenth of all steps, then falls
            to 0 along a cosine (Loshchilov and Hutter, 2017).
        callbacks: more Keras callbacks.
    """
    from keras import optimizers

    from course_utils.progress_bar import KerasProgress

    rate = 1e-3
    if peak_rate is not None:
        steps = epochs * math.ceil(len(x) / batch_size)
        warm = steps // 10
        rate = optimizers.schedules.CosineDecay(
            peak_rate / 10,
            steps - warm,
            warmup_target=peak_rate,
            warmup_steps=warm,
        )
    model.compile(
        optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        x,
        y,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[KerasProgress(label, epochs), *callbacks],
    )
    return model


def with_jitter(model):
    """Return a classifier of images that trains on jittered copies.

    In training every image is shifted by up to 8% of its side and turned
    by up to 11 degrees; afterwards nothing is changed.

    Args:
        model: takes images `(n, height, width, channels)`.
    """
    import keras

    return keras.Sequential(
        [
            keras.Input(model.input_shape[1:]),
            keras.layers.RandomTranslation(0.08, 0.08, "constant"),
            keras.layers.RandomRotation(0.03, "constant"),
            model,
        ]
    )


def classify(model, x):
    """Return the most probable class of each input, `(n,)`."""
    return model.predict(x, batch_size=500, verbose=0).argmax(axis=-1)


def reloaded(model, **options):
    """Save a model as .keras, load it again, return what was loaded.

    The file lies in a temporary folder, which is gone afterwards.

    Args:
        model: any Keras model.
        options: for `keras.models.load_model`.
    """
    import tempfile
    from pathlib import Path

    import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return keras.models.load_model(path, **options)


def between(model, first, last):
    """Return the part from after layer `first` to before layer `last`."""
    import keras

    start, end = model.get_layer(first).output, model.get_layer(last).input
    return keras.Model(start, end)


def multiply_adds(model):
    """Count the multiplications of matrix products and convolutions.

    They are read from TensorFlow's graph for one input, so that layers
    made of plain functions count too. Each comes with one addition: this
    is half the number of floating-point operations.
    """
    import tensorflow as tf

    spec = tf.TensorSpec((1, *model.input_shape[1:]))
    graph = tf.function(model).get_concrete_function(spec).graph
    return sum(_multiplications(op) for op in graph.get_operations())


def print_sizes(models):
    """Print parameters and multiply-adds of each model of a dict."""
    width = max(len(name) for name in models)
    lines = [f"{'':{width}}{'parameters':>12}{'multiply-adds':>15}"]
    for name, model in models.items():
        size = f"{model.count_params():12,}{multiply_adds(model):15,}"
        lines.append(f"{name:{width}}{size}")
    print("\n".join(lines))


def copy_weights(source, target):
    """Give a layer or model the weights of another, in their order.

    The shapes may differ, such as `(width, heads, head_dim)` for one and
    `(width, heads * head_dim)` for the other, the numbers of weights not.
    """
    parts = [part.ravel() for part in source.get_weights()]
    set_flat_weights(target, np.concatenate(parts))


def set_flat_weights(model, vector):
    """Fill a model with weights that were stored as one vector.

    Args:
        model: any Keras model.
        vector: all weights in the order of `get_weights`, each raveled.

    Returns:
        The model.

    Raises:
        ValueError: the vector has not one number for each weight.
    """
    weights = model.get_weights()
    ends = np.cumsum([part.size for part in weights])
    if len(vector) != ends[-1]:
        raise ValueError(
            f"{len(vector)} numbers do not fill a model of {ends[-1]}"
        )
    parts = np.split(np.asarray(vector, np.float32), ends[:-1])
    shapes = [part.shape for part in weights]
    model.set_weights(
        [p.reshape(s) for p, s in zip(parts, shapes, strict=True)]
    )
    return model


def attention_maps(model, x, layer="mixer", batch_size=500):
    """Return the weights of an attention layer for each input.

    Args:
        model: a functional Keras model.
        x: `(n, ...)` inputs of the model.
        layer: name of a self-attention layer whose call has the argument
            `return_attention_scores`.
        batch_size: inputs at a time.

    Returns:
        `(n, heads, queries, keys)`, rows sum to 1.
    """
    import keras

    attend = model.get_layer(layer)
    before = keras.Model(model.input, attend.input)
    starts = range(0, len(x), batch_size)
    maps = [
        attend(before(x[i : i + batch_size]), return_attention_scores=True)[1]
        for i in starts
    ]
    return np.concatenate([np.asarray(part) for part in maps])


def AttentionFilm(x, every):  # noqa: N802 - used like a Keras class
    """Return a callback that keeps attention maps during training.

    Args:
        x: inputs whose maps are kept.
        every: steps between two snapshots; the first is before step 1.

    Returns:
        A callback; its `maps` is a list of `(n, heads, queries, keys)`.
    """
    import keras

    class _Film(keras.callbacks.Callback):
        maps, step = (), 0

        def on_train_batch_begin(self, batch, logs=None):
            if self.step % every == 0:
                self.maps = [*self.maps, attention_maps(self.model, x)]
            self.step += 1

    return _Film()


def film_frames(maps, scale=32):
    """Return maps `(n, rows, cols)` as viridis frames for `plots.gif`.

    Each frame is scaled to its own maximum, each entry drawn as a square
    of `scale` pixels.
    """
    from matplotlib import colormaps

    shades = colormaps["viridis"](maps / maps.max((1, 2), keepdims=True))
    frames = (255 * shades[..., :3]).astype("uint8")
    return list(frames.repeat(scale, 1).repeat(scale, 2))


def without_heads(model, heads, layer="mixer"):
    """Return a copy of a model in which some heads hand over nothing.

    The columns of the value projection that belong to these heads are set
    to 0, so that their average is 0 whatever they attend to.

    Args:
        model: a functional Keras model.
        heads: indices, counted from 0.
        layer: name of an attention layer with a dense layer `value` and
            `num_heads`.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    attend = copy.get_layer(layer)
    kernel, bias = attend.value.get_weights()
    columns = np.arange(len(bias)).reshape(attend.num_heads, -1)[heads]
    kernel[:, columns.ravel()] = 0
    bias[columns.ravel()] = 0
    attend.value.set_weights([kernel, bias])
    return copy


def _multiplications(op):
    if op.type in ("MatMul", "BatchMatMulV2"):
        return op.outputs[0].shape.num_elements() * op.inputs[0].shape[-1]
    if op.type == "Einsum":
        return _letters(op)
    if op.type in ("Conv2D", "DepthwiseConv2dNative"):
        kernel = op.inputs[1].shape.as_list()  # (height, width, in, out)
        per_output = math.prod(kernel[: 3 if op.type == "Conv2D" else 2])
        return op.outputs[0].shape.num_elements() * per_output
    return 0


def _letters(op):
    """Multiply the lengths of all axes that an einsum names."""
    equation = op.get_attr("equation").decode()
    lengths = {}
    for axes, array in zip(
        equation.split("->")[0].split(","), op.inputs, strict=True
    ):
        lengths.update(zip(axes, array.shape.as_list(), strict=True))
    return math.prod(lengths.values())
