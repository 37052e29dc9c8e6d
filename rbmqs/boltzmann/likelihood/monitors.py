"""Signs of overfitting that need no Z."""

from __future__ import annotations

from typing import Any

from rbmqs.boltzmann.parameters import Parameters


def free_energy_gap(machine: Parameters, train: Any, validation: Any) -> float:
    """Mean free energy of validation rows minus that of training rows, in nats a row.

    Z drops out. The gap grows when the RBM begins to overfit (G. Hinton, "A practical guide to
    training restricted Boltzmann machines", section 6, 2010).
    """
    return float(machine.free_energy(validation).mean() - machine.free_energy(train).mean())
