"""The built site: links and anchors, search, phones, light and dark, nothing from outside.

The site of ``python docs/build.py`` is taken where the variable RBMQS_SITE names it, as `.ci/run`
does; otherwise it is built here without running the examples.
"""

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_study_report import BROWSER

ROOT = Path(__file__).parents[1]
PHONE = 390  # CSS pixels
CONTRAST = 4.5  # of text on its background: level AA of the WCAG
SEARCHES = {
    "ground_state": "rbmqs.ground_state",
    "structure factor": "structure_factor",
    "contrastive divergence": "boltzmann",
    "reconstruct": "reconstruct",
    "MPI": "cluster",
}
pytestmark = pytest.mark.submission


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "RBMQS_SITE" in os.environ:
        return Path(os.environ["RBMQS_SITE"])
    pytest.importorskip("sphinx", reason="needs the docs extra")
    output = tmp_path_factory.mktemp("site") / "html"
    command = [sys.executable, ROOT / "docs" / "build.py", "--no-examples", "--output", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-5000:]
    return output


class Page:
    """What a page points at, what is loaded with it, and its anchors.

    Read by patterns: what Sphinx writes is regular, and a parser takes a minute for 400 pages.
    """

    def __init__(self, path: Path) -> None:
        text = unescape(path.read_text())
        self.links = re.findall(r'<a\b[^>]*?\bhref="([^"]+)"', text)
        self.anchors = set(re.findall(r'\s(?:id|name)="([^"]+)"', text))
        self.titles = len(re.findall(r"<h1\b", text))
        self.loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*?\bsrc="([^"]+)"', text)
        sheets = [tag for tag in re.findall(r"<link\b[^>]*>", text) if "canonical" not in tag]
        self.loaded += re.findall(r'href="([^"]+)"', " ".join(sheets))
        self.pictures_without_text = [
            tag
            for tag in re.findall(r"<img\b[^>]*>", text)
            if not re.search(r'\balt="[^"]', tag) and "_thumb" not in tag
        ]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html") if "_static" not in path.parts}


def test_every_link_and_anchor_exists(pages: dict[Path, Page]) -> None:
    dead = []
    for path, page in pages.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].anchors if target in pages else set()
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in known):
                dead.append(f"{path.name}: {link}")
    assert dead == []


def test_pages_have_one_title_and_pictures_a_text(pages: dict[Path, Page]) -> None:
    without = [p.name for p, page in pages.items() if page.titles != 1]
    assert set(without) <= {"search.html", "genindex.html", "py-modindex.html"}
    untold = {p.name: page.pictures_without_text for p, page in pages.items()}
    assert {name: pictures for name, pictures in untold.items() if pictures} == {}


def test_nothing_is_loaded_from_outside(site: Path, pages: dict[Path, Page]) -> None:
    outside = re.compile(r"^(?:https?:)?//")
    assert [link for page in pages.values() for link in page.loaded if outside.match(link)] == []
    for sheet in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text()) == []


def test_a_notebook_of_the_gallery_runs_in_jupyter(site: Path, tmp_path: Path) -> None:
    """With a table for the result, and a bar where standard error is a cell."""
    nbformat = pytest.importorskip("nbformat", reason="needs the docs extra")
    nbclient = pytest.importorskip("nbclient", reason="needs the docs extra")
    book = nbformat.read(ROOT / "docs" / "examples" / "01_first_energy.ipynb", as_version=4)
    more = "from rbmqs.utils.progress import shows_bars; assert shows_bars()", "result"
    book.cells += [nbformat.v4.new_code_cell(code) for code in more]
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=200, resources=resources).execute()
    (shown,) = [o.data for o in book.cells[-1].outputs if o.output_type == "execute_result"]
    assert "<table" in shown["text/html"]
    assert (tmp_path / "output" / "01_first_energy.png").exists()


# The page that looks at others in frames as wide as a phone, and posts what it saw.
INSPECTOR = """<!doctype html><meta charset="utf-8"><body><script>
const luminance = rgb => rgb.map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
function behind(element) {
  for (let e = element; e; e = e.parentElement) {
    const colour = numbers(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] > 0.9) return colour.slice(0, 3);
  }
  return [255, 255, 255];
}
function contrast(element) {
  const pair = [numbers(getComputedStyle(element).color).slice(0, 3), behind(element)];
  const [low, high] = pair.map(luminance).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
const pause = ms => new Promise(resume => setTimeout(resume, ms));
async function open(url, width) {
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 800px; border: 0`;
  frame.src = url;
  await new Promise(resume => { frame.onload = resume; document.body.append(frame); });
  return frame;
}
async function look(url, theme, width) {
  localStorage.setItem("mode", theme);
  localStorage.setItem("theme", theme);
  const frame = await open(url, width), page = frame.contentDocument;
  const texts = [...page.querySelectorAll("h1, p, li, td, th, dt, dd, math, .highlight span")]
    .filter(e => e.textContent.trim() && e.checkVisibility({visibilityProperty: true}) &&
                 page.querySelector("main")?.contains(e));
  const worst = texts.map(e => [contrast(e), e.outerHTML.slice(0, 120)])
    .sort((a, b) => a[0] - b[0])[0] ?? [99, ""];
  const seen = {
    url, theme, width: page.documentElement.scrollWidth, contrast: worst,
    applied: page.documentElement.dataset.theme, background: luminance(behind(page.body)),
    requests: frame.contentWindow.performance.getEntriesByType("resource").map(e => e.name),
  };
  frame.remove();
  return seen;
}
async function search(words) {
  const frame = await open("/search.html?q=" + encodeURIComponent(words), 1200);
  let found = [], before = -1;
  for (let k = 0; k < 50 && (!found.length || found.length > before); k++) {
    before = found.length;
    await pause(200);
    found = [...frame.contentDocument.querySelectorAll("ul.search li > a")].map(a => a.href);
  }
  frame.remove();
  return found;
}
(async () => {
  const asked = await (await fetch("/asked.json")).json(), seen = [], searches = {};
  for (const [k, url] of asked.pages.entries())
    seen.push(await look(url, k % 2 ? "dark" : "light", asked.width));
  for (const words of asked.searches) searches[words] = await search(words);
  await fetch("/seen", {method: "POST", body: JSON.stringify({seen, searches})});
})().catch(error =>
  fetch("/seen", {method: "POST", body: JSON.stringify({error: String(error)})}));
</script>"""


@contextlib.contextmanager
def served(site: Path, asked: dict) -> Iterator[tuple[str, queue.Queue, list[str]]]:
    """The site on a local port, with the inspector; what it posts, and what was not found."""
    posted: queue.Queue = queue.Queue()
    missing: list[str] = []
    own = {"/inspector.html": INSPECTOR, "/asked.json": json.dumps(asked)}

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments, directory=str(site))

        def do_GET(self) -> None:
            if self.path in own:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(own[self.path].encode())
            else:
                super().do_GET()

        def do_POST(self) -> None:
            posted.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_request(self, code="-", size="-") -> None:
            if int(code) >= 400 and self.path != "/favicon.ico":
                missing.append(self.path)

        def log_message(self, *arguments) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", posted, missing
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def inspected(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a browser saw: every page that is no entry of the API, and some that are."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine")
    urls = sorted("/" + str(path.relative_to(site)) for path in site.rglob("*.html"))
    urls = [url for url in urls if "/_static/" not in url]
    entries = [url for url in urls if "/generated/" in url]
    asked = {
        "pages": [url for url in urls if url not in entries] + entries[::30],
        "searches": list(SEARCHES),
        "width": PHONE,
    }
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    profile = tmp_path_factory.mktemp("browser")
    with served(site, asked) as (address, posted, missing):
        command = [BROWSER, *options, f"--user-data-dir={profile}", f"{address}/inspector.html"]
        browser = subprocess.Popen(
            [*command, "--remote-debugging-port=0"], stderr=subprocess.PIPE, text=True
        )
        try:
            answer = posted.get(timeout=400)
        finally:
            browser.terminate()
            _, log = browser.communicate(timeout=30)
    assert "error" not in answer, answer
    answer["console"] = [
        line for line in log.splitlines() if ":CONSOLE" in line and "[PST]: " not in line
    ]
    answer["missing"], answer["address"] = missing, address
    return answer


def test_a_phone_never_scrolls_sideways(inspected: dict) -> None:
    wide = {seen["url"]: seen["width"] for seen in inspected["seen"] if seen["width"] > PHONE}
    assert wide == {}


def test_light_and_dark_are_applied_and_readable(inspected: dict) -> None:
    for seen in inspected["seen"]:
        assert seen["applied"] == seen["theme"]
        assert (seen["background"] > 0.5) == (seen["theme"] == "light"), seen["url"]
    pale = [(s["url"], s["theme"], *s["contrast"]) for s in inspected["seen"]]
    assert [row for row in pale if row[2] < CONTRAST] == []


def test_the_browser_asks_nobody_else(inspected: dict) -> None:
    requests = {name for seen in inspected["seen"] for name in seen["requests"]}
    assert requests
    assert [r for r in requests if not r.startswith((inspected["address"], "data:"))] == []
    assert inspected["missing"] == []
    assert inspected["console"] == []


@pytest.mark.parametrize("words", SEARCHES)
def test_search_finds_the_page(inspected: dict, words: str) -> None:
    assert any(SEARCHES[words] in url for url in inspected["searches"][words][:5])
