"""The source tutorial of week 3: evidence, not an example.

Its functions stand word for word but for wrapped lines and for a plt.show()
that is left out; PRINTED_* are the numbers it printed. What is wrong is the
subject of the lesson. `copied_rollout` is another's bug, retold.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

# fmt: off


def positional_encoding(embedding):
    """Add positional encoding to input embeddings."""
    seq_len = embedding.shape[1]
    channel_dim = embedding.shape[-1]
    pos_enc = np.zeros((seq_len, channel_dim))
    for pos in range(seq_len):
        for i in range(0, channel_dim, 2):
            pos_enc[pos, i] = math.sin(
                pos / (10000 ** ((2 * i) // channel_dim)))
            if i + 1 < channel_dim:
                pos_enc[pos, i + 1] = math.cos(
                    pos / (10000 ** ((2 * (i + 1)) // channel_dim)))
    return embedding + pos_enc


def extract_patches(images, patch_size):
    patches = []
    for image in images:
        for i in range(0, image.shape[0] - patch_size + 1, patch_size):
            for j in range(0, image.shape[1] - patch_size + 1, patch_size):
                patch = image[i:i+patch_size, j:j+patch_size, :]
                patches.append(patch.flatten())
    return np.array(patches)


def plot_img(img, img_per_col = 3, ):  # noqa: E251
    num_images = len(img)
    num_images  # noqa: B018

    nrow = num_images // img_per_col
    ncol = num_images // nrow

    fig, axes = plt.subplots(
        nrow, ncol,
        gridspec_kw=dict(wspace=0.05, hspace=0.05,  # noqa: C408
                         top=1. - 0.5 / (nrow + 1), bottom=0.5 / (nrow + 1),
                         left=0.5 / (ncol + 1), right=1 - 0.5 / (ncol + 1)),
        figsize=(ncol + 10, nrow + 10)
    )

    for i, image in enumerate(img):
        ax = axes[i // ncol, i % ncol]
        ax.imshow(image)
        ax.axis("off")


# Of the network's last layer, head 0: tokens 0 to 4 of 714.
PRINTED_SCORES = np.array([
    [3.1271, -1.5889, -1.9582, -1.7589, -1.5342],
    [3.2784, -0.5752, -0.8337, -0.8466, -0.6552],
    [3.2076, -0.8093, -0.8502, -0.7562, -0.6061],
    [3.2198, -0.7407, -0.7294, -0.5392, -0.4825],
    [2.9159, -0.9545, -1.0094, -0.9100, -0.4406]])
PRINTED_WEIGHTS = np.array([
    [0.0636, 0.0006, 0.0004, 0.0005, 0.0006],
    [0.0644, 0.0014, 0.0011, 0.0010, 0.0013],
    [0.0659, 0.0012, 0.0011, 0.0013, 0.0015],
    [0.0625, 0.0012, 0.0012, 0.0015, 0.0015],
    [0.0478, 0.0010, 0.0009, 0.0010, 0.0017]])

# fmt: on


def draws(count):
    """Return whether plot_img can draw so many maps."""
    try:
        plot_img(np.zeros((count, 4, 6)))
    except (ZeroDivisionError, IndexError):
        return False
    finally:
        plt.close("all")
    return True


def copied_rollout(attn, discard=0.9):
    """Rollout as it is copied most: (layers, heads, tokens, tokens)."""
    result = np.eye(attn.shape[-1])
    for layer in attn.mean(axis=1):
        flat = layer.flatten()
        weak = np.argsort(flat)[: int(flat.size * discard)]
        flat[weak[weak != 0]] = 0  # never the class token's own weight
        mixed = (flat.reshape(layer.shape) + np.eye(len(layer))) / 2
        mixed = mixed / mixed.sum(axis=-1)
        result = mixed @ result
    return result
