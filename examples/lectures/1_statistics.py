r"""
1. The statistics of an RBM
===========================

A restricted Boltzmann machine is a probability distribution over strings of bits:

.. math::

    p(v) = \frac{1}{Z} \sum_h e^{b \cdot v + c \cdot h + v W h}
         = \frac{1}{Z} e^{-F(v)}, \qquad
    F(v) = -b \cdot v - \sum_j \ln\left(1 + e^{c_j + (v W)_j}\right).

The sum over the hidden units h is done by hand, since they do not see each other; the free energy F
costs one matrix product. The normalisation Z is a sum of :math:`2^N` terms and is the difficulty of
the whole subject. Here N is 9, so that we can do it, and see what the usual methods approximate.
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rbmqs.boltzmann import BernoulliRBM, datasets

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)
rng = np.random.default_rng(1)

# %% [markdown]
# The data: all images of 3 x 3 pixels whose rows, or whose columns, are full or empty. No model can
# give them more than their own entropy, which the data set knows.

# %%
data = datasets.bars_and_stripes(3)
X = data.rows.astype(float)
print(len(X), "images; best mean log-likelihood", round(data.optimum, 4), "nats")

# %% [markdown]
# Probability
# -----------
#
# Everything that follows needs two functions: the free energy, and the probability of each hidden
# unit given the visible ones, :math:`p(h_j = 1 | v) = 1 / (1 + e^{-c_j - (vW)_j})`.


# %%
def free_energy(v, b, c, W):
    return -v @ b - np.logaddexp(0, c + v @ W).sum(axis=-1)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


N, M = X.shape[1], 16
all_v = (np.arange(2**N)[:, None] >> np.arange(N)) & 1
b, c = np.zeros(N), np.zeros(M)
W = rng.normal(scale=0.1, size=(N, M))
log_Z = np.logaddexp.reduce(-free_energy(all_v, b, c, W))
print("mean log-likelihood before training:", (-free_energy(X, b, c, W) - log_Z).mean().round(3))

# %% [markdown]
# Brute force over h as well agrees with the formula. Whenever you write such a formula, spend two
# lines on its naive twin.

# %%
h = (np.arange(2**M)[:, None] >> np.arange(M)) & 1
brute = np.logaddexp.reduce(X[3] @ b + h @ c + (X[3] @ W) @ h.T)
assert np.isclose(brute, -free_energy(X[3], b, c, W))

# %% [markdown]
# The gradient
# ------------
#
# The log-likelihood climbs along
#
# .. math::
#
#     \frac{\partial}{\partial W_{ij}} \langle \ln p \rangle_{\rm data}
#     = \langle v_i h_j \rangle_{\rm data} - \langle v_i h_j \rangle_{\rm model} .
#
# The first average is over the data. The second needs samples of the model, or all of them.


# %%
def statistics(v, c, W, weights):
    """<v>, <h>, <v h> of rows with weights that add up to one."""
    mean_h = sigmoid(c + v @ W)
    return weights @ v, weights @ mean_h, (v * weights[:, None]).T @ mean_h


def model_exact(b, c, W):
    weights = np.exp(-free_energy(all_v, b, c, W))
    return statistics(all_v, c, W, weights / weights.sum())


def gibbs(v, b, c, W, n_steps):
    """Block Gibbs sampling: all hidden units given the visible ones, and back."""
    for _ in range(n_steps):
        h = rng.random((len(v), len(c))) < sigmoid(c + v @ W)
        v = (rng.random(v.shape) < sigmoid(b + h @ W.T)).astype(float)
    return v


# %% [markdown]
# Contrastive divergence
# ----------------------
#
# Hinton's idea (Neural Computation 14, 1771 (2002)): start the chain at the data and stop after one
# step. The chain has no time to reach the model's distribution, so the gradient is biased: it only
# asks that the data be a better place than their immediate neighbourhood. Persistent contrastive
# divergence (Tieleman, ICML 2008) lets the chains go on from one update to the next instead.


# %%
def train(how, n_updates=3000, rate=0.2):
    b, c = np.zeros(N), np.zeros(M)
    W = np.random.default_rng(2).normal(scale=0.1, size=(N, M))
    even, chains, curve = np.full(len(X), 1 / len(X)), X.copy(), []
    for k in range(n_updates):
        if how == "exact":
            negative = model_exact(b, c, W)
        else:
            chains = gibbs(X if how == "CD-1" else chains, b, c, W, 1)
            negative = statistics(chains, c, W, even)
        for parameter, up, down in zip((b, c, W), statistics(X, c, W, even), negative, strict=True):
            parameter += rate * (1 - k / n_updates) * (up - down)
        if k % 20 == 0:
            log_Z = np.logaddexp.reduce(-free_energy(all_v, b, c, W))
            curve.append((k, (-free_energy(X, b, c, W) - log_Z).mean()))
    return np.array(curve)


figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for how in ("exact", "CD-1", "PCD"):
    curve = train(how)
    axes.plot(*curve.T, label=how)
    print(f"{how:6} {curve[-1, 1]:.3f}")
axes.axhline(data.optimum, color="0.4", lw=1, label="entropy of the data")
axes.set(xlabel="update", ylabel="mean log-likelihood (nats)", ylim=(-7, -2.4))
axes.legend(frameon=False)
figure.savefig(OUTPUT / "lecture_1.png", dpi=150)

# %% [markdown]
# The package does the same with faster kernels, and chooses the method by size: here it sums over
# all states, since there are few. Its log-likelihood is exact up to twenty or so units.

# %%
rbm = BernoulliRBM(M, random_state=1).fit(X)
score = rbm.log_likelihood(X).mean()
print(f"BernoulliRBM: {score:.3f}, best possible {data.optimum:.3f}")
assert data.optimum - score < 0.05
assert score < data.optimum + 1e-9

# %% [markdown]
# Exercises
# ---------
#
# 1. Replace CD-1 by CD-10. Which of the two curves moves, and towards which?
# 2. Take four hidden units. Where is the likelihood lost: look at ``rbm.sample(1000)``.
# 3. Write p(v) with :math:`s = 2v - 1 = \pm 1`. Which b, c, W belong to the same distribution? The
#    second lecture begins there.
