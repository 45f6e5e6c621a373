"""Sphinx's settings for the reading edition; `book.py` gives the title and runs it."""

extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx.ext.githubpages"]
exclude_patterns = []
smartquotes = False  # text stays as its authors wrote it
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_copy_source = html_show_sourcelink = html_show_copyright = html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
        "color-foreground-primary": "#1b1e28",
        "color-brand-primary": "#1b1e28",
        "color-brand-content": "#24407a",
        "color-brand-visited": "#24407a",
        "color-link-underline": "#c9cfdd",
        "color-background-secondary": "#fafafa",
        "color-code-background": "#f5f6f8",
    },
    "dark_css_variables": {
        "color-foreground-primary": "#dcdee3",
        "color-brand-primary": "#dcdee3",
        "color-brand-content": "#9db8ee",
        "color-brand-visited": "#9db8ee",
        "color-link-underline": "#4a5570",
        "color-background-primary": "#16181d",
        "color-background-secondary": "#1b1e24",
        "color-code-background": "#1f232b",
    },
}
html_use_index = html_domain_indices = False
# the lines of a result that stand around a word are fetched, which a browser refuses to files
html_js_files = [
    (
        None,
        {
            "body": "if (location.protocol === 'file:') "
            "DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"
        },
    )
]
pygments_style = "a11y-light"
pygments_dark_style = "github-dark"

# MathJax 3 from a file beside the pages, without its menu, which would fetch more
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}

nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 6
myst_heading_slug_func = "course_utils.edition.book.anchor"
# Markdown as JupyterLab has it: what only MyST would read otherwise stays text
myst_disable_syntax = ["myst_line_comment", "myst_block_break", "myst_target", "myst_role"]
