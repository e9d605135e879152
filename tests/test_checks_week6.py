"""Week 6's checks accept right answers and name each misconception."""

import subprocess
import sys

import mistakes_week6 as made
import numpy as np
import pytest
import wrong_week6_graph
import wrong_week6_mixture
from judged import cases_of, each_hostile, stub_of

from course_utils import check, checks, patch_graph
from course_utils.noise import estimate_noise


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


RIGHT = {
    "attention_rows": made.attention_rows,
    "smoothing": made.smoothing,
    "overlap": made.reconstruct,
    "printed": made.weights,
    "settled": made.step,
    "noise_level": made.noise_level,
    "sure": made.sure,
    "responsibilities": made.responsibilities,
    "m_step": made.m_step,
}
ALSO_RIGHT = [
    ("attention_rows", made.rows_by_products()),
    ("attention_rows", made.affinities_over_sums),
    ("overlap", made.by_asking_around),
    ("overlap", made.by_patches(made.add)),
    ("smoothing", made.smoothing_by_power),
    ("printed", made.weights_by_power),
    ("settled", made.stepped(move=lambda x, r, s: x * np.exp(-r * s))),
    ("noise_level", made.noise_level_by_differences),
    ("sure", made.sure_from_both_sides),
    ("responsibilities", made.responsibilities_by_products),
    ("m_step", made.m_step_by_average),
]
WRONG = {**wrong_week6_graph.WRONG, **wrong_week6_mixture.WRONG}
CASES = cases_of(WRONG)


def verdict(name, attempt):
    return getattr(check.week6, name)(attempt)


@pytest.mark.parametrize(("name", "right"), [*RIGHT.items(), *ALSO_RIGHT])
def test_right_answer_passes(name, right):
    result = verdict(name, right)
    assert result.state == "correct", result.message


@pytest.mark.parametrize("name", RIGHT)
def test_untouched_stub_is_not_attempted(name):
    assert verdict(name, stub_of(RIGHT[name])).state == "not attempted"


@pytest.mark.parametrize(("name", "wrong", "words"), CASES)
def test_wrong_answer_gets_its_hint(name, wrong, words):
    result = verdict(name, wrong)
    assert result.state == "incorrect"
    assert words in result.message, result.message


def test_every_exercise_has_wrong_answers_with_hints_of_their_own():
    assert checks.names(6) == list(RIGHT)
    assert set(RIGHT) == set(WRONG)
    for name, cases in WRONG.items():
        hints = {verdict(name, wrong).message for wrong, _ in cases}
        assert len(hints) >= len({words for _, words in cases}) >= 10


@pytest.mark.parametrize("name", RIGHT)
@each_hostile
def test_hostile_answer_is_incorrect_without_a_traceback(name, hostile):
    result = verdict(name, hostile)
    assert result.state == "incorrect"
    assert "could not be tested" not in result.message


TAKE_ARRAYS = [name for name in RIGHT if name not in ("printed", "settled")]


@pytest.mark.parametrize("name", TAKE_ARRAYS)
def test_changing_the_input_is_noticed(name):
    def in_place(array, *args):
        array += 1
        return RIGHT[name](array - 1, *args)

    assert "in place" in verdict(name, in_place).message


def test_the_checks_of_week_6_are_listed_without_scipy_or_torch():
    code = (
        "import sys; from course_utils import checks; checks.names(6); "
        "assert not {'torch', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_exhibit_gives_each_score_two_weights():
    found = made.exhibit_weights([0.8, 0.3, 0.6, 0.5])
    assert found.shape == (8,)
    assert np.array_equal(found[:4], found[4:])


def test_right_step_arrives_from_both_sides_and_stays():
    for start in (0.01, 5.0):
        x = start
        for _ in range(100):
            x = made.step(x, lambda x: np.log(x / 0.2) ** 2)
        assert x == pytest.approx(0.2)


def test_right_graphs_are_those_of_the_package():
    image = np.random.default_rng(0).random((6, 8, 1))
    patches, centers = patch_graph.extract_patches(image, 3)
    affinities = patch_graph.build_patch_graph_radius(
        centers, patches, sigma=0.3, radius=99
    )
    S = patch_graph.compute_self_similarity(affinities).toarray()
    assert np.allclose(made.attention_rows(patches, 0.3), S, rtol=1e-4)
    smoothed = patch_graph.graph_smoothing(S, 0.4, 3) @ patches
    assert np.allclose(made.smoothing(S, patches, 0.4, 3), smoothed)
    picture = patch_graph.reconstruct(smoothed, image.shape)[..., 0]
    tiles = smoothed.reshape(6, 8, 3, 3)
    assert np.allclose(made.reconstruct(tiles, (6, 8)), picture)


def test_right_noise_level_is_that_of_the_package_and_of_the_noise():
    noise = np.random.default_rng(0).normal(size=(100, 100))
    image = np.add.outer(np.arange(100), np.arange(100)) / 200 + 0.1 * noise
    found = made.noise_level(image)
    assert found == pytest.approx(estimate_noise(image[..., None]))
    assert found == pytest.approx(0.1, rel=0.05)


def test_right_sure_is_the_error_on_average():
    draw = np.random.default_rng(0)
    clean = draw.normal(size=(20, 30))
    noisy = clean + 0.5 * draw.normal(size=(200, 20, 30))
    probe = np.sign(draw.normal(size=(20, 30)))
    error = ((np.tanh(noisy) - clean) ** 2).mean()
    estimates = [made.sure(image, np.tanh, 0.5, probe) for image in noisy]
    assert np.mean(estimates) == pytest.approx(error, rel=0.03)


def test_right_responsibilities_are_those_of_scikit_learn():
    from sklearn.mixture import GaussianMixture

    draw = np.random.default_rng(0)
    patches, means = draw.normal(size=(9, 4)), draw.normal(size=(3, 4))
    theirs = GaussianMixture(3, covariance_type="spherical")
    theirs.weights_, theirs.means_ = np.array([0.6, 0.3, 0.1]), means
    theirs.precisions_cholesky_ = np.full(3, 1 / 0.7)
    ours = made.responsibilities(patches, theirs.weights_, means, 0.7)
    assert np.allclose(ours, theirs.predict_proba(patches))


def test_right_steps_of_em_never_lower_the_likelihood():
    def log_likelihood(patches, weights, means, sigma):
        width = patches.shape[1]
        scores = np.log(weights) - made.squared(patches, means) / 2 / sigma**2
        scores -= width * np.log(sigma * np.sqrt(2 * np.pi))
        return np.logaddexp.reduce(scores, axis=1).sum()

    draw = np.random.default_rng(0)
    patches = draw.normal(size=(60, 4)) + draw.integers(0, 3, size=(60, 1))
    mixture = np.full(3, 1 / 3), draw.normal(size=(3, 4)), 2.0
    reached = [log_likelihood(patches, *mixture)]
    for _ in range(20):
        shares = made.responsibilities(patches, *mixture)
        mixture = made.m_step(patches, shares)
        reached.append(log_likelihood(patches, *mixture))
    assert (np.diff(reached) > -1e-9).all()
    assert reached[-1] > reached[0] + 1
