"""Slow and obvious twins of the classical machines: loops over all states of both layers."""

import itertools

import numpy as np

from rbmqs.boltzmann.parameters import Parameters


def random_machine(n_visible, n_hidden, scale=0.8, seed=0, dtype=np.float64):
    """Parameters of size `scale`, far from independent units."""
    rng = np.random.default_rng(seed)
    shapes = ((n_visible, n_hidden), (n_visible,), (n_hidden,))
    return Parameters(*(scale * rng.standard_normal(shape).astype(dtype) for shape in shapes))


def states(n):
    """All states of n units, unit 0 slowest."""
    return np.array(list(itertools.product([0, 1], repeat=n)))


def joint(machine):
    """exp(-E(v, h)) over all states, (2^N, 2^M), by the definition of E."""
    weights = np.asarray(machine.weights, float)
    b, c = np.asarray(machine.visible_bias, float), np.asarray(machine.hidden_bias, float)
    return np.array(
        [[np.exp(v @ b + h @ c + v @ weights @ h) for h in states(len(c))] for v in states(len(b))]
    )


def log_z(machine):
    """log of the sum over all states."""
    return float(np.log(joint(machine).sum()))


def visible_probabilities(machine):
    """p(v), in the order of `states`."""
    p = joint(machine).sum(axis=1)
    return p / p.sum()


def log_likelihood_gradient(machine, rows, step=1e-5):
    """Central differences of the mean log-likelihood, per parameter array."""
    numbers = rows @ (1 << np.arange(rows.shape[1])[::-1])
    names = ("weights", "visible_bias", "hidden_bias")
    arrays = {name: np.array(getattr(machine, name)) for name in names}

    def value():
        return np.log(visible_probabilities(Parameters(*arrays.values()))[numbers]).mean()

    gradient = {}
    for name, array in arrays.items():
        gradient[name] = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + step
            up = value()
            array[index] = kept - step
            gradient[name][index] = (up - value()) / (2 * step)
            array[index] = kept
    return gradient


def enumerated_gradient(machine, rows):
    """<v h> - <v h>_model and the like, by sums over all states of both layers."""
    p = joint(machine)
    given = p / p.sum(axis=1, keepdims=True)
    p = p / p.sum()
    v, h = states(machine.n_visible), states(machine.n_hidden)
    numbers = rows @ (1 << np.arange(rows.shape[1])[::-1])
    data_hidden = given[numbers] @ h
    return {
        "weights": rows.T @ data_hidden / len(rows) - v.T @ p @ h,
        "visible_bias": rows.mean(axis=0) - p.sum(axis=1) @ v,
        "hidden_bias": data_hidden.mean(axis=0) - p.sum(axis=0) @ h,
    }


def pseudo_log_likelihood(machine, row):
    """sum_i log p(v_i | rest) from ratios of p(v)."""
    p = visible_probabilities(machine)
    weights = 1 << np.arange(len(row))[::-1]
    total = 0.0
    for i in range(len(row)):
        other = row.copy()
        other[i] = 1 - other[i]
        total += np.log(p[row @ weights] / (p[row @ weights] + p[other @ weights]))
    return total
