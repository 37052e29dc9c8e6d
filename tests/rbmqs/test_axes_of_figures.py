"""Every figure can be drawn into axes that are given."""

import inspect

import numpy as np
import pytest
from matplotlib.figure import Figure
from synthetic import ising_table

from rbmqs.boltzmann import plotting as pictures_of_models
from rbmqs.dynamics.plotting import plot_evolution
from rbmqs.runs.plotting import plot_run
from rbmqs.studies import figures
from rbmqs.tomography import plotting as pictures_of_states
from rbmqs.utils.figures import panels


def drawing_functions() -> list:
    found = [plot_run, plot_evolution]
    for room in (pictures_of_models, pictures_of_states):
        own = [value for value in vars(room).values() if inspect.isfunction(value)]
        found += [value for value in own if value.__module__ == room.__name__]
    drawing = [value for value in found if "path" in inspect.signature(value).parameters]
    return drawing + [value for name, value in vars(figures).items() if name.startswith("plot_")]


@pytest.mark.parametrize("function", drawing_functions(), ids=lambda function: function.__name__)
def test_axes_can_be_given(function) -> None:
    names = inspect.signature(function).parameters
    assert "ax" in names or "options" in names  # `filters` hands its options to `images`


def test_a_figure_is_drawn_into_them() -> None:
    figure = Figure()
    axes = figure.subplots(1, 3)
    assert figures.plot_energy(ising_table(alphas=(1,)), ax=axes[1:]) is figure
    assert not axes[0].lines
    assert axes[1].lines
    rows = np.eye(4)
    assert pictures_of_models.images(rows, ax=axes[0]) is figure
    assert axes[0].images
    city = Figure()
    pair = [city.add_subplot(1, 2, k, projection="3d") for k in (1, 2)]
    assert pictures_of_states.plot_density_matrix(np.eye(2) / 2, ax=pair) is city


def test_as_many_axes_as_panels() -> None:
    with pytest.raises(ValueError, match="ax must be 2 axes, one a panel, got 1"):
        panels(2, 5, 5, ax=Figure().subplots())
