"""Names of PyTorch, Keras, optax, scikit-learn and XGBoost lead to ours."""

import pytest

from lossexp import CONFIG_DIR, hydra_messages, synonyms

LOSSES = {
    "binary_crossentropy": "bce",
    "BinaryCrossentropy": "bce",
    "BCEWithLogitsLoss": "bce",
    "log_loss": "bce",
    "logloss": "bce",
    "crossentropy": "cce",
    "CrossEntropyLoss": "cce",
    "categorical_crossentropy": "cce",
    "sparse_categorical_crossentropy": "cce",
    "SparseCategoricalCrossentropy": "cce",
    "softmax_cross_entropy_with_integer_labels": "cce",
    "nll": "cce",
    "NLLLoss": "cce",
    "l1": "mae",
    "L1Loss": "mae",
    "mean_absolute_error": "mae",
    "l2": "mse",
    "MSELoss": "mse",
    "mean_squared_error": "mse",
    "squared_error": "mse",
    "smoothl1": "smooth_l1",
    "SmoothL1Loss": "smooth_l1",
    "HuberLoss": "huber",
    "logcosh": "log_cosh",
    "quantile": "pinball",
    "PoissonNLLLoss": "poisson",
    "GaussianNLLLoss": "gaussian_nll",
    "KLDivLoss": "kl",
    "kl_divergence": "kl",
    "squaredhinge": "squared_hinge",
    "categorical_hinge": "crammer_singer",
    "sigmoid_focal_loss": "focal",
    "CategoricalFocalCrossentropy": "focal",
    "poly_loss_cross_entropy": "poly1",
    "CategoricalGeneralizedCrossEntropy": "gce",
    "brier_score_loss": "brier",
    "hubber": "huber",
    "multi:softprob": "cce",
    "multiclass": "cce",
    "multiclassova": "bce",
    "binary": "bce",
    "regression_l1": "mae",
    "regression_l2": "mse",
    "reg:quantileerror": "pinball",
}
OPTIMIZERS = {"RMSProp": "rmsprop", "AdamW": "adamw", "gradient_descent": "gd", "momentum": "sgd", "l_bfgs_b": "lbfgs"}


@pytest.mark.parametrize(
    ("group", "word", "ours"),
    [*(("loss", *pair) for pair in LOSSES.items()), *(("optimizer", *pair) for pair in OPTIMIZERS.items())],
)
def test_other_names(group, word, ours):
    assert synonyms.our_name(group, word) == ours
    error = ValueError(f"Could not find '{group}/{word}'")
    message = hydra_messages.readable(error, CONFIG_DIR, [])
    assert message.startswith(f"Unknown choice {group}={word}. Did you mean {ours}? Known: ")


@pytest.mark.parametrize("name", ["MAPE", "msle", "reg:squaredlogerror", "Dice", "MultiLabelMarginLoss", "accuracy"])
def test_what_is_not_here_is_not_mistaken_for_what_has_a_similar_name(name):
    assert synonyms.our_name("loss", name) is None
    assert synonyms.unknown_choice("loss", name, ["mae", "mse", "sce"]).endswith(f"={name}. Known: mae, mse, sce")


def test_what_nobody_calls_a_loss():
    assert synonyms.our_name("loss", "banana") is None
    assert synonyms.our_name("dataset", "mse") is None


def test_only_what_can_be_chosen_is_proposed(tmp_path):
    """With other YAML files than ours."""
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "mine.yaml").write_text("_target_: my_losses.Mine")
    message = hydra_messages.readable(ValueError("Could not find 'loss/crossentropy'"), tmp_path, [])
    assert message == "Unknown choice loss=crossentropy. Known: mine"
