from lossexp.trackers import NoTracker, TrackingSummary


def test_nothing_is_tracked(tmp_path):
    with NoTracker().start(tmp_path) as follower:
        follower.changed(tmp_path / "records" / "a" / "b")
        assert follower.close() == TrackingSummary()
    assert list(tmp_path.iterdir()) == []
