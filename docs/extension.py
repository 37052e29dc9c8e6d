"""What the site adds to Sphinx: MathML, pictures of examples, examples on API pages, links."""

import re
import shutil
import time
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinx_gallery.directives import MiniGallery
from sphinx_gallery.scrapers import figure_rst

# Links of the repository to what has a page of its own on the site.
LINKS = (
    (re.compile(r"\]\((?:\.\./)+examples/([\w/]+)\.py\)"), r"](/examples/\1.rst)"),
    (re.compile(r"\]\((?:\.\./)+CONTRIBUTING\.md([)#])"), r"](/reference/contributing.md\1"),
    (re.compile(r"\]\((?:\.\./)+CHANGELOG\.md([)#])"), r"](/reference/changelog.md\1"),
)


class NewPictures:
    """The scraper of sphinx-gallery: pictures that a block has written to the folder "output".

    Examples run side by side, so that a picture belongs to the one whose number is in its name:
    09_ising_study.png, lecture_2.png.
    """

    def __init__(self) -> None:
        self.since = time.time()

    def __repr__(self) -> str:  # Sphinx compares configurations by it
        return type(self).__name__

    def __call__(self, block, block_vars, gallery_conf) -> str:
        source = Path(block_vars["src_file"])
        own = re.compile(rf"(?:.*_)?{source.stem.split('_')[0]}(?:_.*)?\.(?:png|gif)")
        found = sorted(p for p in (source.parent / "output").glob("*") if own.fullmatch(p.name))
        new = [p for p in found if p.stat().st_mtime >= self.since]
        self.since = time.time()
        names = []
        for picture, name in zip(new, block_vars["image_path_iterator"], strict=False):
            target = Path(name).with_suffix(picture.suffix)
            shutil.copy(picture, target)
            names.append(str(target))
        return figure_rst(names, gallery_conf["src_dir"])


class ExamplesOf(MiniGallery):
    """``minigallery`` with its heading, or nothing where no example uses the object."""

    def run(self) -> list[nodes.Node]:
        config = self.state.document.settings.env.config.sphinx_gallery_conf
        known = Path(config["src_dir"], config["backreferences_dir"], "backreferences_all.json")
        if f'"{self.arguments[0]}"' not in known.read_text():
            return []
        heading = nodes.rubric(text="Examples that use it")
        return [heading, *super().run()]


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(convert(node.astext(), display="inline"))
    raise nodes.SkipNode


def visit_display_math(self: HTML5Translator, node: nodes.math_block) -> None:
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    identifier = f' id="{escape(node["ids"][0])}"' if node["ids"] else ""
    mathml = convert(node.astext(), display="block")
    self.body.append(f'<div class="math-block"{identifier}>{number}{mathml}</div>')
    raise nodes.SkipNode


def link_to_pages(app: Sphinx, docname: str, source: list[str]) -> None:
    for pattern, replacement in LINKS:
        source[0] = pattern.sub(replacement, source[0])


def plain_bar(self: Inliner, match: re.Match, lineno: int) -> tuple[str, list, str, list]:
    """A bar is a bar, as in |psi|^2: the site has no substitutions of reStructuredText."""
    return match.string[: match.end("start")], [], match.string[match.end("start") :], []


def setup(app: Sphinx) -> dict[str, bool]:
    Inliner.dispatch["|"] = plain_bar
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_display_math, None))
    app.add_directive("examplesof", ExamplesOf)
    app.connect("source-read", link_to_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
