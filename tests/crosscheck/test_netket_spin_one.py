"""Amplitudes and local energies of spins S = 1 against NetKet's RBMMultiVal."""

import numpy as np
import pytest

netket = pytest.importorskip("netket")

import hamiltonians as hm  # noqa: E402
from hamiltonians.operators.spin_sectors import sector_of  # noqa: E402
from rbmqs.states.spin_rbm import SpinRBM  # noqa: E402

pytestmark = pytest.mark.netket
N, M = 6, 12


@pytest.mark.parametrize("angle", [0.0, np.pi / 4])
def test_local_energies_are_those_of_netket(angle):
    """Of all configurations with S_z = 0; one_hot takes 2 S_z = 2, 0, -2 to e_2, e_0 and zero."""
    rng = np.random.default_rng(3)
    kernel, a, b = (
        0.3 * (rng.normal(size=shape) + 1j * rng.normal(size=shape))
        for shape in ((3 * N, M), (3 * N,), (M,))
    )
    order, none = [2, 0], np.zeros((N, 1))
    visible = np.concatenate([a.reshape(N, 3)[:, order], none], axis=1)
    weights = kernel.reshape(N, 3, M)[:, order]
    weights = np.concatenate([weights, np.zeros((N, 1, M))], axis=1)
    psi = SpinRBM(visible, b, weights, 1, "one-hot")
    hamiltonian = hm.bilinear_biquadratic(hm.chain(N), angle, total_sz=0)
    sigma = sector_of(psi.hilbert, 0).configurations()

    space = netket.hilbert.Spin(1, N, total_sz=0)
    parts = [(np.asarray(m, complex), list(sites)) for sites, m in hamiltonian.terms.parts.items()]
    constant = sum(m.item() for m, sites in parts if not sites)
    bonds = [part for part in parts if part[1]]  # the same for all spins turned over
    operator = netket.operator.LocalOperator(space, *zip(*bonds, strict=True), constant=constant)
    model = netket.models.RBMMultiVal(n_classes=3, alpha=M / (3 * N), param_dtype=complex)
    dense = {"kernel": kernel, "bias": b}
    parameters = {"params": {"RBM": {"Dense": dense, "visible_bias": a}}}

    def log_psi(x):
        return np.asarray(model.apply(parameters, x.astype(int)))

    primed, elements = operator.get_conn_padded(sigma.astype(float))
    primed, elements = np.asarray(primed), np.asarray(elements)
    ratios = np.exp(
        log_psi(primed.reshape(-1, N)).reshape(elements.shape) - log_psi(sigma)[:, None]
    )
    expected = (elements * ratios).sum(axis=1)
    own = psi.local_values(sigma, hamiltonian.connections, True)
    assert len(sigma) == 141
    np.testing.assert_allclose(psi.log_psi(sigma) - M * np.log(2), log_psi(sigma), atol=1e-12)
    np.testing.assert_allclose(own, expected, rtol=1e-10, atol=1e-10)
