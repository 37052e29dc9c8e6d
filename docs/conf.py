"""Settings of the site: Sphinx with the pydata theme, numpydoc, sphinx-gallery and MyST.

Built without network by ``python docs/build.py``. Pages are Markdown; examples, whose text blocks
are reStructuredText, become the gallery. Mathematics is MathML: browsers draw it without scripts.
"""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS)]  # the package of this repository, and extension.py

from extension import NewPictures  # noqa: E402

import rbmqs  # noqa: E402

project = "rbmqs"
author = "The rbmqs developers"
version = release = rbmqs.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "extension",
]
exclude_patterns = ["_build", "templates"]
templates_path = ["templates"]
default_role = "literal"  # single backticks are code, in docstrings and examples as in Markdown
nitpicky = True

myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 4

autodoc_typehints = "none"  # numpydoc's lists of parameters say the types, with shapes
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the template lists them, each documented in place
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["examples"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": (NewPictures(),),
    "backreferences_dir": "api/backreferences",
    "doc_module": ("rbmqs", "hamiltonians"),
    "abort_on_example_error": True,
    "parallel": 2,  # examples at a time, each at most two minutes and 1 GB
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1,
}

html_theme = "pydata_sphinx_theme"
html_title = "rbmqs"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
}
