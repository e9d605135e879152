# %% [markdown]
# # Week 6, graded: a denoiser that knows its own error
#
# {{badges}}
#
# Who cleans a photo without a clean copy has to know three things that nobody
# tells: how much noise there is, how similar is similar enough, and when to
# stop. You build what measures each of them: weights of non-local means with
# the two corrections that its users added, a noise meter that texture does not
# fool, blind spots, the spectrum of smoothing, the patch prior of EPLL, and a
# risk for attention that does not forget that weights move.
#
# **Hand in** this one notebook, run from top to bottom. It is planned for
# about two hours. NumPy, SciPy, scikit-learn, PyTorch and `course_utils` are
# allowed, other people's finished solutions are not.
#
# **Points.** 20 for six functions: each is judged by properties. Those that
# you see give their points at once; hidden ones are judged after you hand in,
# all of them with other numbers. 10 for one question, marked by hand.

# %% tags=["setup"]
setup(week=6)

# %%
import matplotlib.pyplot as plt
import numpy as np

import course_utils.patch_graph as graph
from course_utils import graded, show
from course_utils.clean_photos import as_floats, clean_photos, training_crops
from course_utils.mixture_prior import random_patches

# %%
NOISE = 25 / 255
photos = as_floats(clean_photos().images).mean(axis=3)  # (24, 128, 128)
photos = photos.astype(np.float64)
rng = np.random.default_rng(6)
noisy = photos + NOISE * rng.normal(size=photos.shape)


def psnr(estimate, truth):
    """Peak signal-to-noise ratio of a picture from 0 to 1, dB."""
    return -10 * np.log10(np.mean((np.clip(estimate, 0, 1) - truth) ** 2))

# %% [markdown]
# ## 1 How much is a patch worth to itself?
#
# 3 points
#
# In non-local means a patch is at distance 0 from itself, while even a perfect
# twin is 2 noise² away. So it listens to itself far too much. Two corrections
# are usual (Buades, Coll and Morel, "Non-Local Means Denoising", 2011, and
# "A Non-Local Algorithm for Image Denoising", 2005): with $d^2$ the *mean*
# squared difference of two patches,
#
# $$w_{ij} = \exp\left(-\max(d_{ij}^2 - 2\,\mathrm{noise}^2,\; 0) /
# h^2\right),\qquad w_{ii} = \max_{j \ne i} w_{ij},$$
#
# and rows are divided by their sums at the end. (The lesson's graph has the
# first correction, not the second.) **Predict** what they are worth in dB, each
# version at the bandwidth that suits it best.

# %% answer="nlm_weights"
def nlm_weights(patches, noise, h):
    """Attention of non-local means, (n, n); rows sum to 1.

    patches: (n, width), n at least 2; their noise included
    noise: standard deviation of the noise
    h: bandwidth, > 0, on the scale of the pixels
    """
    ### BEGIN SOLUTION
    gaps = np.mean((patches[:, None] - patches) ** 2, axis=-1)
    odds = np.exp(-np.maximum(gaps - 2 * noise**2, 0) / h**2)
    np.fill_diagonal(odds, 0)
    np.fill_diagonal(odds, odds.max(axis=1))
    return odds / odds.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% graded="nlm_weights"
graded.week6.nlm_weights(nlm_weights)

### BEGIN HIDDEN TESTS
import numpy as np


@graded.week6.nlm_weights.hidden(
    1, "The weights are those of the formula.",
    "Take three patches of two numbers and go through it on paper: a mean, "
    "noise squared, h squared.",
)
def weights_by_pairs(answer, rng):
    patches, n = rng.random((6, 12)), 6
    patches[1] = patches[0] + 0.05 * rng.normal(size=12)  # a twin
    weights = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            apart = np.mean((patches[i] - patches[j]) ** 2) - 2 * 0.15**2
            weights[i, j] = np.exp(-max(apart, 0) / 0.2**2) * (i != j)
    weights[range(n), range(n)] = weights.max(axis=1)
    expected = weights / weights.sum(axis=1)[:, None]
    return np.allclose(answer(patches, 0.15, 0.2), expected, atol=1e-5)


### END HIDDEN TESTS

# %%
def plain_weights(patches, noise, h):
    """The weights without the two corrections."""
    squares = ((patches[:, None] - patches) ** 2).mean(axis=2)
    weights = np.exp(-squares / h**2)
    return weights / weights.sum(axis=1, keepdims=True)


def gained_by(weigh, h):
    """PSNR and own weight, means over 24 x 24 pixels of six photos."""
    found = []
    for shot, truth in zip(noisy[:6, 40:64, 40:64], photos[:6, 40:64, 40:64],
                           strict=True):
        attn = weigh(graph.extract_patches(shot[:, :, None])[0], NOISE, h)
        read = (attn @ shot.ravel()).reshape(24, 24)
        found.append([psnr(read, truth), np.diag(attn).mean()])
    return np.mean(found, axis=0)


with graded.later():
    for weigh in (plain_weights, nlm_weights):
        shares = (0.3, 0.5, 0.7, 1, 1.4)
        rows = {s: gained_by(weigh, s * NOISE) for s in shares}
        best = max(rows, key=lambda s: rows[s][0])
        print(f"{weigh.__name__:14} best at h = {best} noise: PSNR "
              f"{rows[best][0]:.2f} dB, own weight {rows[best][1]:.3f}")

# %% [markdown]
# ## 2 How much noise, if half the picture is grass?
#
# 3 points
#
# Immerkaer's estimate, which you wrote in the lesson, averages what the mask
# `[[1, -2, 1], [-2, 4, -2], [1, -2, 1]]` leaves of the picture, and takes
# every blade of grass for noise. Donoho and Johnstone, "Ideal Spatial
# Adaptation by Wavelet Shrinkage" (1994), take the *median* of absolute
# values, which a tenth of wild ones hardly moves. Of a Gaussian it is 0.6745
# standard deviations. Give the mask's residual this reading.

# %% answer="robust_noise"
def robust_noise(image):
    """Standard deviation of the noise, a number, by a median.

    image: (height, width), grey, at least 3 x 3
    """
    ### BEGIN SOLUTION
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    residual = (windows * mask).sum(axis=(2, 3)) / 6
    return np.median(np.abs(residual)) / 0.6745
    ### END SOLUTION


# %% graded="robust_noise"
graded.week6.robust_noise(robust_noise)

### BEGIN HIDDEN TESTS
import numpy as np


@graded.week6.robust_noise.hidden(
    1, "On sloping pictures the guess is within 12% of the truth.",
    "Mind the factors: the mask makes noise 6 times as strong, the median "
    "of absolute values is 0.6745 standard deviations.",
)
def noise_found(answer, rng):
    from course_utils.graded.week6_pixels import noise_image

    found = [answer(noise_image(rng, s, side=128)) / s for s in (0.03, 0.15)]
    return np.allclose(found, 1, atol=0.12)


### END HIDDEN TESTS

# %% [markdown]
# Measure it on the 24 photos, at noise 5 and 25. **Predict**: on how many is
# the median nearer to the truth than the mean, at each?

# %%
with graded.later():
    for level in (5, 25):
        shots = photos + level / 255 * rng.normal(size=photos.shape)
        median = np.array([255 * robust_noise(shot) for shot in shots])
        mean = np.array([255 * cu.noise.estimate_noise(shot[:, :, None])
                         for shot in shots])
        wins = (np.abs(median - level) < np.abs(mean - level)).sum()
        print(f"noise {level:2}: median {median.mean():.1f} (largest "
              f"{median.max():.1f}), mean {mean.mean():.1f} (largest "
              f"{mean.max():.1f}); median nearer on {wins} of 24")

# %% [markdown]
# ## 3 A pixel that cannot see itself
#
# 3 points
#
# Hide a pixel from a denoiser, and what it says there cannot have copied the
# noise: so its squared error to the *noisy* pixel is the true error plus
# noise², in the mean (Batson and Royer, "Noise2Self", 2019; Krull, Buchholz
# and Jug, "Noise2Void", 2019). Hide every third pixel of every third row:
# replace it by the mean of its neighbours above, below, left and right, as
# many as there are.

# %% answer="blind_copy"
def blind_copy(image, row, column):
    """A copy of the image in which some pixels are hidden.

    image: (height, width), grey; stays as it is
    row, column: 0, 1 or 2; hidden are image[row::3, column::3]
    Returns (height, width): each hidden pixel is the mean of its two to four
        direct neighbours, the others are as they were.
    """
    ### BEGIN SOLUTION
    total, count = np.pad(np.stack([image, np.ones_like(image)]),
                          [(0, 0), (1, 1), (1, 1)])
    total, count = (
        x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:]
        for x in (total, count))
    found = image.copy()
    found[row::3, column::3] = (total / count)[row::3, column::3]
    return found
    ### END SOLUTION


# %% graded="blind_copy"
graded.week6.blind_copy(blind_copy)

### BEGIN HIDDEN TESTS
import numpy as np


@graded.week6.blind_copy.hidden(
    1, "Hidden pixels are the mean of their direct neighbours, also at the "
    "border.",
    "Four neighbours, not eight; beyond the border there is none, so nothing "
    "comes in from the other side.",
)
def blind_neighbours(answer, rng):
    image = rng.random((7, 10))
    good = True
    for row, column in ((0, 0), (2, 1), (0, 2)):
        found = answer(image, row, column)
        for y in range(row, 7, 3):
            for x in range(column, 10, 3):
                around = [image[y + dy, x + dx] for dy, dx in (
                    (-1, 0), (1, 0), (0, -1), (0, 1))
                    if 0 <= y + dy < 7 and 0 <= x + dx < 10]
                good = good and np.isclose(found[y, x], np.mean(around))
    return good


### END HIDDEN TESTS

# %% [markdown]
# ## 4 Which patterns does smoothing keep?
#
# 3 points
#
# Graph smoothing, $((1 - \tau) I + \tau S)^{steps}$, multiplies each
# eigenvector of S by a number, its *gain*: an equaliser, whose frequencies are
# the graph's. $S = D^{-1} W$ is not symmetric, though W is, so `eigh` must not
# be given S: it would read half of it and say nothing. It may be given
# $D^{-1/2} W D^{-1/2}$, which has the same eigenvalues (Chung, "Spectral Graph
# Theory", 1997, chapter 1).

# %% answer="smoothing_gain"
def smoothing_gain(affinities, tau, steps):
    """Eigenvalues of S, and by how much smoothing multiplies each pattern.

    affinities: (n, n), symmetric, not negative; S divides rows by their sums
    tau: from 0 to 1
    steps: whole number
    Returns two real arrays (n,): eigenvalues, largest first, and the gains
        in the same order.
    """
    ### BEGIN SOLUTION
    root = np.sqrt(affinities.sum(axis=1))
    values = np.linalg.eigvalsh(affinities / root / root[:, None])[::-1]
    return values, (1 - tau + tau * values) ** steps
    ### END SOLUTION


# %% graded="smoothing_gain"
graded.week6.smoothing_gain(smoothing_gain)

### BEGIN HIDDEN TESTS
import numpy as np


@graded.week6.smoothing_gain.hidden(
    1, "Eigenvalues are those of S, gains those of the formula.",
    "Compare with np.linalg.eigvals(S), which asks for no symmetry.",
)
def gain_agrees(answer, rng):
    from course_utils.graded.week6_estimates import some_affinities

    weights = some_affinities(rng, n=9)
    rows = weights / weights.sum(axis=1, keepdims=True)
    expected = np.sort(np.linalg.eigvals(rows).real)[::-1]
    values, gain = answer(weights, 0.8, 5)
    same = np.allclose(values, expected, atol=1e-4)
    return same and np.allclose(gain, (0.2 + 0.8 * expected) ** 5, atol=1e-4)


### END HIDDEN TESTS

# %%
with graded.later():
    patches, centers = graph.extract_patches(noisy[0, 40:60, 40:60, None])
    small = graph.build_patch_graph_radius(
        centers, patches, 0.6 * NOISE, radius=3, noise=NOISE).toarray()
    curves = {(tau, steps): smoothing_gain(small, tau, steps)
              for tau, steps in ((1, 1), (0.5, 2), (1, 4))}
    fig, ax = plt.subplots(figsize=(6, 3.2))
    for ((tau, steps), curve), dashes in zip(
            curves.items(), ("-", "--", ":"), strict=True):
        ax.plot(*curve, dashes, label=f"tau {tau}, steps {steps}")
    ax.set(xlabel="eigenvalue of S (1: even, small: from pixel to pixel)",
           ylabel="gain")
    ax.legend()
    show(fig, alt="Gain over eigenvalue, rising to 1 at 1. Four steps keep "
         "only what is nearly even; two half steps keep more than one whole.")

# %% [markdown]
# ## 5 Which kind of patch is this?
#
# 4 points
#
# Zoran and Weiss, "From Learning Models of Natural Image Patches to Whole
# Image Restoration" (2011), describe clean patches, each less its own mean, by
# a mixture of Gaussians of mean 0. A noisy patch belongs to the component that
# makes it likeliest, with the noise added to its covariance; that component
# alone then shrinks it (section 4.1 there):
#
# $$k = \arg\max_k\; \log w_k + \log N(x;\, 0,\, C_k + \mathrm{noise}^2 I),
# \qquad \hat x = C_k (C_k + \mathrm{noise}^2 I)^{-1} x,$$
#
# and the patch's mean comes back at the end.

# %% answer="map_patches"
def map_patches(patches, weights, covariances, noise):
    """Clean patches, each by its likeliest component.

    patches: (n, width), noisy
    weights: (components,), positive, sum to 1
    covariances: (components, width, width), of clean patches less their mean
    noise: standard deviation of the noise, > 0
    Returns (n, width).
    """
    ### BEGIN SOLUTION
    means = patches.mean(axis=1, keepdims=True)
    x, logits, cleaned = patches - means, [], []
    for weight, covariance in zip(weights, covariances, strict=True):
        both = covariance + noise**2 * np.eye(x.shape[1])
        solved = np.linalg.solve(both, x.T).T  # (n, width)
        logits.append(np.log(weight) - np.linalg.slogdet(both)[1] / 2
                      - (x * solved).sum(axis=1) / 2)
        cleaned.append(solved @ covariance)
    likeliest = np.argmax(logits, axis=0)
    return means + np.array(cleaned)[likeliest, np.arange(len(x))]
    ### END SOLUTION


# %% graded="map_patches"
graded.week6.map_patches(map_patches)

### BEGIN HIDDEN TESTS
import numpy as np


@graded.week6.map_patches.hidden(
    2, "Each patch is shrunk by the component that makes it likeliest.",
    "One component for each patch, not a mean of all; and noise^2 belongs "
    "into the covariance, both when you choose and when you shrink.",
)
def map_agrees(answer, rng):
    from scipy.stats import multivariate_normal

    from course_utils.graded.week6_estimates import some_mixture

    weights, covariances = some_mixture(rng)
    noise, patches = 0.15, 0.5 + rng.normal(size=(60, 9)) * 0.22
    patches[:20] += rng.multivariate_normal(np.zeros(9), covariances[2], 20)
    means = patches.mean(axis=1, keepdims=True)
    x = patches - means
    both = covariances + noise**2 * np.eye(9)
    logs = [np.log(w) + multivariate_normal(np.zeros(9), c).logpdf(x)
            for w, c in zip(weights, both, strict=True)]
    expected = [m + covariances[k] @ np.linalg.inv(both[k]) @ row
                for m, k, row in zip(means, np.argmax(logs, axis=0), x,
                                     strict=True)]
    return np.allclose(answer(patches, weights, covariances, noise),
                       expected, atol=1e-3)


### END HIDDEN TESTS

# %% [markdown]
# A small prior to try it with: 5,000 clean patches of training crops, sorted
# by their contrast into eight equal parts, one covariance for each. (No EM, and
# already a prior.)

# %%
crops = training_crops(200, 32, seed=0)
clean = random_patches(crops, 5, 5000, seed=0).reshape(-1, 25, 3).mean(axis=2)
clean = clean - clean.mean(axis=1, keepdims=True)
parts = np.array_split(np.argsort(clean.std(axis=1)), 8)
covariances = np.stack([clean[part].T @ clean[part] / len(part)
                        for part in parts])
with graded.later():
    for name, image, truth in zip(clean_photos().names[:3], noisy, photos,
                                  strict=False):
        patches, _ = graph.extract_patches(image[:, :, None])
        found = map_patches(patches, np.full(8, 1 / 8), covariances, NOISE)
        found = graph.reconstruct(found, (128, 128, 1))
        print(f"{name:12} noisy {psnr(image, truth):.2f} dB, "
              f"cleaned {psnr(found[:, :, 0], truth):.2f} dB")

# %% [markdown]
# ## 6 The risk of attention, and what it is often short of
#
# 4 points
#
# n noisy values $y$ attend to each other: logits $-(y_i - y_j)^2 / (2
# \sigma^2)$, softmax over $j$, and $f_i = \sum_j a_{ij}\, y_j$. Stein's estimate
# of the squared error is
#
# $$\frac{1}{n} \sum_i (f_i - y_i)^2 - \mathrm{noise}^2 + 2\,
# \mathrm{noise}^2\; \frac{1}{n} \sum_i \frac{\partial f_i}{\partial y_i}.$$
#
# With fixed weights the derivative would be $a_{ii}$. It is more, for when
# $y_i$ moves, so does all of its row of weights (Van De Ville and Kocher,
# "SURE-Based Non-Local Means", 2009). No random probe here: work the
# derivative out exactly. What is added has a name that you know from
# statistics.

# %% answer="attention_risk"
def attention_risk(values, sigma, noise):
    """Stein's estimate of the mean squared error of attention, a number.

    values: (n,), noisy
    sigma: bandwidth of the attention, > 0
    noise: standard deviation of the noise
    """
    ### BEGIN SOLUTION
    logits = -((values[:, None] - values) ** 2) / (2 * sigma**2)
    odds = np.exp(logits)  # on the diagonal 1, so no row is 0
    attn = odds / odds.sum(axis=1, keepdims=True)
    read = attn @ values
    spread = attn @ values**2 - read**2  # a variance under the weights
    divergence = np.diag(attn) + spread / sigma**2
    misfit = ((read - values) ** 2).mean()
    return misfit - noise**2 + 2 * noise**2 * divergence.mean()
    ### END SOLUTION


# %% graded="attention_risk"
graded.week6.attention_risk(attention_risk)

### BEGIN HIDDEN TESTS
import numpy as np


@graded.week6.attention_risk.hidden(
    2, "The derivative is exact: weights move, too.",
    "Nudge one value and see how far its own result moves: is it your "
    "derivative? Differentiate the softmax as well as the value it reads.",
)
def risk_by_nudges(answer, rng):
    from course_utils.graded.week6_estimates import some_values

    values, sigma, noise = some_values(rng), 0.2, 0.15

    def read(y):
        attn = np.exp(-((y[:, None] - y) ** 2) / (2 * sigma**2))
        return attn @ y / attn.sum(axis=1)

    found = read(values)
    divergence = np.mean([
        (read(values + step)[i] - read(values - step)[i]) / 2e-5
        for i, step in enumerate(1e-5 * np.eye(len(values)))])
    expected = np.mean((found - values) ** 2) - noise**2
    expected = expected + 2 * noise**2 * divergence
    return np.isclose(answer(values, sigma, noise), expected, atol=1e-4)


### END HIDDEN TESTS

# %% [markdown]
# How short is the estimate that holds the weights fixed? 1,600 pixels of a
# photo, and the true error beside both. (The short one is given here: yours,
# less the term that it forgets.)

# %%
pixels, truth = noisy[0, 40:80, 40:80].ravel(), photos[0, 40:80, 40:80].ravel()


def read_by(sigma):
    attn = np.exp(-((pixels[:, None] - pixels) ** 2) / (2 * sigma**2))
    attn = attn / attn.sum(axis=1, keepdims=True)
    return attn, attn @ pixels


with graded.later():
    sigmas = NOISE * np.geomspace(0.1, 4, 14)
    curves = {"true error": [], "yours": [], "weights held fixed": []}
    for sigma in sigmas:
        attn, read = read_by(sigma)
        curves["true error"].append(np.mean((read - truth) ** 2))
        curves["yours"].append(attention_risk(pixels, sigma, NOISE))
        curves["weights held fixed"].append(
            np.mean((read - pixels) ** 2)
            - NOISE**2 * (1 - 2 * np.diag(attn).mean()))
    fig, ax = plt.subplots(figsize=(6, 3.4))
    for (name, curve), look in zip(curves.items(), ("k-", "o--", "s:"),
                                   strict=True):
        ax.semilogx(sigmas / NOISE, 255**2 * np.array(curve), look,
                    label=name)
        print(f"{name:18} smallest at sigma = "
              f"{sigmas[np.argmin(curve)] / NOISE:.2f} noise")
    ax.set(xlabel="sigma, in noises", ylabel="squared error (of 255)")
    ax.legend()
    show(fig, alt="Squared error over sigma. Your risk lies on the true "
         "error; with weights held fixed it falls far below, to negative "
         "values.")

# %% [markdown]
# ## 7 The question
#
# 10 points, marked by hand
#
# The next two cells choose a bandwidth for the lesson's patch graph on six
# photos, told neither the truth nor the noise: the noise by your meter, the
# bandwidth by the error at hidden pixels. Beside it stand the best bandwidth
# there is, and the lesson's rule of thumb, half the noise.
#
# **Explain what you see, in 200 to 400 words**, with the numbers that were
# printed. Run it with at least one change of your own (another noise, more
# photos, another denoiser) in a cell that you add, and say what that showed.
#
# | criterion | points | full marks mean |
# |---|---|---|
# | What was measured | 3 | cost in dB against the best choice *and* against the rule of thumb, with its spread over photos |
# | Why it works | 3 | the noise of a hidden pixel is independent of what is said there, so the error is the true one plus noise²; the constant moves no minimum |
# | Your own change | 2 | run, reported with numbers, also if it showed nothing |
# | Limits | 2 | what would break it (noise that neighbours share, or that follows the signal), and what hiding pixels costs |

# %%
AT = ((0, 0), (1, 2), (2, 1))  # three of the nine grids


def hidden_error(image, sigma, level):
    """Mean squared error to the noisy pixels, at hidden ones."""
    errors = []
    for row, column in AT:
        blind = blind_copy(image, row, column)[:, :, None]
        said = graph.denoise(blind, sigma, radius=3, noise=level)[:, :, 0]
        errors.append((said - image)[row::3, column::3] ** 2)
    return np.concatenate([error.ravel() for error in errors]).mean()


def choose(image, truth):
    """PSNR at the bandwidth that hidden pixels choose, the best, the rule."""
    level = robust_noise(image)
    scales = 2.0 ** np.arange(-3, 1.5, 0.5)  # of the noise; 0.5 among them
    blind = [hidden_error(image, scale * level, level) for scale in scales]
    gains = [psnr(graph.denoise(image[:, :, None], scale * level, radius=3,
                                noise=level)[:, :, 0], truth)
             for scale in [*scales, 0.5]]
    return gains[np.argmin(blind)], max(gains[:-1]), gains[-1]


# %%
with graded.later():
    rows = [choose(image[40:88, 40:88], truth[40:88, 40:88])
            for image, truth in zip(noisy[:6], photos[:6], strict=True)]
    for name, row in zip(clean_photos().names, rows, strict=False):
        print(f"{name:12} hidden pixels {row[0]:.2f} dB, best {row[1]:.2f}, "
              f"half the noise {row[2]:.2f}")
    blind, best, half = np.transpose(rows)
    print(f"cost of choosing blindly: {(best - blind).mean():.2f} dB in the "
          f"mean, {(best - blind).max():.2f} at worst; over half the noise: "
          f"{(blind - half).mean():+.2f} dB")

# %% [markdown] manual="analysis" points=10
# ### BEGIN SOLUTION
# **What was measured.** On six crops of 48 x 48 pixels at noise 25, the
# bandwidth that hidden pixels choose costs 0.49 dB against the best of nine, in
# the mean; by photo 0.07 to 0.88 dB. The rule of thumb, half the noise, costs
# 0.19 dB. So the choice is usable, and here it is no better than a constant: it
# was level on three photos and behind on three, by up to 0.84 dB.
#
# **Why it works at all.** What is said at a hidden pixel is made from other
# pixels, whose noise is independent of its own. In the squared error to the
# noisy pixel the mixed term therefore has mean 0, and what is left is the true
# error plus noise². That constant is the same for all bandwidths, so it moves no
# minimum. What does move it: three grids are 768 pixels, and the squared
# noise of so few varies from grid to grid by more than neighbouring bandwidths
# differ in error. Besides, a hidden pixel is filled in by its neighbours, so the
# denoiser is judged on a picture a little smoother than the one it will get.
#
# **My change.** All nine grids, every pixel judged once, the same noise: the
# cost falls from 0.49 to 0.33 dB; two photos now get the best bandwidth,
# one (pagoda) still loses 0.84 dB. So part of the cost was too few pixels, not
# all of it.
#
# **Limits.** Noise that neighbours share (JPEG, demosaicing, most cameras) can
# be guessed from them, and hidden pixels then reward copying it. Noise that
# follows the signal still has mean 0, but `robust_noise` gives one number where
# there is one for each brightness. And a denoiser never sees the pixel that it
# is judged on, which for fine texture is much of what there is to see.
# ### END SOLUTION

# %% [markdown]
# ## Before you hand in
#
# 1. Restart the kernel and run all cells; nothing should stop on the way.
# 2. Read what the next cell says.
# 3. Save, download the notebook (File, Download), and hand it in under the name
#    that it has.

# %%
graded.summary(6)
