"""Build the site into docs/_build/html, without network; warnings are errors.

The gallery is made by running the examples whose text has changed since the last build:

    python docs/build.py                 # runs examples
    python docs/build.py --no-examples   # pages and API alone
"""

import argparse
from pathlib import Path

from sphinx.cmd.build import main as sphinx_build

DOCS = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-examples", action="store_true", help="show examples, run none")
    parser.add_argument("--output", type=Path, default=DOCS / "_build" / "html")
    options = parser.parse_args()
    words = ["-b", "html", "-W", "--keep-going", "-j", "auto", "-q"]
    if options.no_examples:
        words += ["-D", "plot_gallery=0"]
    doctrees = str(options.output.parent / "doctrees")
    return sphinx_build([*words, "-d", doctrees, str(DOCS), str(options.output)])


if __name__ == "__main__":
    raise SystemExit(main())
