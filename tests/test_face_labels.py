"""Labels of procedural faces: as often, and in such company, as promised."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from course_utils import face_copula
from course_utils.face_labels import (
    ATTRIBUTES,
    CORRELATIONS,
    FREQUENCIES,
    LABEL_NOISE,
    POSITIVES,
    PUBLISHED,
    RULES,
    add_label_noise,
    apply_rules,
    index_of,
    sample_attributes,
)

COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
# Shipped networks are judged on such labels: they stay as they are.
PINNED = "d38fc18a4826c3d1"


@pytest.fixture(scope="module")
def drawn():
    labels = sample_attributes(200_000, np.random.default_rng(1))
    labels.flags.writeable = False
    return labels


def of(labels, name):
    return labels[:, ATTRIBUTES.index(name)]


def phis(labels, pairs):
    found = [np.corrcoef(of(labels, a), of(labels, b))[0, 1] for a, b in pairs]
    return np.array(found)


def test_names_and_counts_are_celebas():
    assert len(ATTRIBUTES) == len(set(ATTRIBUTES)) == 40
    assert list(ATTRIBUTES) == sorted(ATTRIBUTES)  # as in CelebA's file
    assert sum(POSITIVES) / 202_599 == pytest.approx(9.03, abs=0.005)
    majority = np.maximum(FREQUENCIES, 1 - FREQUENCIES)
    assert majority.mean() == pytest.approx(0.805, abs=0.0005)
    bald = FREQUENCIES[index_of("Bald")]
    assert FREQUENCIES.argmin() == index_of("Bald")
    assert (1 - bald) / bald == pytest.approx(43.6, abs=0.05)


def test_tables_cannot_be_written_to():
    for table in (FREQUENCIES, LABEL_NOISE):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0


def test_frequencies_after_the_rules_are_celebas(drawn):
    error = np.abs(drawn.mean(axis=0) - FREQUENCIES)
    assert error.max() < 0.005
    assert (error / FREQUENCIES)[FREQUENCIES < 0.1].max() < 0.08


def test_attributes_come_in_the_promised_company(drawn):
    published = np.array(list(PUBLISHED.values()))
    np.testing.assert_allclose(phis(drawn, PUBLISHED), published, atol=0.06)
    wanted = np.array(list(CORRELATIONS.values()))
    error = phis(drawn, CORRELATIONS) - wanted
    assert np.sqrt(np.mean(error**2)) < 0.02
    assert np.abs(error).max() < 0.06


def test_no_pair_is_listed_twice():
    assert len({frozenset(pair) for pair in CORRELATIONS}) == len(CORRELATIONS)


def test_no_face_breaks_a_rule(drawn):
    for name, value, others, other_value in RULES:
        for other in others:
            found = of(drawn, other)[of(drawn, name) == value]
            assert (found == other_value).all(), (name, other)


def test_rules_settle_whatever_they_get():
    labels = np.random.default_rng(0).random((40, 5000)) < 0.5
    apply_rules(labels)
    again = labels.copy()
    apply_rules(again)
    np.testing.assert_array_equal(again, labels)


def test_faces_make_sense(drawn):
    beard = ~of(drawn, "No_Beard")
    assert not (beard & ~of(drawn, "Male")).any()
    assert not (of(drawn, "Bald") & of(drawn, "Wavy_Hair")).any()
    assert not (of(drawn, "Wavy_Hair") & of(drawn, "Straight_Hair")).any()
    assert not (of(drawn, "Wearing_Hat") & of(drawn, "Bangs")).any()


def test_hair_has_as_many_colours_as_in_celeba(drawn):
    number = sum(of(drawn, name).astype(int) for name in COLOURS)
    shares = np.bincount(number) / len(drawn)
    np.testing.assert_allclose(shares, [0.380, 0.605, 0.014], atol=0.006)


def test_the_first_faces_do_not_depend_on_how_many_follow():
    few, many = (
        sample_attributes(count, np.random.default_rng(3)) for count in (9, 99)
    )
    assert few.shape == (9, 40) and few.dtype == bool
    np.testing.assert_array_equal(few, many[:9])
    noisy = [
        add_label_noise(labels, np.random.default_rng(4))
        for labels in (few, many)
    ]
    np.testing.assert_array_equal(noisy[0], noisy[1][:9])


def test_labels_stay_the_same_for_ever():
    labels = sample_attributes(1000, np.random.default_rng(0))
    assert hashlib.sha256(labels).hexdigest()[:16] == PINNED


def test_no_face_at_all_will_do():
    none = sample_attributes(0, np.random.default_rng(0))
    assert none.shape == (0, 40)
    assert add_label_noise(none, np.random.default_rng(0)).shape == (0, 40)


def test_guesses_are_wrong_as_often_as_said(drawn):
    labels = add_label_noise(drawn, np.random.default_rng(2))
    wrong = (labels != drawn).mean(axis=0)
    expected = 2 * LABEL_NOISE * FREQUENCIES * (1 - FREQUENCIES)
    np.testing.assert_allclose(wrong, expected, atol=0.004)
    np.testing.assert_allclose(
        labels.mean(axis=0), drawn.mean(axis=0), atol=0.003
    )
    clear = LABEL_NOISE == 0
    assert clear.sum() == 12 and (wrong[clear] == 0).all()


def test_guesses_weaken_a_correlation_as_said(drawn):
    labels = add_label_noise(drawn, np.random.default_rng(2))
    kept = 1 - LABEL_NOISE
    for pair in PUBLISHED:
        share = np.prod([kept[index_of(name)] for name in pair])
        before, after = phis(drawn, [pair]), phis(labels, [pair])
        assert after == pytest.approx(before * share, abs=0.02)


def test_noise_leaves_what_was_drawn():
    labels = np.zeros((500, 40), bool)
    noisy = add_label_noise(labels, np.random.default_rng(0))
    assert noisy.any() and not labels.any()


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_index_of_is_the_column(name):
    assert ATTRIBUTES[index_of(name)] == name


@pytest.mark.parametrize(
    "wrong, message",
    [
        ("mustache", r"unknown .*'mustache'; did you mean Mustache\b"),
        ("Wearing Neck tie", "Wearing_Necktie"),
        ("Beard", "did you mean No_Beard"),
        ("zzz", "unknown attribute 'zzz': choose one of face_labels"),
        (3, "unknown attribute 3"),
        (["Bald"], r"unknown attribute \['Bald'\]"),
    ],
)
def test_an_unknown_attribute_is_named_with_the_nearest(wrong, message):
    with pytest.raises(ValueError, match=message):
        index_of(wrong)


@pytest.mark.parametrize("wrong", [-1, 2.0, True, "9", None])
def test_a_wrong_count_is_named(wrong):
    with pytest.raises(ValueError, match="count must be a whole number"):
        sample_attributes(wrong, np.random.default_rng(0))


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 40)), np.zeros((3, 39), bool), np.zeros(40, bool)]
)
def test_what_cannot_be_labels_is_named(wrong):
    with pytest.raises(ValueError, match=r"bool of shape \(n, 40\)"):
        add_label_noise(wrong, np.random.default_rng(0))


@pytest.mark.parametrize(
    "phi, f, g",
    [
        (-0.5, 0.3, 0.4), (0, 0.3, 0.4), (0.75, 0.4, 0.47),
        (-0.04, 0.05, 0.05), (0.6, 0.05, 0.05), (-0.3, 0.2, 0.7),
    ],
)  # fmt: skip
def test_tetrachoric_gives_the_phi(phi, f, g):
    cuts = norm.isf([f, g])
    (latent,) = face_copula.tetrachoric([phi], [cuts])
    both = multivariate_normal.cdf(-cuts, cov=[[1, latent], [latent, 1]])
    found = (both - f * g) / np.sqrt(f * (1 - f) * g * (1 - g))
    assert found == pytest.approx(phi, abs=2e-4)


def test_phi_is_numpys_correlation(drawn):
    pairs = np.array([[0, 1], [5, 20]])
    found = face_copula.phi(drawn[:2000].T, pairs)
    whole = np.corrcoef(drawn[:2000].T)
    np.testing.assert_allclose(found, whole[tuple(pairs.T)], atol=1e-12)


def test_complete_keeps_given_entries_and_is_positive_definite():
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    values = np.array([0.9, 0.9, -0.8])  # zeros elsewhere would not do
    matrix = face_copula.complete(np.eye(5), pairs, values, 2000)
    np.testing.assert_allclose(matrix[tuple(pairs.T)], values, atol=1e-3)
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert matrix[0, 2] > 0.6  # follows from the first two


def test_labels_import_nothing_heavy(root):
    code = (
        "import sys\n"
        "from course_utils import face_labels\n"
        "heavy = ['scipy', 'PIL', 'torch', 'matplotlib', 'sklearn']\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "print(face_labels.copula.cache_info().currsize)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert child.stdout.split("\n")[:2] == ["[]", "0"]
