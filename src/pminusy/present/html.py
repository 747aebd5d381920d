"""HTML pages: one frame and one look for all of them. A page opens offline and loads nothing."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path

from pminusy.present.sanitise import cleaned, cut

__all__ = ["page", "style"]

_TITLE = 200  # characters in the title of a window
_BASE = (Path(__file__).parent / "base.css").read_text(encoding="utf-8")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<!-- Should escaping ever fail, nothing that slipped through may run or load. -->
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
{body}{script}
</body>
</html>
"""


def style(own: str, scope: str = "") -> str:
    """Style sheet of a page, or of the elements inside the selector `scope` alone.

    Parameters
    ----------
    own
        What the page adds to the style that all share; "&" stands for the scope there as well.
    scope
        Selector of the element that a fragment is in; empty for a whole page.

    Examples
    --------
    >>> style("& p { margin: 0 }", ".box").splitlines()[-1]
    '.box p { margin: 0 }'
    >>> style("& p { margin: 0 }").splitlines()[-1]
    'p { margin: 0 }'
    """
    whole = f"{_BASE}\n{own.strip()}"
    return whole.replace("& {", f"{scope or 'body'} {{").replace("& ", f"{scope} ".lstrip())


def page(title: str, own_style: str, body: str, script: str = "") -> str:
    """A whole HTML document; `title` is text from outside, `body` is HTML.

    A script is allowed by its fingerprint, so that no other one can run.
    """
    title, script = escape(cut(cleaned(title), _TITLE)), f"\n{script.strip()}\n" if script else ""
    fingerprint = b64encode(sha256(script.encode()).digest()).decode()
    return _FRAME.format(
        title=title,
        style=style(own_style),
        body=body.strip(),
        script=f"\n<script>{script}</script>" if script else "",
        policy=_POLICY + (f"; script-src 'sha256-{fingerprint}'" if script else ""),
    )
