"""Ground states of spin Hamiltonians with restricted Boltzmann machines.

>>> import rbmqs
>>> from hamiltonians import chain, ising
>>> print(rbmqs.ground_state(ising(chain(20), h=1.0), alpha=2))
"""

from hamiltonians.utils.lazy import names_on_first_use

__version__ = "0.2.0"

__all__, __getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "dynamics.evolution": "evolve",
        "dynamics.records": "Evolution",
        "dynamics.response": "linear_response",
        "dynamics.spectral": "spectral_function",
        "dynamics.settings": "EvolutionSettings",
        "estimators.error_bars": "statistics",
        "estimators.estimate": "Estimate",
        "estimators.lanczos": (
            "energy_variance lanczos_step temple_lower_bound variational_upper_bound "
            "weinstein_lower_bound"
        ),
        "estimators.local": "expect local_energies",
        "estimators.measurement": "measure",
        "estimators.observables": (
            "Correlations correlations dimer_correlations fidelity magnetisations "
            "renyi_entropy staggered_magnetisation structure_factor"
        ),
        "estimators.stats": "Stats v_score",
        "runs.excited": "ExcitedStates excited_states",
        "runs.loading": "load",
        "runs.log": "read_log",
        "runs.result": "RunResult",
        "runs.resume": "wavefunction_of",
        "runs.run": "ground_state resume",
        "runs.sign_search": "choose_signs",
        "sampling.exact": "ExactSampler",
        "sampling.metropolis": "MetropolisSampler",
        "sampling.replica_exchange": "ReplicaExchangeSampler",
        "states.amplitude_phase": "AmplitudePhaseRBM",
        "states.jastrow": "Jastrow JastrowRBM",
        "states.pair_product": "PairProductRBM",
        "states.projected_rbm": "ProjectedRBM",
        "states.rbm": "RBM",
        "states.spin_rbm": "SpinRBM",
        "states.state": "VariationalState",
        "states.symmetric_rbm": "SymmetricRBM",
        "tomography.reading": "read_shots",
        "tomography.reconstruct": "reconstruct",
        "tomography.result": "Reconstruction",
        "tomography.snapshots": "train_wavefunction",
        "utils.schedules": "Schedule",
        "vmc.extensions.growth": "grown",
        "vmc.loop": "iterate",
        "vmc.records": "StepRecord",
        "vmc.settings": "OptimiserSettings RunSettings SamplingSettings",
    },
)
__all__ += ["__version__"]
