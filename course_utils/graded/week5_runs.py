"""Week 5, graded: how sure a lead is, and a question of one's own."""

import functools

import numpy as np

from course_utils.graded.engine import Task

paired_interval = Task(
    5, "paired_interval", "An interval over seeds and faces", points=4
)


@paired_interval.needs(
    "Return two numbers, low and high, in this order; they depend on the "
    "scores."
)
def _interval_shape(answer, rng):
    ours, baseline = rng.normal(size=(2, 3, 40))
    low, high = answer(ours, baseline, 200, 0)
    up, _ = answer(ours + 5, baseline, 200, 0)
    return low.shape == high.shape == () and low < high < up


@paired_interval.property(
    1,
    "A method's lead over itself is 0 to 0, a constant lead is itself.",
    "Both methods answered the same faces: what is drawn again is the lead, "
    "not each method on its own.",
)
def _interval_paired(answer, rng):
    ours = rng.normal(size=(3, 40))
    same, ahead = answer(ours, ours, 200, 0), answer(ours + 2, ours, 200, 0)
    return np.allclose(same, 0) and np.allclose(ahead, 2)


@paired_interval.property(
    1,
    "The same seed gives the same interval; the lead lies inside.",
    "Take all random numbers from np.random.default_rng(seed), and centre "
    "nothing: the interval lies around the lead that was measured.",
)
def _interval_seed(answer, rng):
    ours, baseline = rng.normal(size=(2, 3, 40))
    low, high = answer(ours, baseline, 200, 7)
    again = answer(ours, baseline, 200, 7)
    other = answer(ours, baseline, 200, 8)
    lead = (ours - baseline).mean()
    same = np.array_equal((low, high), again)
    return same and not np.array_equal(again, other) and low < lead < high


learn_question = Task(
    5, "learn_question", "A question that nobody had asked", points=3,
    seconds=120,
)
TRAIN, HELD_OUT = 1500, 400  # faces
LEAST_LIFT = 0.3  # of average precision, over the share of scarves


@functools.lru_cache(maxsize=4)
def scarves(seed):
    """Return tokens and labels to learn from, and the same held out."""
    from course_utils.graded.week5_trial import scarf_faces

    tokens, labels = scarf_faces(TRAIN, "train", seed)
    return tokens, labels, *scarf_faces(HELD_OUT, "test", seed)


def lift(labels, scores):
    """Return average precision less the share of positives."""
    from course_utils.multilabel import average_precision

    found = average_precision(labels[:, None], np.asarray(scores)[:, None])
    return found[0] - labels.mean()


@learn_question.needs(
    "Return one score for each of the new faces, shape (faces,), and not "
    "the same for all."
)
def _question_shape(answer, rng):
    tokens = rng.normal(size=(40, 64, 64)).astype(np.float32)
    labels = np.arange(40) % 4 == 0
    scores = answer(tokens[:30], labels[:30], tokens[30:])
    return scores.shape == (10,) and np.ptp(scores) > 1e-6


@learn_question.property(
    1,
    "Each face gets its own score, whoever stands beside it; trained again "
    "on the same faces, the same.",
    "Put torch.manual_seed first, so that a second training is like the "
    "first; and let a face's score depend on its own tokens only.",
)
def _question_order(answer, rng):
    tokens = rng.normal(size=(60, 64, 64)).astype(np.float32)
    labels = np.arange(60) % 4 == 0
    scores = answer(tokens[:40], labels[:40], tokens[40:])
    few = answer(tokens[:40], labels[:40], tokens[40:50][::-1].copy())
    return np.allclose(scores[:10][::-1], few, atol=1e-3) and scores.std() > 0


@learn_question.property(
    1,
    f"On {HELD_OUT} new faces, average precision is {LEAST_LIFT} above the "
    "share of scarves, which is what a constant gets.",
    "Do your scores rank the faces the right way round? A mean over all "
    "places hides a scarf: let the question look, and train until the loss "
    "on the training faces is low.",
)
def _question_found(answer, rng):
    tokens, labels, new, truth = scarves(int(rng.integers(1, 1_000_000)))
    return lift(truth, answer(tokens, labels, new)) >= LEAST_LIFT
