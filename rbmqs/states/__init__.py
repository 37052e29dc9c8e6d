"""What psi(sigma) is: `VariationalState`, the contract, and the states that keep it.

In: named arrays of parameters, and spins. Out: log psi, its derivatives, ratios of amplitudes,
Jacobians. Begin with `state.py`; `jastrow.py` is a state in the fewest lines, and `factory.py`
makes the state that a run starts from.
"""
