"""A word model: the next word from the three before it, with the fused linear layer and loss.

    python examples/word_model.py [EPOCHS] [PAGE.html]

Its text is made here, from a small grammar of 84 words. `linear_cross_entropy` takes the
hidden states and the output weights, so that the logits of all words never lie in memory together.
"""

import random
import sys

import torch
from torch import nn

import pminusy as pmy
from pminusy.torch import linear_cross_entropy

CONTEXT = 3


def words_of(line):
    """The words of a line."""
    return line.split()


NOUNS = words_of(
    "cat dog fox owl hen crow mouse horse sheep goat king queen child miller baker sailor weaver "
    "poet judge giant river hill mill tower garden forest island harbour market bridge"
)
VERBS = words_of(
    "sees hears finds follows loves fears helps greets remembers leaves visits watches meets calls "
    "knows paints carries guards forgets praises"
)
ADJECTIVES = words_of(
    "old young small tall grey white brave shy quiet loud kind clever sleepy hungry lonely green "
    "round golden early late"
)
ADVERBS = words_of("often never today slowly gladly again at_night in_spring by_the_sea alone")


def sentence(r):
    """A sentence of the grammar: "the old cat often sees a small hen ."."""

    def noun_phrase():
        some = [r.choice(ADJECTIVES)] if r.random() < 0.5 else []
        return [r.choice(["the", "a", "every"]), *some, r.choice(NOUNS)]

    adverb = [r.choice(ADVERBS)] if r.random() < 0.4 else []
    return [*noun_phrase(), *adverb, r.choice(VERBS), *noun_phrase(), "."]


def text(sentences, seed=0):
    """Words of some sentences, and all words that there are."""
    r = random.Random(seed)
    words = [word for _ in range(sentences) for word in sentence(r)]
    return words, sorted({*NOUNS, *VERBS, *ADJECTIVES, *ADVERBS, "the", "a", "every", "."})


def samples(words, vocabulary):
    """Codes of each three words (N, 3), and of the word after them (N,)."""
    number = {word: i for i, word in enumerate(vocabulary)}
    codes = torch.tensor([number[word] for word in words])
    return codes.unfold(0, CONTEXT, 1)[:-1].clone(), codes[CONTEXT:]


def train(hidden, output, X, y, epochs):
    """Adam on batches of 128 samples."""
    adam = torch.optim.Adam([*hidden.parameters(), *output.parameters()], lr=0.01)
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(X)).split(128):
            adam.zero_grad()
            loss = linear_cross_entropy(
                hidden(X[rows]), output.weight, y[rows], linear_bias=output.bias
            )
            loss.backward()
            adam.step()
            total += float(loss.detach()) * len(rows)
        print(f"epoch {epoch + 1}: mean loss {total / len(X):.4f}")


def main(epochs=4, page=None):
    """Train, continue a sentence, and explain one of its words."""
    torch.manual_seed(0)
    words, vocabulary = text(3000)
    X, y = samples(words, vocabulary)
    hidden = nn.Sequential(
        nn.Embedding(len(vocabulary), 12), nn.Flatten(), nn.Linear(12 * CONTEXT, 32), nn.Tanh()
    )
    output = nn.Linear(32, len(vocabulary))
    train(hidden, output, X, y, epochs)
    with torch.no_grad():
        loss = linear_cross_entropy(hidden(X), output.weight, y, linear_bias=output.bias)
        start = X[:1]
        likely = output(hidden(start))[0].topk(5).indices
    print(f"perplexity {float(loss.exp()):.1f} of {len(vocabulary)} words")
    print(" ".join(vocabulary[i] for i in start[0]), "→", ", ".join(vocabulary[i] for i in likely))
    net = nn.Sequential(*hidden, output)
    derivation = pmy.explain(net, start, y[:1], classes=vocabulary, layer="head")
    print(derivation.summary.notes[0])
    if page is not None:
        with open(page, "w", encoding="utf-8") as file:
            file.write(derivation.to_html())
    return float(loss), derivation


if __name__ == "__main__":
    main(*(read(given) for read, given in zip((int, str), sys.argv[1:], strict=False)))
