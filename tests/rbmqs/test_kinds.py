"""Objects of another kind are met at the door, by the name of the argument and what was got."""

import numpy as np
import pytest

import rbmqs
from hamiltonians import Z, chain, heisenberg
from rbmqs import RBM, MetropolisSampler

H, PSI = heisenberg(chain(6), total_sz=0), RBM.random(6, alpha=1, seed=0, stddev=0.2)
SAMPLER = MetropolisSampler.for_hamiltonian(H, n_chains=4)
SAMPLES, _ = SAMPLER.sample(PSI, SAMPLER.start(1), 8)
OF_SAMPLES = [
    rbmqs.correlations, rbmqs.dimer_correlations, rbmqs.energy_variance, rbmqs.lanczos_step,
    rbmqs.local_energies, rbmqs.magnetisations, rbmqs.staggered_magnetisation,
    rbmqs.structure_factor, lambda *three: rbmqs.expect(*three, Z(0)),
    lambda *three: rbmqs.renyi_entropy(*three, [0]),
]  # fmt: skip


@pytest.mark.parametrize("function", OF_SAMPLES)
@pytest.mark.parametrize("wrong", [1.5, "psi", None, [], Z(0)], ids=str)
def test_of_samples(function, wrong):
    for n, name in enumerate(("psi", "hamiltonian", "samples")):
        three = [PSI, H, SAMPLES]
        three[n] = wrong
        with pytest.raises(TypeError, match=f"{name} must be .*, got {type(wrong).__name__}"):
            function(*three)


def test_others():
    with pytest.raises(TypeError, match="observable must be a PauliSum, got SpinHamiltonian"):
        rbmqs.expect(PSI, H, SAMPLES, H)
    with pytest.raises(TypeError, match="hamiltonian must be a SpinHamiltonian, got float"):
        rbmqs.ground_state(1.0)
    with pytest.raises(TypeError, match="psi must be a variational state, got list"):
        rbmqs.measure([], H)
    with pytest.raises(
        TypeError, match=r"(expected str, bytes .+ not bool|be a str .+ not 'bool')"
    ):
        rbmqs.read_log(True)


def test_an_array_where_a_number_is_wanted_is_one_line():
    with pytest.raises(TypeError, match="n_iterations must be an integer") as caught:
        rbmqs.RunSettings(n_iterations=np.full((3, 3), np.nan))
    assert "\n" not in str(caught.value)
