import math

import pytest

from course_utils import claims
from course_utils.claims import ClaimFailed, claim, claims_table, number


@pytest.fixture(autouse=True)
def no_claims():
    claims.reset()
    yield
    claims.reset()


def test_prints_claim_measurement_baseline_band_verdict(capsys):
    claim("heads differ", 0.25, at_least=0.2, baseline=("chance", 0.1))
    assert capsys.readouterr().out.splitlines() == [
        "claim     heads differ",
        "measured  0.25",
        "baseline  chance 0.1",
        "band      at least 0.2",
        "verdict   supported",
        "",
    ]


@pytest.mark.parametrize(
    ("measured", "band"),
    [
        (0.19, {"at_least": 0.2}),
        (0.21, {"at_most": 0.2}),
        (1.2, {"equals": 1, "tolerance": 0.1}),
        (math.nan, {"at_least": 0.2}),
        (math.nan, {"at_most": 0.2}),
        ([0.19, 0.1], {"at_least": 0.2}),
    ],
)
def test_a_failing_claim_raises_and_is_still_listed(measured, band):
    with pytest.raises(ClaimFailed, match="expected supported"):
        claim("fails", measured, **band)
    assert claims_table().claims[0].verdict == "refuted"


@pytest.mark.parametrize("runs", [[0.3, 0.19, 0.3], [0.3, math.nan]])
def test_runs_that_disagree_decide_nothing(runs):
    for verdict in ("supported", "refuted"):
        with pytest.raises(ClaimFailed, match=f"expected {verdict}"):
            claim("mixed", runs, at_least=0.2, expect=verdict)
    claim("mixed", runs, at_least=0.2, expect="undecided")
    assert claims_table().claims[0].verdict == "undecided"


def test_ends_of_the_band_count_as_inside():
    claim("low end", 0.2, at_least=0.2)
    claim("high end", 0.2, at_most=0.2)
    claim("exact", 3, equals=3)


def test_a_claim_of_others_may_be_expected_to_fail(capsys):
    claim(
        "20-30% faster",
        [0.9, 1.0],
        at_least=1.2,
        by="source tutorial",
        expect="refuted",
    )
    printed = capsys.readouterr().out
    assert "by        source tutorial" in printed
    assert "verdict   refuted" in printed
    with pytest.raises(ClaimFailed, match="expected refuted"):
        claim("it holds after all", 1.3, at_least=1.2, expect="refuted")


@pytest.mark.parametrize(
    ("measured", "arguments", "named"),
    [
        (1, {}, "needs a band"),
        ([], {"at_least": 0}, "nothing was measured"),
        (1, {"equals": 1, "at_most": 2}, "not both"),
        (1, {"at_least": 2, "at_most": 1}, "the band is empty"),
        (1, {"at_least": 0, "expect": "true"}, "expect must be"),
    ],
)
def test_nonsense_is_refused(measured, arguments, named):
    with pytest.raises(ValueError, match=named):
        claim("nonsense", measured, **arguments)
    assert not claims_table().claims


def test_running_a_cell_again_replaces_its_claim():
    claim("the same", 1, at_least=0)
    claim("the same", 2, at_least=0)
    assert [entry.values for entry in claims_table().claims] == [(2.0,)]


def test_runs_are_summed_up():
    claim("three runs", [0.1, 0.2, 0.6], at_least=0.0)
    entry = claims_table().claims[0]
    assert entry.measured == "0.3 (0.1 to 0.6, 3 runs)"


def test_numbers_that_are_no_runs_say_what_they_are():
    claim("three heads", [0.1, 0.2, 0.6], at_least=0.0, per="head")
    assert claims_table().claims[0].measured.endswith("3 heads)")


def test_table_escapes_html_and_has_text_form():
    claim("a < b & c", 1, at_most=2, baseline="<none>")
    table = claims_table()
    assert "a &lt; b &amp; c" in table._repr_html_()
    assert "&lt;none&gt;" in table._repr_html_()
    assert "a < b & c | this course | 1 | at most 2" in repr(table)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8512, "0.851"),
        (12.0, "12"),
        (123.456, "123.5"),
        (62832, "62,832"),
        (6.6e-7, "6.6e-07"),
        (1e-5, "1e-05"),
        (-0.5, "-0.5"),
        (0.0, "0"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_numbers_read_well(value, text):
    assert number(value) == text
