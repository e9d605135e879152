import numpy as np
import pytest

from course_utils import progress_bar
from course_utils.progress_bar import KerasProgress, ProgressBar, track


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would show: texts of the one display, in order."""
    texts = []

    class Handle:
        def update(self, bar):
            texts.append((repr(bar), bar._repr_html_()))

    def display(bar, display_id):
        texts.append((repr(bar), bar._repr_html_()))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(progress_bar, "REFRESH_SECONDS", 0)
    return texts


def test_track_yields_everything_and_ends_at_100_percent(shown):
    assert list(track(range(4), "counting")) == [0, 1, 2, 3]
    assert shown[0][0] == "counting: 0%"
    assert "counting: 50%" in [text for text, _ in shown]
    assert shown[-1][0] == "counting: 100%"
    assert 'value="1.0000"' in shown[-1][1]


def test_a_generator_needs_a_total(shown):
    with pytest.raises(TypeError):
        list(track((i for i in range(3)), "counting"))
    assert list(track((i for i in range(3)), "counting", total=3)) == [0, 1, 2]


def test_nothing_to_do_shows_nothing(shown):
    assert list(track([], "counting")) == []
    assert shown == []


def test_a_broken_off_run_keeps_the_share_it_reached(shown):
    with pytest.raises(KeyboardInterrupt):
        for i in track(range(10), "counting"):
            if i == 5:
                raise KeyboardInterrupt
    assert shown[-1][0] == "counting: 50%"


@pytest.mark.parametrize("total", [0, -1])
def test_total_must_be_positive(total):
    with pytest.raises(ValueError, match="total must be positive"):
        ProgressBar("x", total)


def test_label_is_escaped_and_spoken(shown):
    with ProgressBar("a<b", 2) as bar:
        bar.update(note="loss < 1")
    assert 'aria-label="a&lt;b"' in shown[-1][1]
    assert "loss &lt; 1" in shown[-1][1]


def test_keras_progress_counts_all_epochs(shown):
    import keras

    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    bar = KerasProgress("training", epochs=2)
    x = np.ones((10, 3))
    model.fit(x, x[:, :1], batch_size=5, epochs=2, verbose=0, callbacks=[bar])
    assert shown[-1][0].startswith("training: 100%  epoch 2 of 2: loss ")
    assert any(text.startswith("training: 50%") for text, _ in shown)
