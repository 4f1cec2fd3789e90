import numpy as np
import pytest
from scipy import stats

from lossexp.verdict import Verdict, after_holm, judge, over_seeds

from .runs import RISING, run


def said(name, p):
    return Verdict(name, f"{name}.", p=p, rise=0.3, headroom=1.0, best_epoch=7)


def test_what_is_not_significant_among_many_is_inconclusive():
    """Holm's procedure on .01, .04, .03, .005 gives .03, .06, .06, .02."""
    names = ["overfit (error)", "overfit (confidence)", "unstable", "overfit (confidence)"]
    verdicts = [said(name, p) for name, p in zip(names, [0.01, 0.04, 0.03, 0.005], strict=True)]
    corrected = after_holm(verdicts)
    assert [verdict.p_holm for verdict in corrected] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [verdict.p for verdict in corrected] == [0.01, 0.04, 0.03, 0.005]
    assert [verdict.name for verdict in corrected] == [names[0], "inconclusive", "inconclusive", names[3]]
    assert corrected[0].sentence == verdicts[0].sentence
    assert corrected[1].sentence == (
        "Inconclusive: validation loss is 30 % of headroom above that of epoch 7, which would be significant for one "
        "run (p = .040) but is not for one of 4 (p = .060 after Holm)."
    )
    assert corrected[1].metrics()["verdict/p_holm"] == pytest.approx(0.06)


def test_only_tested_runs_count_and_only_rises_change():
    verdicts = [said("overfit (error)", 0.03), said("diverged", np.nan), said("good fit", 0.9)]
    corrected = after_holm(verdicts)
    assert [verdict.name for verdict in corrected] == ["inconclusive", "diverged", "good fit"]
    assert corrected[0].p_holm == pytest.approx(0.06)
    assert np.isnan(corrected[1].p_holm)
    assert after_holm([]) == []


def test_a_clear_case_stays_one_in_a_large_sweep():
    verdicts = [judge(run(RISING))] + [said("good fit", 0.5)] * 499
    assert after_holm(verdicts)[0].name == "overfit (confidence)"


def test_seeds_together():
    """3 of 10: Clopper and Pearson's interval is .067 to .652, from the quantiles of the beta distribution."""
    p_values = [0.001, 0.002, 0.03, 0.04, 0.05, 0.06, 0.2, 0.4, 0.5, 0.9]
    names = ["overfit (error)", "overfit (confidence)", "overfit (error)"] + ["good fit"] * 7
    seeds = over_seeds([*map(said, names, p_values), said("diverged", np.nan)])
    assert (seeds.n_overfit, seeds.n_runs) == (3, 10)
    assert seeds.interval == pytest.approx((stats.beta.ppf(0.025, 3, 8), stats.beta.ppf(0.975, 4, 7)))
    assert seeds.interval == pytest.approx((0.0667, 0.6525), abs=1e-4)
    assert seeds.p == pytest.approx(2 * 0.055)
    assert over_seeds([said("good fit", 0.9)]).p == 1


def test_seeds_that_could_not_be_tested_say_nothing():
    with pytest.raises(ValueError, match="None of the runs could be tested"):
        over_seeds([said("diverged", np.nan)])
