"""The contract of a wavefunction as a test: `check_state(psi)` passes, or says what is wrong.

Meant for ansaetze from outside the package, as `check_estimator` of scikit-learn is. The state
must be small, ten sites at most, since sums over all configurations are compared with samples.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

import hamiltonians as hm
from hamiltonians.operators.spin_sectors import sector_of
from rbmqs.runs.run import ground_state, resume
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.sr.equations import gram_matrix
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.serialization import (
    Rebuild,
    parameter_arrays,
    structure_arrays,
    structure_table,
)
from rbmqs.states.state import VariationalState
from rbmqs.vmc.settings import RunSettings, SamplingSettings

MAX_SITES = 10
FALSE_ALARM = 1e-5  # chance that a correct sampler fails the comparison with |psi|^2
_CHAINS, _SWEEPS = 2000, 50
_STEP, _TOLERANCE = 1e-4, 1e-5
_SPREAD = 0.7  # of log |psi|^2: with less, samples of a wrong power of |psi| would not differ


class ContractError(AssertionError):
    """A wavefunction that does not keep the contract, with the fault in one sentence."""


def check_state(state: VariationalState, *, total_sz: float | None = None, seed: int = 0) -> None:
    """Test a wavefunction against all that samplers, estimators, solvers and files ask of it.

    Parameters
    ----------
    state : VariationalState
        On at most ten sites; its parameters are moved at random, so that |psi|^2 is not flat.
    total_sz : float, optional
        Sector to sample in; all configurations by default.
    seed : int
        Of parameters, configurations and chains. The same seed gives the same answer; over seeds,
        a correct state fails in `FALSE_ALARM` of all cases.

    Raises
    ------
    ContractError
        The first fault that was found.
    """
    _check_members(state)
    rng = np.random.default_rng(seed)
    basis = sector_of(state.hilbert, total_sz).configurations()
    _check_shapes(state, basis)
    _check_round_trip(state, basis, rng)
    psi = _with_structure(state, basis, rng)
    # Where symmetry makes psi vanish there is nothing to compare.
    log_norms = 2 * np.real(psi.log_psi(basis))
    present = log_norms > log_norms.max() - 50
    kept, before = basis[present], basis.copy()
    parameters = {name: np.array(array) for name, array in psi.parameters.items()}
    _check_derivatives(psi, kept, rng)
    _check_local_values(psi, kept, present, total_sz)
    _check_jacobian(psi, kept, rng)
    _check_sweeps(psi, basis, log_norms, total_sz, seed)
    _require(np.array_equal(basis, before), "configurations were altered in place")
    for name, array in parameters.items():
        _require(np.array_equal(psi.parameters[name], array), f"parameter {name!r} was altered")
    _check_files(psi, kept)
    _check_resume(psi, total_sz)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ContractError(message)


def _check_members(state: VariationalState) -> None:
    _require(
        isinstance(state, VariationalState),
        f"{type(state).__name__} must derive from rbmqs.states.state.VariationalState",
    )
    for name, kind in (("hilbert", hm.LocalSpace), ("parameters", Mapping)):
        found = getattr(state, name, None)
        _require(isinstance(found, kind), f"{name} must be a {kind.__name__}, got {found!r}")
    _require(
        state.n_sites <= MAX_SITES, f"check_state takes {MAX_SITES} sites, got {state.n_sites}"
    )
    kinds = {getattr(array, "dtype", type(array)) for array in state.parameters.values()}
    _require(
        kinds in ({np.dtype(float)}, {np.dtype(complex)}),
        f"parameters must all be float64 or all complex128 arrays, got {kinds}",
    )


def _check_shapes(state: VariationalState, basis: np.ndarray) -> None:
    """Shapes, finite numbers, and the same rows however many are asked for at once."""
    sigma = basis[: min(len(basis), 7)].copy()
    shapes = {"log_psi": (len(sigma),), "log_derivatives": (len(sigma), state.n_parameters)}
    for name, shape in shapes.items():
        function = getattr(state, name)
        found = function(sigma)
        _require(
            np.shape(found) == shape,
            f"{name} of {len(sigma)} configurations must have shape {shape}, got {np.shape(found)}",
        )
        _require(not np.isnan(found).any(), f"{name} is NaN at some configurations")
        _require(np.array_equal(sigma, basis[: len(sigma)]), f"{name} altered sigma in place")
        alone = np.concatenate([function(sigma[k : k + 1]) for k in range(len(sigma))])
        with np.errstate(invalid="ignore"):  # two infinite logarithms
            same = np.isclose(alone, found, rtol=1e-9, atol=1e-9) | (alone == found)
        _require(bool(same.all()), f"{name} of a configuration depends on the others of the call")


def _check_round_trip(state: VariationalState, basis: np.ndarray, rng: np.random.Generator) -> None:
    """with_parameters and with_flat give what was asked for and leave the state alone."""
    before = {name: np.array(array) for name, array in state.parameters.items()}
    wanted = {name: array + 0.1 * rng.normal(size=array.shape) for name, array in before.items()}
    moved = state.with_parameters(wanted)
    for name, array in before.items():
        _require(
            np.array_equal(state.parameters[name], array),
            f"with_parameters altered {name!r} of the state that it was called on",
        )
        _require(
            np.array_equal(moved.parameters[name], wanted[name]),
            f"with_parameters ignored {name!r}: the new state has other values of it",
        )
    _require(
        np.array_equal(state.with_flat(moved.flat).flat, moved.flat),
        "with_flat(x).flat differs from x",
    )
    _require(
        type(moved) is type(state) and moved.describe() == state.describe(),
        "with_parameters gives a state of another kind or shape",
    )


def _with_structure(
    state: VariationalState, basis: np.ndarray, rng: np.random.Generator
) -> VariationalState:
    """The state at random parameters large enough that |psi|^2 varies."""
    noise = rng.normal(size=state.n_parameters).astype(state.flat.dtype)
    if state.is_complex:
        noise += 1j * rng.normal(size=state.n_parameters)
    psi = state
    for scale in (0.05, 0.1, 0.2, 0.4, 0.8):
        psi = state.with_flat(state.flat + scale * noise)
        log_norms = 2 * np.real(psi.log_psi(basis))
        if np.std(log_norms[np.isfinite(log_norms)]) > _SPREAD:
            break
    return psi


def _check_derivatives(psi: VariationalState, sigma: np.ndarray, rng: np.random.Generator) -> None:
    """Central differences, for complex parameters along the real and the imaginary axis."""
    sigma = sigma[rng.permutation(len(sigma))[:30]]
    derivatives, start = psi.log_derivatives(sigma), 0
    for name, array in psi.parameters.items():
        own = derivatives[:, start : start + array.size]
        chosen = rng.permutation(array.size)[:40]
        real = _differences(psi, sigma, start + chosen, _STEP)
        _compare(f"log_derivatives[{name!r}]", own[:, chosen], real)
        if psi.is_complex:
            imaginary = _differences(psi, sigma, start + chosen, 1j * _STEP)
            error = abs(imaginary - real).max()
            _require(
                error < _TOLERANCE * (1 + abs(real).max()),
                f"log_psi is not holomorphic in {name!r}: its derivatives along the real and the "
                f"imaginary axis differ by {error:.2g}",
            )
        start += array.size


def _differences(
    psi: VariationalState, sigma: np.ndarray, indices: np.ndarray, step: complex
) -> np.ndarray:
    columns = []
    for index in indices:
        shift = np.zeros(psi.n_parameters, psi.flat.dtype)
        shift[index] = step
        change = psi.with_flat(psi.flat + shift).log_psi(sigma)
        change = change - psi.with_flat(psi.flat - shift).log_psi(sigma)
        if np.iscomplexobj(change):  # either may lie on another branch of the logarithm
            change = change.real + 1j * (np.remainder(change.imag + np.pi, 2 * np.pi) - np.pi)
        columns.append(change / (2 * step))
    return np.stack(columns, axis=1)


def _compare(what: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Whether derivatives are the central differences, a multiple of them, or something else."""
    largest = abs(expected).max()
    if abs(found - expected).max() <= _TOLERANCE * (1 + largest):
        return
    factor = np.vdot(expected, found) / max(np.vdot(expected, expected).real, 1e-300)
    if abs(found - factor * expected).max() <= _TOLERANCE * (1 + abs(found).max()):
        size = factor if abs(factor.imag) > 1e-6 else factor.real
        raise ContractError(f"{what} are {size:.1f} times the central differences of log_psi")
    conjugate = abs(np.conj(found) - expected).max() <= _TOLERANCE * (1 + largest)
    hint = ", of which they are the complex conjugates" if conjugate else ""
    raise ContractError(
        f"{what} differ by up to {abs(found - expected).max():.2g} from the central differences "
        f"of log_psi{hint}"
    )


def _hamiltonian(space: hm.LocalSpace, total_sz: float | None) -> hm.SpinHamiltonian:
    """Flips of one and two sites with signs and phases; in a sector, those that conserve S_z."""
    n_sites = space.n_sites
    if not space.is_spin_half:
        return _spin_hamiltonian(space, total_sz)
    pairs = [(i, (i + 1) % n_sites) for i in range(n_sites if n_sites > 2 else n_sites - 1)]
    terms = hm.PauliSum.sum(
        (1 + 0.1 * i) * (hm.X(i) * hm.X(j) + hm.Y(i) * hm.Y(j)) - 0.7 * hm.Z(i) * hm.Z(j)
        for i, j in pairs
    )
    if total_sz is None:
        fields = (0.8 * hm.X(i) - 0.3 * hm.Y(i) * hm.Z(j) for i, j in pairs)
        terms = hm.PauliSum.sum([terms, *fields])
    return hm.spin_hamiltonian(terms, n_sites=n_sites, total_sz=total_sz)


def _spin_hamiltonian(space: hm.LocalSpace, total_sz: float | None) -> hm.SpinHamiltonian:
    """The same for spins S > 1/2, with elements that move a spin by two units."""
    spins, n = space.spins, space.n_sites
    terms = []
    for i, j in [(i, (i + 1) % n) for i in range(n if n > 2 else n - 1)]:
        dot = hm.spin_dot(i, j, (spins[i], spins[j]))
        terms += [(1 + 0.1 * i) * dot, 0.4 * dot * dot, -0.3 * hm.Sz(i, spins[i]) ** 2]
        if total_sz is None:
            sx, sy = hm.Sx(i, spins[i]), hm.Sy(i, spins[i])
            terms += [0.8 * sx, -0.3 * sy @ hm.Sz(j, spins[j])]
    return hm.spin_hamiltonian(hm.SpinOperator.sum(terms), n, total_sz=total_sz, spin=spins)


def _check_local_values(
    psi: VariationalState, kept: np.ndarray, present: np.ndarray, total_sz: float | None
) -> None:
    """Local values against the sparse matrix, with the cache of `prepare` and without."""
    hamiltonian = _hamiltonian(psi.hilbert, total_sz)
    amplitudes = psi.state_vector(sector_of(psi.hilbert, total_sz))
    expected = (hamiltonian.to_sparse() @ amplitudes)[present] / amplitudes[present]
    fixed, c = total_sz is not None, hamiltonian.connections
    cache = psi.prepare(kept)
    for words, given in (("", None), (" with the cache of prepare", cache)):
        error = abs(psi.local_values(kept, c, fixed, given) - expected)
        _require(
            bool((error < 1e-7 * (1 + abs(expected))).all()),
            f"local_values{words} differ from the sparse matrix by up to {error.max():.2g}: "
            f"add_off_diagonal wrong, amplitude ratio inverted?",
        )
    diagonal = psi.local_values(kept, c, fixed) - psi.flip_ratios(kept, c, fixed).sum(axis=1)
    _require(
        bool(np.allclose(diagonal.imag, 0, atol=1e-7 * (1 + abs(expected).max()))),
        "flip_ratios do not add up to the off-diagonal part of local_values",
    )


def _check_jacobian(psi: VariationalState, sigma: np.ndarray, rng: np.random.Generator) -> None:
    """Products and Gram matrix against those of the stored log-derivatives."""
    weights = rng.uniform(0.5, 1.5, size=len(sigma))
    energies = rng.normal(size=len(sigma)) + 1j * rng.normal(size=len(sigma))
    vector = rng.normal(size=psi.n_parameters).astype(psi.flat.dtype)
    for given in (None, weights / weights.mean()):
        own = psi.jacobian(sigma, None, given)
        stored = Jacobian.of_rows(psi.log_derivatives(sigma), given, psi.is_complex)
        values = stored.right_side(energies)
        pairs = {
            "times": (own.times(vector), stored.times(vector)),
            "adjoint_times": (own.adjoint_times(values), stored.adjoint_times(values)),
        }
        if given is None:
            pairs["gram"] = (gram_matrix(own), gram_matrix(stored))
        for name, (found, wanted) in pairs.items():
            _require(
                bool(np.allclose(found, wanted, rtol=1e-7, atol=1e-7 * (1 + abs(wanted).max()))),
                f"jacobian(sigma).{name} differs from that of the stored log_derivatives",
            )


def _check_sweeps(
    psi: VariationalState,
    basis: np.ndarray,
    log_norms: np.ndarray,
    total_sz: float | None,
    seed: int,
) -> None:
    """Last draws of many independent chains against |psi|^2, by chi-squared."""
    move = "flip" if total_sz is None else "pair-exchange"
    sampler = MetropolisSampler(
        psi.n_sites, total_sz, move, n_chains=_CHAINS, n_discard_per_chain=_SWEEPS,
        spin=psi.hilbert.spins[0],
    )  # fmt: skip
    few = replace(sampler, n_chains=8, n_discard_per_chain=2)
    once, again = (few.sample(psi, few.start(seed), 3)[0].spins for _ in range(2))
    _require(
        np.array_equal(once, again),
        "sweep gives other samples for the same seed: draw random numbers from task.rng only",
    )
    samples, _ = sampler.sample(psi, sampler.start(seed), 1)
    counts = _counts(basis, samples.flat, psi.hilbert.n_local_states)
    if _p_value(counts, log_norms) >= FALSE_ALARM:
        return
    for power, hint in ((-1, ": amplitude ratio inverted?"), (2, ""), (0.5, ""), (0, "")):
        with np.errstate(invalid="ignore"):
            others = np.where(np.isfinite(log_norms), power * log_norms, -np.inf)
        if _p_value(counts, others) >= FALSE_ALARM:
            names = {-1: "1/|psi|^2", 2: "|psi|^4", 0.5: "|psi|", 0: "all configurations alike"}
            raise ContractError(f"sweep samples {names[power]}{hint}, not |psi|^2")
    raise ContractError(
        f"sweep does not sample |psi|^2: p = {_p_value(counts, log_norms):.1g} by chi-squared of "
        f"{_CHAINS} chains"
    )


def _counts(basis: np.ndarray, drawn: np.ndarray, n_values: int) -> np.ndarray:
    """How often each configuration of the basis was drawn."""
    powers = float(n_values) ** np.arange(basis.shape[1])
    order = np.argsort(basis @ powers)
    places = np.searchsorted((basis @ powers)[order], drawn @ powers)
    return np.bincount(order[places], minlength=len(basis))


def _p_value(counts: np.ndarray, log_norms: np.ndarray) -> float:
    """Of Pearson's chi-squared; configurations that are expected less than 8 times are joined."""
    from scipy.special import gammaincc  # takes 0.1 s to import

    expected = np.exp(log_norms - log_norms.max())
    expected *= counts.sum() / expected.sum()
    order = np.argsort(-expected)
    bins = np.minimum(np.arange(len(order)), max((expected >= 8).sum(), 1))
    e, n = np.bincount(bins, expected[order]), np.bincount(bins, counts[order])
    if e[-1] < 8 and len(e) > 1:
        e[-2], n[-2] = e[-2] + e[-1], n[-2] + n[-1]
        e, n = e[:-1], n[:-1]
    chi_squared = ((n - e) ** 2 / np.maximum(e, 1e-300)).sum()
    return float(gammaincc(max(len(e) - 1, 1) / 2, chi_squared / 2))


def _check_files(psi: VariationalState, sigma: np.ndarray) -> None:
    """Arrays and a JSON text, and the wavefunction made of them."""
    try:
        table = json.loads(json.dumps(structure_table(psi)))
        arrays = {**structure_arrays(psi), **parameter_arrays("psi", psi)}
        found = Rebuild(arrays, table)(arrays, "psi")
    except Exception as error:
        raise ContractError(f"the state does not come back from a file: {error}") from error
    _require(
        type(found) is type(psi) and np.array_equal(found.log_psi(sigma), psi.log_psi(sigma)),
        "the state that comes back from a file has another log_psi: structure() must tell all "
        "that is no parameter",
    )


def _check_resume(psi: VariationalState, total_sz: float | None) -> None:
    """Four iterations at once, and two and two with a checkpoint between them."""
    hamiltonian = _hamiltonian(psi.hilbert, total_sz)
    sampling = SamplingSettings(n_samples=64, n_chains=4, n_final_samples=64, summation=False)
    settings = RunSettings(n_iterations=4, sampling=sampling)
    whole = ground_state(hamiltonian, psi=psi, settings=settings, progress=False)
    with tempfile.TemporaryDirectory() as directory:
        output, half = Path(directory) / "run", replace(settings, n_iterations=2)
        ground_state(hamiltonian, psi=psi, settings=half, output=output, progress=False)
        parts = resume(output, hamiltonian, n_iterations=4, progress=False)
    _require(
        whole.psi.flat.tobytes() == parts.psi.flat.tobytes(),
        "a resumed run differs from one without a break: the state keeps something between calls",
    )
