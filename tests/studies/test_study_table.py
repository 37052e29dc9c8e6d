"""The table of a study: columns, series, and files that give the same bits back."""

from pathlib import Path

import numpy as np
import pytest
from synthetic import AXES, FIELDS, ising_table

from rbmqs.studies import load_table
from rbmqs.studies.schema import COLUMNS, markdown
from rbmqs.studies.table import as_column, as_table, from_rows
from rbmqs.studies.table_files import CSV, HDF5, write_csv, write_tables
from rbmqs.utils.parsing import DamagedError


def assert_same(first, second) -> None:
    assert list(first.columns) == list(second.columns)
    assert first.axes == second.axes
    assert first.meta == second.meta
    for name, column in first.columns.items():
        other = second.columns[name]
        assert column.dtype == other.dtype, name
        if column.dtype == float:
            assert column.tobytes() == other.tobytes(), name
        else:
            assert (column == other).all(), name


@pytest.mark.parametrize("name", [CSV, HDF5])
def test_files_give_the_same_bits_back(name, tmp_path):
    table = ising_table()
    write_tables(table, tmp_path)
    assert_same(table, load_table(tmp_path / name))


def test_empty_table_survives(tmp_path):
    write_csv(from_rows([], ("h",), {"study": "none"}), tmp_path / CSV)
    assert len(load_table(tmp_path)) == 0


def test_table_cut_short_is_refused(tmp_path):
    write_csv(ising_table(), tmp_path / CSV)
    text = (tmp_path / CSV).read_text()
    (tmp_path / CSV).write_text(text[: int(0.7 * len(text))])
    with pytest.raises(DamagedError, match="does not match its checksum"):
        load_table(tmp_path)
    old = text.replace(text.partition("\n")[0], "# format: rbmqs-table 1")  # of version 0.1.0
    (tmp_path / CSV).write_text(old)
    assert len(load_table(tmp_path)) == len(ising_table())
    (tmp_path / CSV).write_text(old[: int(0.7 * len(old))])
    with pytest.raises(DamagedError, match="cut short"):
        load_table(tmp_path)
    (tmp_path / CSV).write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="not a table"):
        load_table(tmp_path)


def test_hdf5_says_unit_and_meaning_of_every_column(tmp_path):
    h5py = pytest.importorskip("h5py")
    write_tables(ising_table(), tmp_path)
    with h5py.File(tmp_path / HDF5) as file:
        for column in COLUMNS:
            assert file[column.name].attrs["units"] == column.unit
            assert file[column.name].attrs["long_name"] == column.meaning
            assert file[column.name].dims[0][0].name == "/point"


def test_pandas_reads_the_csv_file(tmp_path):
    pandas = pytest.importorskip("pandas")
    table = ising_table()
    write_tables(table, tmp_path)
    frame = pandas.read_csv(tmp_path / CSV, comment="#")
    assert list(frame.columns) == list(table.columns)
    np.testing.assert_array_equal(frame["energy"], table["energy"])
    assert table.to_pandas()["energy"].sum() == table["energy"].sum()


def test_columns_are_found_by_the_end_of_their_path():
    table = ising_table()
    assert table.resolve("h") == "model.parameters.h"
    with pytest.raises(KeyError, match="no columns 'x'"):
        table.resolve("x")
    doubled = from_rows([{"a.h": 1, "b.h": 2}])
    with pytest.raises(KeyError, match="several"):
        doubled.resolve("h")


def test_series_differ_along_one_axis_and_ascend():
    table = ising_table(alphas=(1,))
    series = list(table.where(np.arange(len(table))[::-1]).series("h"))
    assert [label for label, _ in series] == [f"length = {n}" for n in (10, 8, 6, 4)]
    for _, rows in series:
        np.testing.assert_array_equal(rows["h"], FIELDS)


def test_column_takes_the_type_of_its_values():
    assert as_column([1, 2]).dtype == np.int64
    assert as_column([True, False]).dtype == bool
    assert np.isnan(as_column([1, None])[1])
    assert as_column(["a", None]).tolist() == ["a", ""]
    assert as_column([1, 2.5]).dtype == float


def test_any_mapping_of_columns_serves_as_a_table():
    table = as_table(dict(ising_table(alphas=(1,)).columns))
    assert set(table.axes) == {*AXES, "ansatz.alpha"}


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one length"):
        as_table({"a": [1, 2], "b": [1]})


def test_schema_lists_every_column_once():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert all(f"`{name}`" in markdown() for name in names)


def test_documentation_holds_the_schema():
    text = (Path(__file__).parents[2] / "docs" / "studies.md").read_text()
    assert markdown() in text
