"""A clock for runs of limited time, that only sampling moves."""

from rbmqs import ProjectedRBM
from rbmqs.sampling.metropolis import MetropolisSampler


class FakeTime:
    """Seconds that pass with the sweeps of chains.

    Parameters
    ----------
    monkeypatch : pytest.MonkeyPatch
    per_sweep : float
        Of all chains of a sampler.
    projected : float
        The same for projected wavefunctions.
    first : float
        Of the first call, which compiles.
    """

    def __init__(self, monkeypatch, per_sweep, projected=0.0, first=0.0):
        self.now, self.first = 0.0, first
        sample = MetropolisSampler.sample

        def timed(sampler, psi, chains, n_draws, *, n_discard=None):
            discarded = sampler.n_discard_per_chain if n_discard is None else n_discard
            cost = projected if isinstance(psi, ProjectedRBM) else per_sweep
            self.now += cost * (n_draws + discarded) + self.first
            self.first = 0.0
            return sample(sampler, psi, chains, n_draws, n_discard=n_discard)

        monkeypatch.setattr(MetropolisSampler, "sample", timed)
        monkeypatch.setattr("rbmqs.vmc.clock.time", self)
        monkeypatch.setattr("rbmqs.runs.run.time", self)

    def perf_counter(self):
        return self.now
