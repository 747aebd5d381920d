"""From steps to pages: terminal, HTML, Markdown, LaTeX, JSON. Renderers read steps, no more."""
