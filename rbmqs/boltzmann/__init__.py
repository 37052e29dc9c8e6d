"""Classical Boltzmann machines as generative models, with scikit-learn's words.

    >>> from rbmqs.boltzmann import BernoulliRBM, datasets
    >>> X = datasets.bars_and_stripes(4).rows
    >>> BernoulliRBM(random_state=1).fit(X).log_likelihood(X).mean()

In: rows of data. Out: fitted estimators, samples, likelihoods. Imports core and utils only. A new
type of unit is a class registered in `unit_types.py`, a new model one file beside `gaussian.py`;
begin with `bernoulli.py` or `layers.py`. docs/boltzmann.md is the map.
"""

from hamiltonians.utils.lazy import names_on_first_use

__all__, __getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "belief_network": "DeepBeliefNetwork",
        "bernoulli": "BernoulliRBM",
        "classification": "ClassificationRBM",
        "deep_boltzmann": "DeepBoltzmannMachine",
        "finetuning": "DeepBeliefClassifier",
        "gaussian": "GaussianRBM LayeredRBM",
        "general": "BoltzmannMachine",
        "nade": "NADE",
        "ratings": "RatingsRBM",
        "softmax": "SoftmaxRBM",
        "topics": "ReplicatedSoftmax",
    },
    "baselines datasets likelihood plotting",
)
