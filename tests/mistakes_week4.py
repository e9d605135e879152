"""Right and plausible wrong answers to week 4's exercises in NumPy."""

import numpy as np

from course_utils import attention


def reduce(images):
    n, height, width, _ = images.shape
    cut = images.reshape(n, height // 4, 4, width // 4, 4, 3)
    return cut.mean(axis=(2, 4))


def reduce_by_loop(images):
    """Slow, and right."""
    out = np.zeros_like(images[:, ::4, ::4])
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            block = images[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
            out[:, i, j] = block.mean(axis=(1, 2))
    return out


def cut_by(pool):
    """Reduce by anything that takes (array, axes)."""

    def attempt(images):
        n, height, width, _ = images.shape
        cut = images.reshape(n, height // 4, 4, width // 4, 4, 3)
        return pool(cut, (2, 4))

    return attempt


def middle(images):
    n, height, width, _ = images.shape
    cut = images.reshape(n, height // 4, 4, width // 4, 4, 3)
    return cut[:, :, 1:3, :, 1:3].mean(axis=(2, 4))


def mixed_up(images):
    n, height, width, _ = images.shape
    return images.reshape(n, height // 4, width // 4, 16, 3).mean(axis=3)


def far_apart(images):
    n, height, width, _ = images.shape
    cut = images.reshape(n, 4, height // 4, 4, width // 4, 3)
    return cut.mean(axis=(1, 3))


def square_only(images):
    n, side = images.shape[:2]
    cut = images.reshape(n, side // 4, 4, side // 4, 4, 3)
    return cut.mean(axis=(2, 4))


def rows_only(images):
    n, height, width, _ = images.shape
    return images.reshape(n, height // 4, 4, width, 3).mean(axis=2)


def columns_only(images):
    return rows_only(images.swapaxes(1, 2)).swapaxes(1, 2)


def sized_for_eight(images):
    return images.reshape(-1, 2, 4, images.shape[2] // 4, 4, 3).mean((2, 4))


def enlarge(small):
    return small.repeat(4, axis=1).repeat(4, axis=2)


def consistent(high, low):
    return high + enlarge(low - reduce(high))


def consistent_by_loop(high, low):
    """Slow, and right."""
    out = high.copy()
    for i, j in np.ndindex(low.shape[1:3]):
        block = out[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
        block += (low[:, i, j] - block.mean(axis=(1, 2)))[:, None, None]
    return out


def smoothly(high, low):
    """With a correction that is enlarged bilinearly, as by PyTorch."""
    import torch
    from torch.nn import functional as F

    missing = torch.tensor(low - reduce(high)).permute(0, 3, 1, 2)
    large = F.interpolate(missing, size=high.shape[1:3], mode="bilinear")
    return high + large.permute(0, 2, 3, 1).numpy()


def some_of_each(high, low):
    """Agrees, but moves only the first pixel of each block."""
    out = high.copy()
    out[:, ::4, ::4] += 16 * (low - reduce(high))
    return out


def add_noise(x0, noise, t, alpha_bars):
    bar = alpha_bars[t][:, None, None, None]
    return np.sqrt(bar) * x0 + np.sqrt(1 - bar) * noise


def noised(signal, spread):
    """Add noise by factors made of alpha_bar."""

    def attempt(x0, noise, t, alpha_bars):
        bar = alpha_bars[t].reshape(-1, 1, 1, 1)
        return signal(bar) * x0 + spread(bar) * noise

    return attempt


def naively(x0, noise, t, alpha_bars):
    bar = alpha_bars[t]
    return np.sqrt(bar) * x0 + np.sqrt(1 - bar) * noise


def own_noise(x0, noise, t, alpha_bars):
    return add_noise(x0, np.random.normal(size=x0.shape), t, alpha_bars)


def rest(bar):
    return np.sqrt(1 - bar)


def same(bar):
    return bar


def clean_from_v(v, x_t, alpha_bar):
    return np.sqrt(alpha_bar) * x_t - np.sqrt(1 - alpha_bar) * v


def time_embedding(steps, width):
    return embedded(lambda i, half: -i / half)(steps, width)


def embedded(exponent, join=np.concatenate, order=(np.sin, np.cos)):
    """Embed with other exponents, or other waves."""

    def attempt(steps, width):
        half = width // 2
        powers = 10_000.0 ** exponent(np.arange(half), half)
        angles = steps[:, None] * powers
        return join([wave(angles) for wave in order], axis=1)

    return attempt


def interleaved(parts, axis):
    return np.stack(parts, axis=-1).reshape(len(parts[0]), -1)


def attend(
    scale=lambda dim, channels: dim**-0.5,
    axis=-1,
    out=lambda x, gamma, added: x + gamma * added,
    split=lambda x, heads: x.reshape(len(x), heads, -1, x.shape[2]),
    join=lambda x, shape: x.reshape(shape),
):
    """Attention between places; split gives (batch, heads, dim, places)."""

    def attempt(x, w_query, w_key, w_value, gamma, num_heads):
        flat = x.reshape(*x.shape[:2], -1)
        query, key, value = (
            split(w @ flat, num_heads) for w in (w_query, w_key, w_value)
        )
        factor = scale(query.shape[2], x.shape[1])
        logits = query.swapaxes(2, 3) @ key * factor
        attn = attention.softmax(logits, axis=axis)
        added = value @ attn.swapaxes(2, 3)  # (batch, heads, dim, places)
        return out(x, gamma, join(added, x.shape))

    return attempt


attention_block = attend()


def over_channels(per_head):
    """Channels attend to channels, all or those of one head."""

    def attempt(x, w_query, w_key, w_value, gamma, num_heads):
        heads = num_heads if per_head else 1
        flat = x.reshape(*x.shape[:2], -1)
        query, key, value = (
            (w @ flat).reshape(len(x), heads, -1, flat.shape[2])
            for w in (w_query, w_key, w_value)
        )
        attn = attention.softmax(query @ key.swapaxes(2, 3) / 3)
        return x + gamma * (attn @ value).reshape(x.shape)

    return attempt


def along_rows(x, w_query, w_key, w_value, gamma, num_heads):
    query, key, value = (
        np.einsum("oc,bchw->bhwo", w, x) for w in (w_query, w_key, w_value)
    )
    out, _ = attention.scaled_dot_product_attention(query, key, value)
    return x + gamma * out.transpose(0, 3, 1, 2)


def in_turn(x, heads):
    """Channel c goes to head c % heads."""
    return x.reshape(len(x), -1, heads, x.shape[2]).swapaxes(1, 2)


def join_in_turn(x, shape):
    return x.swapaxes(1, 2).reshape(shape)


def split_by_reshape(x, heads):
    tokens = x.swapaxes(1, 2)  # (batch, places, channels)
    cut = tokens.reshape(len(x), heads, tokens.shape[1], -1)
    return cut.swapaxes(2, 3)


def join_turned(x, shape):
    batch, channels, height, width = shape
    return x.reshape(batch, channels, width, height).swapaxes(2, 3)


def posterior(x_t, x0, now, then):
    alpha = now / then
    of_x0 = np.sqrt(then) * (1 - alpha) / (1 - now)
    of_x_t = np.sqrt(alpha) * (1 - then) / (1 - now)
    return of_x0 * x0 + of_x_t * x_t


def variance(now, then):
    return (1 - now / then) * (1 - then) / (1 - now)


def deviation(now, then):
    return np.sqrt(variance(now, then))


def reverse_step(x_t, x0, now, then, noise):
    return posterior(x_t, x0, now, then) + deviation(now, then) * noise


def reverse_by_noise(x_t, x0, now, then, noise):
    """Algorithm 2 of Ho et al.: the same mean, by the predicted noise."""
    alpha = now / then
    found = (x_t - np.sqrt(now) * x0) / np.sqrt(1 - now)
    mean = x_t - (1 - alpha) / np.sqrt(1 - now) * found
    return mean / np.sqrt(alpha) + deviation(now, then) * noise


def spread(of):
    """The right mean, with another factor of the noise."""

    def attempt(x_t, x0, now, then, noise):
        return posterior(x_t, x0, now, then) + of(now, then) * noise

    return attempt


def ddim_step(x_t, x0, now, then):
    noise = (x_t - np.sqrt(now) * x0) / np.sqrt(1 - now)
    return mix(x0, noise, then)


def mix(x0, noise, bar):
    return np.sqrt(bar) * x0 + np.sqrt(1 - bar) * noise


def by_slope(x_t, x0, now, then):
    """The first term of a Taylor series: good for small steps only."""
    noise = (x_t - np.sqrt(now) * x0) / np.sqrt(1 - now)
    slope = x0 / np.sqrt(now) - noise / np.sqrt(1 - now)
    return x_t + (then - now) * slope / 2


# exercise -> (wrong answer, words of its hint)
PICTURES = {
    "reduce": [
        (square_only, "Right for square pictures"),
        (lambda x: reduce(x).mean(axis=-1), "red stays red"),
        (rows_only, "width is not reduced"),
        (columns_only, "height is not reduced"),
        (lambda x: reduce(x).swapaxes(1, 2), "axis 1 counts rows"),
        (lambda x: reduce(x).mean(axis=0), "axis 0 counts them"),
        (lambda x: enlarge(reduce(x)), "as large as the picture"),
        (lambda x: reduce(x)[:2], "should have shape"),
        (lambda x: x[:, ::4, ::4], "(row 0, column 0)"),
        (lambda x: x[:, 2::4, 2::4], "(row 2, column 2)"),
        (middle, "12 pixels of 16 are never looked at"),
        (mixed_up, "one row, not in a square"),
        (far_apart, "lie far apart"),
        (cut_by(np.sum), "white would come out as 16"),
        (lambda x: 4 * reduce(x), "the other summed"),
        (cut_by(np.max), "largest value"),
        (cut_by(np.median), "median"),
        (lambda x: reduce(x)[:, ::-1], "one colour of its own"),
        (sized_for_eight, "wrong for 12 x 4"),
    ],
    "consistent": [
        (lambda high, low: low, "as small as"),
        (lambda high, low: enlarge(low), "all detail"),
        (lambda high, low: high, "as it came"),
        (lambda high, low: high + enlarge(low), "brightness already"),
        (
            lambda high, low: 2 * high - consistent(high, low),
            "sign is wrong",
        ),
        (
            lambda high, low: high + np.tile(low - reduce(high), (1, 4, 4, 1)),
            "wallpaper",
        ),
        (smoothly, "enlarged smoothly"),
        (
            lambda high, low: high * enlarge(low / reduce(high)),
            "not a factor",
        ),
        (lambda high, low: consistent(high, low).clip(0, 1), "cut off"),
        (lambda high, low: high + (low.mean() - high.mean()), "is not `low`"),
        (
            lambda high, low: (
                high + (low - reduce(high)).mean((1, 2), keepdims=True)
            ),
            "for the whole picture",
        ),
        (
            lambda high, low: (
                high + enlarge((low - reduce(high)).mean(-1, keepdims=True))
            ),
            "all three colours",
        ),
        (
            lambda high, low: high + enlarge(low - reduce(high)) / 16,
            "shared out",
        ),
        (some_of_each, "changed more than needed"),
        (
            lambda high, low: (
                consistent(high, low) if len(high) == 5 else high
            ),
            "wrong for 12 x 4",
        ),
    ],
}
