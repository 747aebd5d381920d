"""Derivations in the order, the cases and the letters of five articles on this gradient.

An article is data: parts, each an ordered list of lines. What several of them tell is one line of
`statements/`, with the indices that each of them uses.
"""

from pminusy.derivation.statements.articles.article import ARTICLES, Article, Part

__all__ = ["ARTICLES", "Article", "Part"]
