"""Advantages over the references: the table of their chart, the share forgotten, and the level of the intervals."""

import math

import pandas as pd

from core.report.numbers import percent, percent_ends
from core.types import Advantage, Interval, Verification
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.tables import MODELS

MEASURE_NAMES = Texts({"log_loss": "measure-log-loss", "auc": "measure-auc", "membership": "measure-membership"})


def frame(found: Advantage) -> pd.DataFrame:
    """Return the table of `charts.intervals`: model, value, low, high; a reference has no interval."""
    rows = [(MODELS["before"], found.original), (MODELS["after"], found.unlearned)]
    rows += [(MODELS["reference"], Interval(one, one, one, found.original.n)) for one in found.references]
    return pd.DataFrame(
        [(model, one.value, one.low, one.high) for model, one in rows], columns=["model", "value", "low", "high"]
    )


def share_forgotten(found: Advantage) -> str:
    """State the share that is forgotten by one measure, with its interval rounded outwards as in the verdict."""
    share = found.forgotten
    if share is None or not math.isfinite(share.low + share.high):  # a broken model has no finite loss
        return t("share-forgotten-unknown")
    low, high = percent_ends(share)
    return t("share-forgotten", value=percent(share.value), low=low, high=high)


def interval_level(verified: Verification | None) -> str:
    """Return the level of the intervals in percent; the verification of a further attempt has wider ones."""
    confidence = verified.details.get("confidence") if verified else None  # of one side
    return f"{200 * confidence - 100:g}" if isinstance(confidence, float) else "90"
