"""MNIST: likelihoods of test rows after training, in nats a row."""

import numpy as np

from rbmqs.boltzmann import BernoulliRBM, datasets
from rbmqs.boltzmann.likelihood import ais, base_rate, raise_log_z, reverse_ais

HIDDEN = 500
LONG = {"n_gibbs_steps": 2, "l2": 1e-4}


def mnist(quick):
    """60 s of training with the defaults, both binarisations."""
    rows = {}
    for how in ("threshold", "drawn"):
        train, test = read(how)
        seconds = 5 if quick else 60
        BernoulliRBM(HIDDEN, n_iter=1).fit(train[:200])  # compiled before the clock starts
        rbm = BernoulliRBM(HIDDEN, max_seconds=seconds, n_iter=1000, random_state=1).fit(train)
        rows[how] = annealed(rbm, train, test, 500 if quick else 20_000)
        print(f"{how:<10} {seconds} s, {rbm.n_iter_} epochs: {rows[how]}", flush=True)
    return rows


def drawn(quick):
    """Drawn pixels, 150 epochs of two Gibbs steps an update, a little weight decay."""
    train, test = read("drawn")
    rbm = BernoulliRBM(HIDDEN, n_iter=1 if quick else 150, verbose=1, random_state=1, **LONG)
    rows = annealed(rbm.fit(train), train, test, 500 if quick else 20_000)
    print(f"drawn, {rbm.n_iter_} epochs, {rbm.training_.seconds:.0f} s: {rows}", flush=True)
    return rows


def read(how):
    """Training and test images as zeros and ones."""
    parts = (datasets.read_mnist(part).images for part in ("train", "test"))
    return [datasets.binarise(images, how, random_state=7) for images in parts]


def annealed(rbm, train, test, n_betas):
    """Forward AIS, reverse AIS from long chains, RAISE from test rows: nats a test row."""
    machine, base = rbm.rbm_, base_rate(train)
    mean = machine.log_weight(test).mean()
    some = np.random.default_rng(0).permutation(len(train))[:100]
    chains = rbm.sample(100, n_steps=n_betas, start=train[some])
    forward = ais(machine, base=base, n_betas=n_betas, random_state=1)
    reverse = reverse_ais(machine, chains, base=base, n_betas=n_betas, random_state=2)
    data = raise_log_z(machine, test[:100], base=base, n_betas=n_betas, random_state=3)
    return {
        name: [round(float(mean - z.value), 3), round(z.error, 3), round(z.ess, 1)]
        for name, z in (("forward", forward), ("reverse", reverse), ("raise", data))
    }


def hidden16(quick):
    """16 hidden units, exact test log-likelihood after 50 epochs (pixel > 127)."""
    train, test = read("threshold")
    rbm = BernoulliRBM(16, n_iter=2 if quick else 50, random_state=1).fit(train)
    value = float(rbm.log_likelihood(test).mean())
    print(f"16 hidden units, {rbm.n_iter_} epochs: {value:.2f} nats a test row (exact)")
    return {"test": value}
