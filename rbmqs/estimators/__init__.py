"""Expectation values of a state from samples, with error bars that can be trusted.

In comes a state, a Hamiltonian and configurations drawn from |psi|^2; out come `Stats`, arrays with
errors, and a status wherever an error bar is doubtful. `local` has local values, `error_bars` the
error of correlated draws, `observables` correlations, structure factors, entropies and fidelities,
`lanczos` one Lanczos step and bounds, `equilibration` and the files of chains their diagnostics.
Begin with `measurement.measure` and the `Estimate` that it returns.
"""
