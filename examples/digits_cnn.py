"""A small convolutional network on scikit-learn's digits, trained in PyTorch with our loss on top.

    python examples/digits_cnn.py [EPOCHS] [PAGE.html]

The last lines open the trained network: every layer of one digit, forwards and backwards, each
gradient compared with torch's autograd.
"""

import sys

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import pminusy as pmy
from pminusy.torch import CrossEntropyLoss


def images():
    """Digits (N, 1, 8, 8) between 0 and 1 and their labels: to train on, and held out."""
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return train_test_split(X, torch.tensor(y), test_size=0.25, random_state=0)


def network():
    """Two convolutions with pools, and the layer that gives the logits."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def train(net, X, y, epochs):
    """Adam on batches of 64 rows; the loss has torch's options and keeps its digits."""
    loss_of = CrossEntropyLoss(label_smoothing=0.05)
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(X)).split(64):
            adam.zero_grad()
            loss = loss_of(net(X[rows]), y[rows])
            loss.backward()
            adam.step()
            total += float(loss.detach()) * len(rows)
        print(f"epoch {epoch + 1}: mean loss {total / len(X):.4f}")


def main(epochs=8, page=None):
    """Train, score on the rows held out, and explain the first of them."""
    torch.manual_seed(0)
    X, X_held, y, y_held = images()
    net = network()
    train(net, X, y, epochs)
    net.eval()
    with torch.no_grad():
        accuracy = float((net(X_held).argmax(1) == y_held).double().mean())
    print(f"accuracy on {len(y_held)} digits held out: {accuracy:.3f}")
    derivation = pmy.explain(net, X_held[:1], y_held[:1], layer="head")
    print(derivation.summary.notes[0])
    if page is not None:
        with open(page, "w", encoding="utf-8") as file:
            file.write(derivation.to_html())
    return accuracy, derivation


if __name__ == "__main__":
    main(*(read(given) for read, given in zip((int, str), sys.argv[1:], strict=False)))
