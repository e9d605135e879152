# %% [markdown]
# # Week 1, graded: attention by angle
#
# {{badges}}

# %% tags=["setup"]
setup(week=1)

# %%
import numpy as np

from course_utils import graded

# %% answer="cosine_attention"
def cosine_attention(query, key, temperature):
    """Return attention weights by the cosine of the angle."""
    ### BEGIN SOLUTION
    query = query / np.linalg.norm(query, axis=-1, keepdims=True)
    key = key / np.linalg.norm(key, axis=-1, keepdims=True)
    logits = query @ key.swapaxes(-1, -2) / temperature
    exp = np.exp(logits - logits.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)
    ### END SOLUTION


# %% graded="cosine_attention"
graded.week1.cosine_attention(cosine_attention)

### BEGIN HIDDEN TESTS
@graded.week1.cosine_attention.hidden(
    2, "Weights follow the cosine.", "Compare with the formula on paper."
)
def agrees(answer, rng):
    query, key = rng.normal(size=(1, 1, 3)), rng.normal(size=(1, 2, 3))
    cosine = (query * key).sum(-1) / np.linalg.norm(query, axis=-1)
    cosine = cosine / np.linalg.norm(key, axis=-1)
    odds = np.exp((cosine[0, 0] - cosine[0, 1]) / 0.5)
    weights = answer(query, key, 0.5)[0, 0]
    return np.allclose(weights[0] / weights[1], odds)


### END HIDDEN TESTS

# %% [markdown] manual="analysis" points=6
# One question.
# ### BEGIN MARK SCHEME
# The rubric.
# ### END MARK SCHEME

# %%
graded.summary(1)
