import base64
import json
import zlib

from lossexp.trackers.view import VIEW_TAG, view_link, view_value


def state():
    packed = json.loads(view_value())["state"]
    return json.loads(zlib.decompress(base64.b64decode(packed.removeprefix("deflate;"))))


def test_the_envelope_is_what_the_page_reads():
    envelope = json.loads(view_value())
    assert VIEW_TAG == "mlflow.sharedViewState.lossexp-losses"
    assert envelope["name"] == "Losses"
    assert isinstance(envelope["createdAt"], int)
    assert isinstance(envelope["updatedAt"], int)
    assert envelope["state"].startswith("deflate;")


def test_train_and_validation_share_a_chart_and_only_losses_are_logarithmic():
    charts = {tuple(chart["selectedMetricKeys"]): chart["scaleType"] for chart in state()["compareRunCharts"]}
    assert charts.pop(("train/loss", "val/loss")) == "log"
    assert charts.pop(("gap",)) == "linear"
    expected = {(f"train/{name}", f"val/{name}") for name in ("accuracy", "log_loss", "brier", "rmse", "mae", "r2")}
    assert set(charts) == expected
    assert set(charts.values()) == {"linear"}


def test_every_chart_is_in_the_first_section_and_the_others_are_folded():
    first, *others = state()["compareRunSections"]
    assert {chart["metricSectionId"] for chart in state()["compareRunCharts"]} == {first["uuid"]}
    assert first["display"] is True
    assert {section["display"] for section in others} == {False}


def test_columns():
    columns = state()["selectedColumns"]
    assert {"tags.`loss`", "tags.`verdict`", "params.`optimizer.lr`"} <= set(columns)
    assert {"metrics.`best/epoch`", "metrics.`best/val_loss`"} <= set(columns)


def test_the_view_is_the_same_text_every_time():
    assert view_value() == view_value()


def test_link():
    link = view_link("http://127.0.0.1:5000/", "7")
    assert link.startswith("http://127.0.0.1:5000/#/experiments/7/runs?viewStateShareKey=lossexp-losses&")
    assert "compareRunsMode=CHART" in link


def test_runs_are_grouped_by_loss():
    assert state()["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "loss"}]
    assert state()["useGroupedValuesInCharts"] is True
