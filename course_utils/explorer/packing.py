"""Make attention weights and pictures small enough for a notebook.

A row of attention is stored as whole numbers 0 ... levels of its largest
weight on a patch, so a stored weight is off by at most 0.5 / levels of that
weight. What the explorer says in words (largest weight, where it is, weight
on the class token, entropy) is computed from the full numbers and stored
beside them, to within 0.02%: more digits than it says.
"""

import base64
import io
import zlib

import numpy as np

LEVELS = (255, 127, 63, 31, 15, 7)
SPEED = 6  # of gzip: 9 takes five times as long for 3% less
GZIP = 31  # zlib's code for a stream with gzip's header
NATS = 24  # a logarithm from 0 to -NATS fills 16 bits
ROUNDING = 0.5 * NATS / 65534  # relative, of a weight stored so


def summary(attn, class_token=False):
    """Return what is said in words about every row of attention.

    Args:
        attn: (..., keys), rows sum to 1.
        class_token: whether key 0 is one.

    Returns:
        (largest weight on a patch, its patch, weight on the class token or
        0, entropy over all keys in nats), each (...).
    """
    logs = np.log(attn, where=attn > 0, out=np.zeros_like(attn))
    entropy = -(attn * logs).sum(-1) + 0.0
    patches = attn[..., int(class_token) :]
    on_class = attn[..., 0] if class_token else np.zeros_like(entropy)
    return patches.max(-1), patches.argmax(-1), on_class, entropy


def logarithmic(weights):
    """Code weights from 0 to 1 in 16 bits; below exp(-NATS) becomes 0."""
    with np.errstate(divide="ignore"):
        code = np.rint(-np.log(np.minimum(weights, 1)) / NATS * 65534)
    return np.minimum(code, 65535).astype("<u2")


def quantise(attn, levels):
    """Return uint8 steps 0 ... levels, each row relative to its maximum."""
    largest = attn.max(axis=-1, keepdims=True)
    steps = attn / np.where(largest > 0, largest, 1) * levels
    return np.rint(steps).astype(np.uint8)


def numbers(views):
    """Return the rows' numbers as bytes, all maps and means of a layer.

    Little endian uint16, the whole array of each before the next: largest
    weight and weight on the class token, logarithmic; place of the largest;
    entropy as a share of 65535 of the highest possible.
    """
    has_class = views.tokens.class_token
    each = [summary(maps, has_class) for maps in views.numbered()]
    largest, where, on_class, entropy = map(np.stack, zip(*each, strict=True))
    most = max(np.log(views.tokens.count), 1e-9)
    parts = [
        logarithmic(largest),
        logarithmic(on_class),
        where.astype("<u2"),
        np.rint(np.minimum(entropy / most, 1) * 65535).astype("<u2"),
    ]
    return b"".join(part.tobytes() for part in parts)


def pack(views, rooms):
    """Compress the maps with the finest steps that fit.

    Layout: numbers(), then the steps (layers, maps, queries, patches). With
    `delta`, a row is stored as its difference to the row before (modulo
    256): shorter for smooth attention, longer for sharp.

    Args:
        views: a Views.
        rooms: limits in bytes, rising; the next one is tried if not even
            the coarsest steps fit into one.

    Returns:
        dict of payload (base64 of the gzipped bytes), levels, delta.

    Raises:
        ValueError: too much for the last limit, says what to do.
    """
    head = numbers(views)
    for room in rooms:
        coarse, need = _squeeze(views, head, LEVELS[-1], room)
        if coarse is None:
            continue
        for levels in LEVELS[:-1]:
            fine, _ = _squeeze(views, head, levels, room)
            if fine is not None:
                return fine
        return coarse
    raise ValueError(_too_much(views, need, rooms[-1]))


def _squeeze(views, head, levels, room):
    """Return (packed, its length); (None, a guess) when it is too long."""
    zipper = zlib.compressobj(SPEED, zlib.DEFLATED, GZIP)
    stream = bytearray(zipper.compress(head))
    delta, last = None, np.uint8(0)
    for done, maps in enumerate(views.maps(), start=1):
        patches = maps[..., int(views.tokens.class_token) :]
        steps = quantise(patches, levels).reshape(-1, patches.shape[-1])
        change = np.diff(steps, axis=0, prepend=[last + 0 * steps[0]])
        last = steps[-1]
        if delta is None:  # decided by the first layer
            delta = _length(change) < _length(steps)
        stream += zipper.compress((change if delta else steps).tobytes())
        if 4 * len(stream) > 3 * room:
            return None, 4 * len(stream) * len(views) // (3 * done)
    payload = base64.b64encode(stream + zipper.flush()).decode()
    if len(payload) > room:
        return None, len(payload)
    packed = {"payload": payload, "levels": levels, "delta": delta}
    return packed, len(payload)


def _length(steps):
    """Return how long `steps` become when compressed alone."""
    return len(zlib.compress(steps.tobytes(), SPEED))


def _too_much(views, need, room):
    """Say that the weights do not fit, and what would."""
    told = (
        f"attention of shape {views.attn.shape} is too much for a page: "
        f"rounded to {50 / LEVELS[-1]:.0f}% of the largest weight it takes "
        f"about {need / 1e6:.1f} MB, max_bytes leaves it {room / 1e6:.2f} MB"
    )
    shown = views.layers
    fitting = min(int(0.9 * room / need * len(shown)), len(shown) - 1)
    if fitting < 1:
        return f"{told}; pass fewer heads, or a larger max_bytes"
    places = np.linspace(0, len(shown) - 1, fitting + 1)[1:]
    return (
        f"{told}; show fewer layers, for example layers="
        f"{[shown[round(place)] for place in places]} (a rollout still "
        "counts them all), fewer heads, or pass a larger max_bytes"
    )


def data_uri(image, quality=80):
    """Return uint8 `image` (height, width, 3) as a data: address.

    Small images become PNG (exact pixels), photos JPEG.
    """
    from PIL import Image

    kind, options = "jpeg", {"quality": quality}
    if max(image.shape[:2]) <= 128:
        kind, options = "png", {"optimize": True}
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return (
        f"data:image/{kind};base64,"
        + base64.b64encode(buffer.getvalue()).decode()
    )
