"""The saved view "Losses" of MLflow's page: train and validation in one chart, and the columns that matter.

MLflow keeps a saved view as a tag of the experiment. Its content is what the page itself writes, which is not a public
format: a page that does not understand it shows its own default charts, and nothing else is lost.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

VIEW_ID = "lossexp-losses"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW_ID}"

_MADE = 1767225600000
"""The view's date in milliseconds since 1970 (2026-01-01): a constant, so that the same view is the same text."""

_SECTION = "Losses"
_FOLDED_SECTIONS = ("best", "gap", "test", "val")
"""The page makes one chart per metric and one section per prefix; ours comes first, those wait folded."""

_METRICS = ("accuracy", "log_loss", "brier", "rmse", "mae", "r2")

_COLUMNS = (
    "tags.`loss`",
    "params.`optimizer.lr`",
    "tags.`verdict`",
    "metrics.`best/val_loss`",
    "metrics.`best/epoch`",
    "metrics.`val/loss`",
    "metrics.`gap/final`",
    "tags.`optimizer`",
    "params.`seed`",
    "tags.`dataset`",
    "tags.`sweep`",
)


def view_link(server: str, experiment_id: str) -> str:
    """Return the address of the view's charts in the page of a server."""
    page = f"{server.rstrip('/')}/#/experiments/{experiment_id}/runs"
    return f"{page}?viewStateShareKey={VIEW_ID}&compareRunsMode=CHART&workflowType=machine_learning"


def view_value() -> str:
    """Return the value of the experiment tag `VIEW_TAG`.

    Charts whose metrics an experiment does not have are hidden by the page, so one view serves every task.
    """
    state = {
        "selectedColumns": _COLUMNS,
        "runsHiddenMode": "FIRST_20_RUNS",
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "loss"}]},
        "useGroupedValuesInCharts": True,
        "isAccordionReordered": True,
        "compareRunSections": [
            _section(_SECTION, display=True),
            *(_section(name, display=False) for name in _FOLDED_SECTIONS),
        ],
        "compareRunCharts": [
            _chart("train/loss", "val/loss", scale="log"),
            _chart("gap"),
            *(_chart(f"train/{metric}", f"val/{metric}") for metric in _METRICS),
        ],
    }
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    return json.dumps({"name": _SECTION, "createdAt": _MADE, "updatedAt": _MADE, "state": f"deflate;{packed}"})


def _section(name: str, *, display: bool) -> dict[str, Any]:
    return {
        "uuid": f"lossexp-{name}",
        "name": name,
        "display": display,
        "isReordered": True,
        "columns": 2,
    }


def _chart(*metrics: str, scale: str = "linear") -> dict[str, Any]:
    """Describe a line chart over epochs: one colour per run, the first metric solid, the second dashed."""
    return {
        "type": "LINE",
        "uuid": f"lossexp-{metrics[0]}",
        "metricSectionId": f"lossexp-{_SECTION}",
        "metricKey": metrics[0],
        "selectedMetricKeys": metrics,
        "scaleType": scale,
        "xAxisKey": "step",
        "yAxisKey": "metric",
        "lineSmoothness": 0,
        "deleted": False,
        "isGenerated": False,
    }
