"""Week 2's own definitions, taken out of the lesson and put to the test."""

import numpy as np
import pytest
from authoring import lesson

import course_utils as cu
from course_utils import attention

keras = cu.import_quietly("keras")
PATH = lesson.LESSONS / "week2_multi_head_attention.py"


@pytest.fixture(scope="module")
def week():
    return lesson.definitions(PATH)


def random(*shape, seed=0):
    numbers = np.random.default_rng(seed).normal(size=shape)
    return numbers.astype("float32")


def built(week, width=12, num_heads=3, name="MultiHeadSelfAttention"):
    keras.utils.set_random_seed(0)
    layer = week[name](width, num_heads)
    layer(random(2, 5, 12))
    return layer


def copied(layer, theirs, *inputs):
    theirs(*inputs)
    weights = zip(theirs.get_weights(), layer.get_weights(), strict=True)
    layer.set_weights([t.reshape(o.shape) for t, o in weights])


def shares_elsewhere(week, block, tokens):
    table = week["influence"](block, tokens)
    return table[~np.eye(len(table), dtype=bool)].sum() / table.sum()


def test_layer_equals_keras_with_other_key_length_value_and_mask(week):
    theirs = keras.layers.MultiHeadAttention(num_heads=3, key_dim=4)
    query, key, value = random(2, 5, 12), random(2, 7, 10), random(2, 7, 8)
    ours = week["MultiHeadSelfAttention"](12, 3)
    ours(query, key, value)
    copied(ours, theirs, query, value, key)
    mask = random(2, 5, 7, seed=1) > -1
    assert not mask.all()
    assert mask.any(axis=-1).all()
    out, attn = ours(
        query,
        key,
        value,
        attention_mask=mask[:, None],
        return_attention_scores=True,
    )
    right, right_attn = theirs(
        query,
        value,
        key,
        attention_mask=mask,
        return_attention_scores=True,
    )
    assert attn.shape == (2, 3, 5, 7)
    assert np.allclose(out, right, atol=1e-5)
    assert np.allclose(attn, right_attn, atol=1e-5)


def test_layer_equals_the_numpy_reference(week):
    layer = built(week)
    tokens, context = random(2, 5, 12), random(2, 7, 12)
    parts = ("query", "key", "value", "project")
    weights = {
        name.replace("project", "output"): getattr(layer, name).get_weights()
        for name in parts
    }
    right, attn = attention.multi_head_attention(tokens, weights, 3, context)
    out, ours = layer(tokens, context, return_attention_scores=True)
    assert np.allclose(out, right, atol=1e-5)
    assert np.allclose(ours, attn, atol=1e-5)


def test_query_that_may_attend_to_nothing_gets_no_weight(week):
    layer = built(week)
    mask = np.ones((2, 1, 5, 5), bool)
    mask[1, :, 2] = False
    out, attn = layer(
        random(2, 5, 12), attention_mask=mask, return_attention_scores=True
    )
    assert not np.asarray(attn)[1, :, 2].any()
    assert np.allclose(np.asarray(attn)[0].sum(axis=-1), 1)
    assert np.isfinite(out).all()
    assert np.allclose(out[1, 2], layer.project.bias, atol=1e-6)


def test_empty_batch_gives_an_empty_result(week):
    assert built(week)(np.zeros((0, 5, 12), "float32")).shape == (0, 5, 12)


def test_nan_stays_in_its_own_image(week):
    tokens = random(2, 5, 12)
    tokens[0, 3, 2] = np.nan
    out = np.asarray(built(week)(tokens))
    assert np.isnan(out[0]).all()
    assert np.isfinite(out[1]).all()


@pytest.mark.parametrize("num_heads", [5, 0, -1])
def test_head_count_that_does_not_divide_the_width(week, num_heads):
    with pytest.raises(ValueError, match=f"num_heads={num_heads} does not"):
        week["MultiHeadSelfAttention"](12, num_heads)


@pytest.mark.parametrize("shape", [(5, 12), (2, 3, 5, 12)])
def test_wrong_rank_is_named(week, shape):
    with pytest.raises(ValueError, match=r"need \(batch, tokens, width\)"):
        week["MultiHeadSelfAttention"](12, 3)(random(*shape))
    with pytest.raises(ValueError, match=r"need \(batch, tokens, width\)"):
        built(week)(random(2, 5, 12), random(*shape))


def test_repaired_network_survives_saving_and_the_tutorial_s_does_not(week):
    network, models = week["tutorial"].network, week["keras_models"]
    norm = keras.layers.LayerNormalization
    repaired = network(week["corrected_block"], norm)
    image = random(2, 28, 28, 1)
    again = models.reloaded(repaired)
    assert np.allclose(again(image), repaired(image), atol=1e-6)
    with pytest.raises(ValueError, match="Lambda"):
        models.reloaded(network())
    parts = {"NormL": week["tutorial"].NormL}
    with pytest.raises(TypeError, match="NormL"):
        models.reloaded(network(), safe_mode=False, custom_objects=parts)


def test_one_layer_with_two_inputs_survives_saving(week, tmp_path):
    query, context = keras.Input((5, 12)), keras.Input((7, 10))
    layer = week["MultiHeadSelfAttention"](12, 3)
    model = keras.Model([query, context], layer(query, context))
    model.save(tmp_path / "cross.keras")
    again = keras.models.load_model(tmp_path / "cross.keras")
    inputs = [random(2, 5, 12), random(2, 7, 10)]
    assert np.allclose(again(inputs), model(inputs), atol=1e-6)


def test_influence_tells_the_tutorial_from_its_repair(week):
    tokens = np.abs(random(1, 36, 192))
    shares = {}
    for name in ("tutorial", "corrected", "1x1 layers", "plain CNN"):
        network = week["tutorial"].network(week["BLOCKS"][name])
        block = week["keras_models"].between(network, "tokens", "grid")
        shares[name] = shares_elsewhere(week, block, tokens)
    assert shares["corrected"] > 0.1
    assert shares["tutorial"] == 0
    assert shares["1x1 layers"] == shares["plain CNN"] == 0


def test_attention_over_heads_differs_only_in_where_it_looks(week):
    right, wrong = built(week), built(week, name="AttentionOverHeads")
    tokens = random(1, 5, 12)
    assert shares_elsewhere(week, right, tokens) > 0.1
    assert shares_elsewhere(week, wrong, tokens) == 0
    shapes = [w.shape for w in right.get_weights()]
    assert [w.shape for w in wrong.get_weights()] == shapes
    _, attn = wrong(tokens, return_attention_scores=True)
    assert attn.shape == (1, 5, 3, 3)  # (batch, tokens, heads, heads)


def test_only_the_right_mixers_mix(week):
    tokens = keras.Input((49, week["WIDTH"]))
    mixed = {}
    for name in week["NAMES"]:
        keras.utils.set_random_seed(0)
        mixer = keras.Model(tokens, week["MIXERS"][name](tokens))
        given = random(1, 49, week["WIDTH"])
        mixed[name] = shares_elsewhere(week, mixer, given) > 0.1
    assert mixed == {
        "no mixing": False,
        "over heads": False,
        "convolution": True,
        "over positions": True,
    }


def test_readers_have_equal_parameters(week):
    sizes = [week["reader"](name).count_params() for name in week["NAMES"]]
    assert max(sizes) / min(sizes) < 1.02


def test_blocks_have_equal_parameters_but_for_the_plain_one(week):
    sizes = [
        week["tutorial"].network(block).count_params()
        for name, block in week["BLOCKS"].items()
        if name != "plain CNN"
    ]
    assert max(sizes) / min(sizes) < 1.02


def test_tutorial_code_is_the_tutorial_s(week):
    """The shapes it is known for, and the crash on other lengths."""
    tutorial = week["tutorial"]
    block = week["keras_models"].between(tutorial.network(), "tokens", "grid")
    shapes = [
        part.output.shape
        for part in block.layers
        if isinstance(part, keras.layers.Lambda)
    ]
    assert shapes[0] == shapes[1] == (None, 1, 36, 8, 8)
    assert tutorial.network().count_params() == 472_906
    inputs = [keras.Input((1, n, 12)) for n in (5, 7, 7)]
    with pytest.raises(ValueError, match="total size of the tensor"):
        tutorial.MultiHeadsAttModel(l=5, d=12, dv=4, nv=3)(inputs)


def test_maps_of_a_reader_are_those_of_its_mixer(week):
    reader, images = week["reader"]("over positions"), random(3, 56, 56, 1)
    maps = week["keras_models"].attention_maps(reader, images, batch_size=2)
    assert maps.shape == (3, 4, 49, 49)
    assert np.allclose(maps.sum(axis=-1), 1, atol=1e-5)
    mixer = reader.get_layer("mixer")
    tokens = keras.Model(reader.input, mixer.input)(images)
    _, attn = mixer(tokens, return_attention_scores=True)
    assert np.allclose(maps, attn, atol=1e-6)


def test_a_head_without_values_hands_over_nothing(week):
    reader, images = week["reader"]("over positions"), random(2, 56, 56, 1)
    before = [w.copy() for w in reader.get_weights()]
    cut = week["keras_models"].without_heads(reader, [1])
    layer = cut.get_layer("mixer")
    values = layer.split(layer.value(random(2, 49, week["WIDTH"])))
    silent = ~np.asarray(values).any(axis=(0, 2, 3))
    assert silent.tolist() == [False, True, False, False]
    none = week["keras_models"].without_heads(reader, [0, 1, 2, 3])
    layer = none.get_layer("mixer")
    mixed = keras.Model(none.input, layer.output)(images)
    assert np.allclose(mixed, layer.project.bias, atol=1e-6)
    same = zip(reader.get_weights(), before, strict=True)
    assert all(np.array_equal(now, then) for now, then in same)


def test_film_keeps_a_map_before_the_first_step_and_then_some(week):
    models, reader = week["keras_models"], week["reader"]("over positions")
    images = random(10, 56, 56, 1)
    film = models.AttentionFilm(images[:1], every=2)
    models.train(
        reader,
        images,
        np.arange(10),
        label="film",
        epochs=1,
        batch_size=2,
        callbacks=[film],
    )
    assert len(film.maps) == 3  # before steps 1, 3 and 5
    assert not np.allclose(film.maps[0], film.maps[-1])
