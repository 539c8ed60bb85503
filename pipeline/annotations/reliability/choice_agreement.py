"""How far raters agree in the labels that they choose."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.choices import Choices
from avcues.pipeline.annotations.reliability.setup_agreement import FEWEST_RATERS, SetupAgreement
from avcues.pipeline.annotations.statistics.coefficients import (
    Bootstrap,
    Coefficient,
    alpha_of,
    estimate,
    kappa_of,
    undefined,
)
from avcues.pipeline.annotations.statistics.consensus import Values
from avcues.pipeline.annotations.statistics.intervals import COEFFICIENT, OfSums


def choice_agreement(choices: Choices, round_: str | None, clips: str, bootstrap: Bootstrap) -> list[SetupAgreement]:
    """One entry per setup: alpha and kappa where every rater chose one label, and the mean alpha of single labels."""
    rows = []
    for setup in np.unique(choices.setup):
        setup_choices = choices.filter(choices.setup == setup)
        _, item = np.unique(
            setup_choices.video * (int(setup_choices.window.max()) + 2) + setup_choices.window + 1, return_inverse=True
        )
        video_of_item = np.zeros(item.max() + 1, np.int64)
        video_of_item[item] = setup_choices.video
        no_numbers = undefined("labels are not numbers")
        coefficients = dict.fromkeys(("loo_ccc", "pairwise_ccc", "alpha_interval", "alpha_ordinal"), no_numbers)
        if (setup_choices.chosen.sum(1) == 1).all():
            label = setup_choices.chosen.argmax(1).astype(np.float64)
            coefficients["alpha_nominal"] = alpha_of(item, label, video_of_item, "nominal", bootstrap)
            coefficients["fleiss_kappa"] = kappa_of(item, label, video_of_item, bootstrap)
        else:
            not_single = undefined("raters may choose several labels; see the mean α of single labels")
            coefficients |= {"alpha_nominal": not_single, "fleiss_kappa": not_single}
        coefficients["alpha_labels"] = mean_alpha_of_labels(setup_choices.chosen, item, video_of_item, bootstrap)
        rows.append(
            SetupAgreement(
                setup=choices.names["setup"][setup],
                round=round_,
                clips=clips,
                dimension=choices.dimension,
                kind="labels",
                videos=len(np.unique(setup_choices.video)),
                raters=len(np.unique(setup_choices.rater)),
                ratings=len(setup_choices.video),
                coefficients=coefficients,
                distribution=None,
            )
        )
    return rows


def mean_alpha_of_labels(
    choices: npt.NDArray[np.bool_], item: npt.NDArray[np.int64], video: npt.NDArray[np.int64], bootstrap: Bootstrap
) -> Coefficient:
    """The mean over labels of the nominal alpha of "chosen or not".

    Args:
        choices: (N, L) whether each rating has each label.
        item: (N,) index of each rating's item.
        video: (items,) codes.
    """
    count = np.bincount(item).astype(np.float64)
    used = count > 1
    if not used.any():
        return undefined(FEWEST_RATERS)
    chosen = np.zeros((len(count), choices.shape[1]))
    np.add.at(chosen, item, choices)
    chosen, count, video = chosen[used], count[used, None], np.unique(video[used], return_inverse=True)[1]
    within = 2 * chosen * (count - chosen) / (count - 1)
    sums = np.zeros((int(video.max()) + 1, 2 * chosen.shape[1] + 1))
    np.add.at(sums, video, np.column_stack([within, chosen, count]))

    def mean_alpha(total: Values) -> Values:
        within, chosen, n = np.split(total, [chosen_from, 2 * chosen_from], axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            alpha = 1 - (n - 1) * within / (2 * chosen * (n - chosen))
            defined = np.isfinite(alpha)
            return np.asarray(np.where(defined, alpha, 0).sum(-1) / defined.sum(-1))

    chosen_from = chosen.shape[1]
    reason = "every label was chosen by all or by none"
    return estimate(OfSums(sums, mean_alpha), bootstrap, reason, scale=COEFFICIENT)
