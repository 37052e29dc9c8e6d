"""Published ground-state energies of periodic clusters, with their sources.

Energies are those of the papers, per site for H = sum S_i . S_j with S = sigma / 2; a total in
Pauli units is 4 N times that. Keys are (J2 / J1, width of the square), or (J2 / J1, kind,
shape) of other clusters.
"""

from typing import NamedTuple


class Published(NamedTuple):
    """Energy per site in units of J1 for S = sigma / 2, its standard error, and the source."""

    per_site: float
    uncertainty: float
    source: str


_VARBENCH = "exact diagonalisation, VarBench data set (Wu et al., arXiv:2302.04919)"
_HERE_4X4 = "exact diagonalisation of the 4x4 cluster, agreeing with VarBench (arXiv:2302.04919)"
_SCHULZ = "exact diagonalisation, Schulz et al. 1996, as quoted by Choo et al., arXiv:1903.06713"
_SANDVIK = "stochastic series expansion, Sandvik 2026, arXiv:2601.20189"

SQUARE_J1J2: dict[tuple[float, int], Published] = {
    (0.0, 4): Published(-0.701780200527, 1e-12, _HERE_4X4),
    (0.1, 4): Published(-0.659817171970, 1e-12, _HERE_4X4),
    (0.2, 4): Published(-0.619873941530, 1e-12, _HERE_4X4),
    (0.3, 4): Published(-0.582983828680, 1e-12, _HERE_4X4),
    (0.4, 4): Published(-0.551147772701, 1e-12, _HERE_4X4),
    (0.45, 4): Published(-0.538299803876, 1e-12, _HERE_4X4),
    (0.5, 4): Published(-0.528620209462, 1e-12, _HERE_4X4),
    (0.55, 4): Published(-0.523594567640, 1e-12, _HERE_4X4),
    (0.6, 4): Published(-0.525895822015, 1e-12, _HERE_4X4),
    (0.7, 4): Published(-0.563858116023, 1e-12, _HERE_4X4),
    (0.8, 4): Published(-0.627335103992, 1e-12, _HERE_4X4),
    (0.9, 4): Published(-0.696865633535, 1e-12, _HERE_4X4),
    (1.0, 4): Published(-0.768468138506, 1e-12, _HERE_4X4),
    (0.0, 6): Published(-0.678872149981, 1e-12, _VARBENCH),
    (0.2, 6): Published(-0.599046, 1e-6, _SCHULZ),
    (0.3, 6): Published(-0.562459466100, 1e-12, _VARBENCH),
    (0.4, 6): Published(-0.529745005750, 1e-12, _VARBENCH),
    (0.5, 6): Published(-0.503809653891, 1e-12, _VARBENCH),
    (0.55, 6): Published(-0.495178, 1e-6, _SCHULZ),
    (0.6, 6): Published(-0.493238593526, 1e-12, _VARBENCH),
    (0.7, 6): Published(-0.530001226371, 1e-12, _VARBENCH),
    (0.8, 6): Published(-0.586486599963, 1e-12, _VARBENCH),
    (0.9, 6): Published(-0.649052011278, 1e-12, _VARBENCH),
    (1.0, 6): Published(-0.714360432743, 1e-12, _VARBENCH),
    (0.0, 8): Published(-0.67349005, 2e-8, _SANDVIK),
    (0.0, 10): Published(-0.67155266, 2e-8, _SANDVIK),
}

CLUSTERS: dict[tuple[float, str, tuple[int, ...]], Published] = {
    (0.5, "rectangle", (4, 6)): Published(-0.522524935367, 1e-12, _VARBENCH),
    (0.0, "triangular", (4, 4)): Published(-0.534719682345, 1e-12, _VARBENCH),
    (0.0, "triangular", (6, 6)): Published(-0.560373395564, 1e-12, _VARBENCH),
    (0.0, "kagome", (2, 3)): Published(-0.447126154086, 1e-12, _VARBENCH),
    (0.0, "kagome", (4, 4)): Published(-0.438703897156, 1e-12, _VARBENCH),
    (0.0, "rectangle", (6, 8)): Published(-0.675986664017, 1e-12, _VARBENCH),
    (0.0, "shuriken", (2, 2)): Published(-0.448329, 5e-7, _VARBENCH),
    (0.0, "kagome", (2, 4)): Published(-0.448329, 5e-7, f"{_VARBENCH}, shuriken 2x2: same bonds"),
    (0.0, "pyrochlore", (2, 2, 2)): Published(-0.516807813, 4e-7, _VARBENCH),
}
