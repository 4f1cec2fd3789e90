"""A sweep as it is usually written: Hydra's own launcher, a PyTorch loop, mlflow.log_metrics after every epoch.

python usual_way.py -m loss=mse,cce lr=0.01,0.1 'seed=range(4)'
"""

import os
from dataclasses import dataclass

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import hydra
import mlflow
import torch
from hydra.core.config_store import ConfigStore
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


@dataclass
class Config:
    loss: str = "cce"
    lr: float = 0.1
    seed: int = 0
    epochs: int = 100
    batch_size: int = 32


ConfigStore.instance().store(name="config", node=Config)


def load(seed):
    X, y = load_digits(return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X_train)
    as_tensors = lambda X, y: (torch.tensor(scaler.transform(X), dtype=torch.float32), torch.tensor(y))  # noqa: E731
    return as_tensors(X_train, y_train), as_tensors(X_val, y_val)


def mse(raw, y):
    return ((raw.softmax(1) - torch.nn.functional.one_hot(y, 10)) ** 2).sum(1).mean()


@hydra.main(config_path=None, config_name="config", version_base="1.3")
def main(cfg):
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    (X, y), (X_val, y_val) = load(cfg.seed)
    criterion = mse if cfg.loss == "mse" else torch.nn.CrossEntropyLoss()
    model = torch.nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr)
    mlflow.set_tracking_uri("sqlite:///" + os.environ["STORE"])
    mlflow.set_experiment("digits")
    with mlflow.start_run():
        mlflow.log_params(dict(cfg))
        for epoch in range(cfg.epochs):
            order = torch.randperm(len(X))
            for start in range(0, len(X), cfg.batch_size):
                batch = order[start : start + cfg.batch_size]
                optimizer.zero_grad()
                criterion(model(X[batch]), y[batch]).backward()
                optimizer.step()
            with torch.no_grad():
                raw, raw_val = model(X), model(X_val)
                mlflow.log_metrics(
                    {
                        "train/loss": criterion(raw, y).item(),
                        "val/loss": criterion(raw_val, y_val).item(),
                        "train/accuracy": (raw.argmax(1) == y).float().mean().item(),
                        "val/accuracy": (raw_val.argmax(1) == y_val).float().mean().item(),
                    },
                    step=epoch,
                )


if __name__ == "__main__":
    main()
