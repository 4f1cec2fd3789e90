"""The jobs of a sweep are those that Hydra would compose one by one, at a hundredth of the cost."""

import time

import pytest
from hydra.types import RunMode
from omegaconf import OmegaConf

from lossexp.composing import JobComposer, with_value
from lossexp.errors import ConfigError
from tests.composed import combinations, composer, job, jobs, loader

SWEEPS = {
    "lists": ["loss=mse,bce", "optimizer.lr=1"],
    "ranges": ["seed=range(1,2)", "optimizer.lr=range(0.1,0.3,0.1)"],
    "functions": ["optimizer.lr=tag(rate,choice(float(3)))", "optimizer.batch_size=sort(16,8,reverse=true)"],
    "globs": ["loss=glob([mse,bc*],exclude=mse)", "dataset=glob([m*,ir*],exclude=ir*)"],
    "groups": ["model=linear,mlp", "optimizer=gd", "optimizer.lr=0.5"],
    "lists as values": ["model=mlp", "model.hidden=[8],[16,4]"],
    "items of a list": ["model=mlp", "model.hidden.0=8"],
    "experiments": ["experiment=overfit,noisy_labels", "optimizer.lr=0.2"],
    "experiment and groups": ["experiment=overfit", "loss=cce", "optimizer=gd"],
    "values that are not numbers": ["dataset.train_size=null,0.5", "optimizer.nesterov=true"],
    "quoted": ["runs_dir='a,b'", 'tracker.uri="http://x,y"'],
    "strings like numbers": ["runs_dir='010','1e3'"],
    "interpolations": ["dataset.split_seed=${seed}", "seed=3"],
    "forced last": ["optimizer.lr=0.5", "++optimizer.lr=0.1,1"],
    "forced first": ["++optimizer.lr=0.1", "optimizer.lr=0.5"],
    "given twice": ["optimizer.lr=0.5,0.6", "optimizer.lr=0.1"],
    "merged": ["++dataset={noise_seed: 3, label_noise: 0.25}"],
    "deleted": ["~optimizer.momentum", "optimizer.lr=0.5"],
    "added": ["loss=formula", "loss.value='(raw - target)**2 * scale'", "++loss.scale=1,2"],
}


def stock(overrides):
    """Return tree and choices as Hydra's own launcher composes them."""
    composed = loader().load_sweep_config(composer().master, list(overrides))
    tree = OmegaConf.to_container(composed, resolve=False)
    return {key: value for key, value in tree.items() if key != "hydra"}, dict(composed.hydra.runtime.choices)


def same_order(tree):
    """Return a tree as nested pairs, so that the order of keys counts too."""
    return [(key, same_order(value)) for key, value in tree.items()] if isinstance(tree, dict) else tree


@pytest.mark.parametrize("arguments", SWEEPS.values(), ids=SWEEPS)
def test_every_job_is_the_one_that_hydra_composes(arguments):
    batch = combinations(arguments)
    for overrides in batch:
        composed, (tree, choices) = job(*overrides), stock(overrides)
        assert same_order(composed.tree) == same_order(tree)
        assert composed.choices == {str(group): str(choice) for group, choice in choices.items()}
        assert composed.overrides == tuple(overrides)


def test_what_hydra_knows_of_a_job_can_be_referred_to():
    folders = [one.runs_dir for one in jobs("loss=mse,bce", "runs_dir=runs/${hydra:runtime.choices.loss}", "seed=1,2")]
    assert folders == ["runs/mse", "runs/mse", "runs/bce", "runs/bce"]


def test_types_survive():
    """True equals 1 and 1 equals 1.0 in Python, but not in a record."""
    trees = [with_value(job().tree, "seed", value) for value in (1, 1.0, True, "1")]
    assert [type(tree["seed"]) for tree in trees] == [int, float, bool, str]
    assert len({str(jobs(f"dataset.train_size={text}")[0].tree) for text in ("1.0", "300")}) == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optimizer.learningrate=1"], r"Unknown override optimizer\.learningrate\. Did you mean optimizer\.lr\?"),
        (["optimizr.lr=1"], r"Unknown override optimizr\.lr\. Did you mean optimizer\.lr\?"),
        (["seed.x=1"], r"Unknown override seed\.x\. Did you mean seed\?"),
        (
            ["optimizer=gd", "optimizer.momentum=0.5"],
            r"Unknown override optimizer\.momentum\. .*optimizer\.weight_decay",
        ),
        (["++optimizer.foo=1"], r"Unknown setting optimizer\.foo\. "),
        (["loss=mse", "loss.foo=1"], r"Unknown setting loss\.foo\. Known: link"),
        (["optimizer.lr=-1"], r"optimizer\.lr=-1 is not allowed"),
    ],
)
def test_a_wrong_key_or_value_is_refused_in_the_words_of_the_user(overrides, message):
    with pytest.raises(ConfigError, match=message):
        job(*overrides)


def test_what_does_not_change_is_shared():
    tree = {"a": {"b": 1, "c": {"d": 2}}, "e": {"f": 3}}
    changed = with_value(tree, "a.b", 5)
    assert changed == {"a": {"b": 5, "c": {"d": 2}}, "e": {"f": 3}}
    assert tree == {"a": {"b": 1, "c": {"d": 2}}, "e": {"f": 3}}
    assert changed["e"] is tree["e"]
    assert changed["a"]["c"] is tree["a"]["c"]


def test_hydra_composes_once_per_choice_of_groups(monkeypatch):
    asked = []
    compose = loader().load_sweep_config
    monkeypatch.setattr(loader(), "load_sweep_config", lambda *given: asked.append(given[1]) or compose(*given))
    own = JobComposer(loader(), loader().load_configuration("config", [], RunMode.MULTIRUN))
    for overrides in combinations(["loss=mse,bce", "optimizer.lr=0.1,0.2,0.3", "seed=range(20)"]):
        own.job(overrides)
    assert asked == [["loss=mse"], ["loss=bce"]]


def test_jobs_that_cannot_be_built_are_counted_by_reason():
    listed = combinations(["optimizer=lbfgs,sgd", "optimizer.lr=10,20,0.1"])
    built, reasons = composer().jobs(listed)
    assert [(job.choices["optimizer"], job.experiment.optimizer.lr) for job in built] == [
        *(("lbfgs", 0.1), ("sgd", 10), ("sgd", 20), ("sgd", 0.1))
    ]
    assert set(reasons.values()) == {1}
    assert [reason.partition(" is")[0] for reason in reasons] == [
        "optimizer=lbfgs: optimizer.lr=10",
        "optimizer=lbfgs: optimizer.lr=20",
    ]
    assert composer().first(listed).experiment == built[0].experiment


def test_a_mistake_that_all_jobs_have_in_common_is_found_after_a_few():
    class Impatient(list):
        def __getitem__(self, places):
            assert places.stop <= 100
            return super().__getitem__(places)

    listed = Impatient([f"seed={seed}", "optimizer.lr=nan"] for seed in range(1000))
    with pytest.raises(ConfigError, match=r"^optimizer\.lr=nan is not allowed"):
        composer().first(listed)


def test_another_job_costs_little():
    """The whole sweep may spend 5 ms on each; the bound here only finds a job that is composed on its own (100 ms)."""
    own = JobComposer(loader(), composer().master)
    batch = combinations(["loss=mse,bce", "optimizer.lr=0.001,0.01,0.1,1", "seed=range(50)"])
    own.job(batch[0])
    own.job(batch[-1])
    start = time.perf_counter()
    for overrides in batch:
        own.job(overrides)
    milliseconds = (time.perf_counter() - start) / len(batch) * 1000
    print(f"composing: {milliseconds:.2f} ms for each further job of a sweep")
    assert milliseconds < 50
