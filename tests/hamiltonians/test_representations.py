"""What public objects look like at a prompt and in a notebook."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians import chain, from_edges, ground_state, heisenberg, ising, low_spectrum, square

BIG = from_edges([(i, i + 1) for i in range(300)])
RING = heisenberg(chain(8), total_sz=0)
H = heisenberg(square(6), J=np.ones(72), total_sz=0, marshall=True)
OBJECTS = [
    BIG,
    H,
    H.spec,
    H.rotation,
    H.terms,
    H.connections,
    hm.bit_connections(H.connections),
    H.lattice.cell,
    H.lattice.space_group(),
    H.lattice.sectors()[0],
    ising(BIG, h=np.ones(301)).spec,
    ground_state(heisenberg(chain(8)), k=40),
    low_spectrum(RING, 30),
    low_spectrum(RING).states[0],
    hm.Sector(10, 0),
    hm.LocalSpace(4),
    hm.memory_plan(H),
    hm.best_reference(ising(chain(10))),
    hm.MODELS,
]


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: type(thing).__name__)
def test_representation_has_at_most_twenty_lines(thing):
    assert 1 <= len(repr(thing).splitlines()) <= 20
    assert type(thing).__name__ in repr(thing) or len(repr(thing).splitlines()) > 1


@pytest.mark.parametrize("thing", [BIG, H, ground_state(RING), low_spectrum(RING)])
def test_table_for_notebooks(thing):
    html = thing._repr_html_()
    assert html.startswith("<p>")
    assert html.count("<tr>") == html.count("</tr>") >= 3
    assert html.endswith("</table>")


def test_names_are_escaped_in_tables():
    named = hm.spin_hamiltonian(hm.Z(0), name="<script>")
    assert "<script>" not in named._repr_html_()


def test_results_say_their_energies():
    result = ground_state(RING, k=2)
    lines = repr(result).splitlines()
    assert lines[0] == "2 of 70 states on 8 sites, total_sz=0.0"
    assert lines[1].split()[:2] == ["energy", f"{result.energy:.10f}"]
    assert result.expect(RING.terms) == pytest.approx(result.energy)


def test_spectrum_has_the_words_of_a_result():
    spectrum, result = low_spectrum(RING, 3), ground_state(RING)
    assert spectrum.energy == spectrum.energies[0] == pytest.approx(result.energy)
    assert spectrum.energy_per_site == pytest.approx(result.energy_per_site)
    assert (np.diff(spectrum.energies) >= 0).all()
