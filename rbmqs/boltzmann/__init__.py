"""Classical Boltzmann machines as generative models, with scikit-learn's words.

    >>> from rbmqs.boltzmann import BernoulliRBM, datasets
    >>> X = datasets.bars_and_stripes(4).rows
    >>> BernoulliRBM(random_state=1).fit(X).log_likelihood(X).mean()

In: rows of data. Out: fitted estimators, samples, likelihoods. Imports core and utils only. A new
type of unit is a class registered in `unit_types.py`, a new model one file beside `gaussian.py`;
begin with `bernoulli.py` or `layers.py`. docs/boltzmann.md is the map.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "BernoulliRBM": "bernoulli",
    "BoltzmannMachine": "general",
    "ClassificationRBM": "classification",
    "DeepBeliefClassifier": "finetuning",
    "DeepBeliefNetwork": "belief_network",
    "DeepBoltzmannMachine": "deep_boltzmann",
    "GaussianRBM": "gaussian",
    "LayeredRBM": "gaussian",
    "NADE": "nade",
    "RatingsRBM": "ratings",
    "ReplicatedSoftmax": "topics",
    "SoftmaxRBM": "softmax",
}
_MODULES = ("baselines", "datasets", "likelihood", "plotting")

__all__ = [*sorted(_HOMES), *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"rbmqs.boltzmann.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"rbmqs.boltzmann.{name}")
    raise AttributeError(f"module 'rbmqs.boltzmann' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
