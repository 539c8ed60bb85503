"""Tables of reliability and of setup effects: what they print are the numbers of the agreement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from avcues import annotations
from avcues.pipeline.annotations import tables
from avcues.pipeline.annotations.importing.formats.tidy import import_tidy
from avcues.pipeline.annotations.reliability.predictions import compare_predictions
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap

STUDY = annotations.example({f"clip{i}": 30 for i in range(6)})
RESULTS = Results(annotations=STUDY, bootstrap=Bootstrap(0), by=())


def test_intraclass_correlations_stand_by_setup_with_their_intervals() -> None:
    table = tables.intraclass_by_setup(RESULTS, "liking")
    assert table.header == ("coefficient", "music", "visual", "audiovisual")
    assert table.rows[:2] == (("clips", "6", "6", "6"), ("raters", "6", "6", "6"))
    rows = Results(annotations=STUDY, by=()).agreement.by_setup
    (liking,) = [row for row in rows if (row.dimension, row.setup) == ("liking", "music")]
    icc = liking.coefficients["icc2k"]
    assert icc.value is not None and icc.low is not None and icc.high is not None
    printed = tables.intraclass_by_setup(Results(annotations=STUDY, by=()), "liking")
    cells = {row[0]: row[1] for row in printed.rows}
    assert cells["ICC(2,k)"].replace("−", "-") == f"{icc.value:.2f} [{icc.low:.2f}, {icc.high:.2f}]"
    assert "liking" in printed.caption and "F tests" in printed.caption
    numbers = tables.agreement_by_setup(RESULTS, "liking").numbers.to_pandas()
    assert {"icc1", "icc3k", "cronbach_alpha", "loo_ccc"} <= set(numbers.coefficient)


def test_plans_say_how_reliable_so_many_raters_are() -> None:
    table = tables.rater_plans(RESULTS)
    plan = next(p for p in RESULTS.agreement.plans if (p.dimension, p.setup) == ("valence", "visual"))
    (row,) = [row for row in table.rows if row[:2] == ("valence", "visual")]
    assert row[table.header.index("10 raters")] == f"{plan.expected[10]:.2f}"
    assert row[table.header.index("needed for 0.8")] == str(plan.needed[0.8])
    assert [row[0] for row in table.rows] == ["arousal"] * 3 + ["valence"] * 3 + ["liking"] * 3


def test_effects_of_setups_have_their_unit_and_their_sizes() -> None:
    table = tables.setup_effects(RESULTS)
    model = next(m for m in RESULTS.agreement.mixed_models if m.dimension == "liking")
    effect = model.effects["visual"]
    (row,) = [row for row in table.rows if row[:2] == ("liking", "visual")]
    assert row[2].replace("−", "-") == f"{effect.estimate:.3f}"
    assert f"liking: {model.ratings} ratings of 6 videos by 6 raters" in table.caption
    shares = [row[2] for row in table.rows if row[0] == "liking" and row[1].startswith("variance of")]
    assert sum(float(share.removesuffix(" %")) for share in shares) == pytest.approx(100, abs=0.2)
    assert len(tables.normality(RESULTS).rows) == 9


def test_repeated_ratings_are_compared_and_what_has_no_first_one_is_counted() -> None:
    with pytest.raises(NotShownError, match="no rater rated a clip again"):
        tables.retest(RESULTS)
    rows = [("a", v, x, 0) for v, x in zip("pqrs", (1.0, 2, 4, 5), strict=True)]
    rows += [("a", v, x, 1) for v, x in zip("pqrst", (1.0, 3, 4, 5, 2), strict=True)] + [("b", "p", 2.0, 0)]
    frame = pd.DataFrame(rows, columns=["rater", "video_id", "value", "repeat"]).assign(setup="m", dimension="liking")
    study = import_tidy(pa.Table.from_pandas(frame, preserve_index=False))
    table = tables.retest(Results(annotations=study, by=()))
    assert table.rows[0][:6] == ("liking", "m", "ICC(2,1)", "1", "4", "4")
    assert "Left out: 1 repeated ratings without a first one." in table.caption


def test_a_model_stands_beside_the_raters(tmp_path: Path) -> None:
    with pytest.raises(NotShownError, match="name them with `predictions`"):
        tables.model_agreement(RESULTS)
    gold = annotations.gold(STUDY, annotations.Recipe(dimensions=("valence",))).tables["visual"]
    pq.write_table(gold.select(["video_id", "window", "valence"]).replace_schema_metadata(), tmp_path / "p.parquet")
    models, _ = compare_predictions(tmp_path / "p.parquet", STUDY, setup="visual", bootstrap=Bootstrap(0))
    table = tables.model_agreement(replace(RESULTS, models=models))
    (row,) = table.rows
    assert row[:4] == ("valence", "visual", "6", "6")
    # The gold standard agrees with the others more than a rater does.
    assert float(row[table.header.index("difference")].replace("−", "-")) > 0
