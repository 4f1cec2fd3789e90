"""Run folders as the runner writes them, without any training."""

from pathlib import Path

from lossexp.record import Outcome, Record, RunSheet

STARTED = 1_700_000_000_000


def sheet(name="bce lr=0.1", experiment="breast_cancer", curves=None, **tags) -> RunSheet:
    return RunSheet(
        name=name,
        experiment=experiment,
        run_key="0123",
        started=STARTED,
        params={"loss": "bce", "optimizer.lr": "0.1", "seed": "0"},
        tags={"loss": "bce", "optimizer": "sgd", "dataset": experiment, **tags},
        dataset={"name": experiment, "fingerprint": "f" * 64, "n_train": "400"},
        curves=curves,
    )


def curves(epochs: range) -> dict[str, list[float]]:
    """Curves that fall (train) and turn (validation), the same for the same epochs."""
    train = [1.0 / (1 + epoch) for epoch in epochs]
    val = [1.1 / (1 + epoch) + 0.001 * epoch for epoch in epochs]
    gap = [v - t for t, v in zip(train, val, strict=True)]
    return {"train/loss": train, "val/loss": val, "gap": gap}


def grow(record: Record, epochs: range) -> None:
    """Append epochs, each ten milliseconds after the one before."""
    record.append(epochs, [STARTED + 10 * epoch for epoch in epochs], curves(epochs))


def finish(record: Record) -> None:
    (record.path / "curves.png").write_bytes(b"picture")
    (record.path / "model").mkdir()
    (record.path / "model" / "model.json").write_text("{}", encoding="utf-8")
    record.finish(
        Outcome(
            status="FINISHED",
            ended=STARTED + 5000,
            metrics={"best/epoch": 4.0, "best/val_loss": 0.25},
            tags={"ending": "completed"},
            description="Completed.",
        )
    )


def begun(root: Path, n_epochs: int = 0, **of_sheet) -> Record:
    """Make the folder of a run that is going on."""
    record = Record.create(root / "records", sheet(**of_sheet), "loss: bce\n")
    if n_epochs:
        grow(record, range(n_epochs))
    return record


def finished(root: Path, n_epochs: int = 5, **of_sheet) -> Record:
    """Make the folder of a run that has ended."""
    record = begun(root, n_epochs, **of_sheet)
    finish(record)
    return record
