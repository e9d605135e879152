"""Wrong answers to week 5's exercises on attention, with their hints."""

import mistakes_week5 as made
import numpy as np

# exercise -> (wrong answer, words of its hint)
WRONG = {
    "cross_attention": [
        (lambda *given: made.cross_attention(*given)[0], "Two things"),
        (lambda *given: ("out", "attn"), "arrays of numbers"),
        (
            lambda *given: made.cross_attention(*given)[::-1],
            "two are exchanged",
        ),
        (
            lambda query, key, value: made.cross_attention(key, query, query),
            "a row for each key",
        ),
        (
            lambda query, key, value: made.cross_attention(
                query, query, query
            ),
            "self-attention",
        ),
        (
            lambda *given: [part[:1] for part in made.cross_attention(*given)],
            "should have shape",
        ),
        (made.attend(scale=lambda q, k: 1), "scale is missing"),
        (made.attend(scale=lambda q, k: 1 / q.shape[3]), "not by its root"),
        (
            made.attend(scale=lambda q, k: k.shape[2] ** -0.5),
            "number of keys",
        ),
        (
            made.attend(scale=lambda q, k: (q[0, :, 0].size) ** -0.5),
            "the whole width",
        ),
        (made.attend(scale=lambda q, k: q.shape[3] ** 0.5), "divide."),
        (made.attend(axis=2), "over the queries"),
        (made.attend(axis=1), "over the heads"),
        (made.attend(axis=0), "over the batch"),
        (
            made.attend(weigh=made.over_everything),
            "without an axis",
        ),
        (
            made.attend(
                columns=lambda key: key.reshape(*key.shape[:2], 4, -1)
            ),
            "reshape does not transpose",
        ),
        (made.attend(weigh=lambda x, axis: x), "still logits"),
        (made.attend(weigh=lambda x, axis: 1 / (1 + np.exp(-x))), "to 1:"),
        (made.attend(scale=lambda q, k: 3), "find each other"),
        (made.attend(read=made.tutorials_read), "tutorial's slip"),
        (made.attend(read=made.read_largest), "averaged by them"),
        (made.attend(weigh=made.unstable), "exp of 1,000"),
        (made.attend(weigh=made.one_shift_for_all), "exp of 1,000"),
        (made.attend(weigh=made.cut_off), "not cut off"),
        (
            made.right_if_square(
                made.cross_attention,
                lambda q, k, v: made.cross_attention(q, k, 0 * v),
            ),
            "wrong for 6 of both",
        ),
    ],
    "read": [
        (made.tutorials_read, "Changing attn changes nothing"),
        (
            lambda attn, value: made.read(0 * attn + 1 / attn.shape[3], value),
            "Changing attn changes nothing",
        ),
        (
            lambda attn, value: np.einsum("bhqk,bhkd->bqd", attn, value),
            "The heads are gone",
        ),
        (
            lambda attn, value: np.einsum("bhqk,bhkd->bhd", attn, value),
            "The queries are gone",
        ),
        (
            lambda attn, value: np.einsum("bhqk,bhkd->bqhd", attn, value),
            "should have shape",
        ),
        (
            lambda attn, value: np.einsum("bhkq,bhkd->bhqd", attn, value),
            "summed over together",
        ),
        (made.read_largest, "largest weight alone"),
        (
            lambda attn, value: made.read(attn, value) / attn.shape[3],
            "once more: the weights",
        ),
        (
            lambda attn, value: made.read(
                0 * attn + attn.mean(1)[:, None], value
            ),
            "mean of all heads",
        ),
        (
            lambda attn, value: np.einsum("bhqk,bgkd->bhqd", attn, value),
            "same values",
        ),
        (
            lambda attn, value: made.read(made.softmax(attn), value),
            "Softmax is applied once more",
        ),
        (lambda attn, value: made.read(attn**2, value), "all its weight"),
        (
            made.right_if_square(
                made.read, lambda attn, value: attn.swapaxes(2, 3) @ value
            ),
            "wrong for 6 of both",
        ),
    ],
}
