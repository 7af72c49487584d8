"""How the site is built: pages, notebooks and docstrings, without a network; every warning is an error."""

from __future__ import annotations

import hashlib
import inspect
import re
import shutil
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator

import snnprog
from snnprog.version import __version__

HERE = Path(__file__).parent
PACKAGE = Path(snnprog.__file__).parent
RUN_ON = (*sorted(PACKAGE.rglob("*.py")), *sorted(HERE.rglob("*.nir")), HERE.parent / "constraints.txt")
"""The package and what it runs on: notebooks run again when they have changed, and so do the gallery's scripts."""


def digest_of(*paths: Path) -> str:
    """Return a digest of files: of their contents, in this order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


GALLERY_MARK = HERE / "_gallery" / ".made-of"
GALLERY_DIGEST = digest_of(*RUN_ON, *sorted((HERE / "gallery").iterdir()))
is_gallery_new = not GALLERY_MARK.exists() or GALLERY_MARK.read_text(encoding="ascii") != GALLERY_DIGEST
if is_gallery_new:
    shutil.rmtree(HERE / "_gallery", ignore_errors=True)  # it is made anew, without pages of scripts that are gone


project = "snnprog"
author = "The snnprog developers"
copyright = author
release = version = __version__

extensions = [
    "myst_nb",  # Markdown, and notebooks written as Markdown
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
source_suffix = {".md": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "gallery", "_gallery/*.ipynb"]  # _gallery is made from gallery

nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "notebooks" / digest_of(*RUN_ON))
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds for a cell; the longest takes about ten on one core
nb_execution_show_tb = True
nb_merge_streams = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "_gallery",
    "filename_pattern": "/plot_",
    "run_stale_examples": is_gallery_new,  # a script's picture also depends on the package
    "abort_on_example_error": True,
    "write_computation_times": False,
    "show_memory": False,
    "download_all_examples": False,
    "show_signature": False,
}

default_role = "py:obj"  # docstrings name objects in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say shape, type and unit
napoleon_google_docstring = False
# As they are written: several names share a line, and a type is a shape as often as a class.
napoleon_custom_sections = [("Parameters", "params_style"), ("Attributes", "params_style")]
napoleon_use_rtype = False

smartquotes = False  # "state" is a value
html_theme = "pydata_sphinx_theme"
html_title = "snnprog"
html_theme_options = {
    "logo": {"text": "snnprog"},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# Pages without others below them have no list of those.
html_sidebars = {name: [] for name in ("installation", "faq", "glossary", "changelog")}
html_context = {"default_mode": "auto"}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_sourcelink = html_copy_source = False
html_math_renderer = "mathml"

WORD_JOINER = "&#8288;"
FOREIGN = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//[^>]*>")


def inline_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write an inline formula as MathML, which browsers draw by themselves."""
    self.body.append(convert(node.astext()) + WORD_JOINER)  # a comma after it stays with it
    raise nodes.SkipNode


def block_math(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula as MathML."""
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def mend_docstring(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Undo what napoleon reads into a property's sentence: before its colon stands no type."""
    if isinstance(value, property):
        lines[:] = [*inspect.cleandoc(value.__doc__ or "").splitlines(), ""]


def name_buttons(app: Sphinx, failure: Exception | None) -> None:
    """Give names to the buttons that unfold the navigation, for screen readers; the theme gives them none."""
    button = '<summary><span class="toctree-toggle"'
    for page in [] if failure else Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if button in text:
            named = text.replace(button, button.replace("<summary>", '<summary aria-label="pages of this section">'))
            page.write_text(named, encoding="utf-8")


def mark_gallery(app: Sphinx, failure: Exception | None) -> None:
    """Note from which files the gallery was made."""
    if not failure:
        GALLERY_MARK.write_text(GALLERY_DIGEST, encoding="ascii")


def check_pages(app: Sphinx, failure: Exception | None) -> None:
    """Refuse pages that load anything from another host."""
    for page in [] if failure else Path(app.outdir).rglob("*.html"):
        found = FOREIGN.search(page.read_text(encoding="utf-8"))
        if found:
            raise ExtensionError(f"{page.name} loads from another host: {found[0]}")


def setup(app: Sphinx) -> None:
    """Draw formulas without a network, check that nothing else needs one, and read docstrings as they are meant."""
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect("autodoc-process-docstring", mend_docstring, priority=900)  # after napoleon
    app.connect("build-finished", name_buttons)
    app.connect("build-finished", check_pages)
    app.connect("build-finished", mark_gallery)
