"""A training loop in torch with this package's loss: `examples/train_with_torch.py EPOCHS`."""

import sys

import torch
from sklearn.datasets import load_digits

from pminusy.torch import LinearCrossEntropyLoss


class Digits(torch.nn.Module):
    """A hidden layer; the last layer is in the head, together with the loss."""

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(64, hidden), torch.nn.ReLU())
        self.head = LinearCrossEntropyLoss(hidden, 10, bias=True, label_smoothing=0.05)

    def forward(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss: no logits are kept for the backward pass."""
        loss: torch.Tensor = self.head(self.body(X), y)
        return loss

    def logits(self, X: torch.Tensor) -> torch.Tensor:
        """What the head's linear layer gives."""
        found: torch.Tensor = self.head.linear(self.body(X))
        return found


def main(epochs: int) -> None:
    """Train on four fifths of the digits, and score on the others."""
    torch.manual_seed(0)
    X, y = (torch.as_tensor(array) for array in load_digits(return_X_y=True))
    X = (X / 16).float()
    order = torch.randperm(len(y))
    train, test = order[: 4 * len(y) // 5], order[4 * len(y) // 5 :]
    model = Digits()
    step = torch.optim.Adam(model.parameters(), lr=0.005)
    for epoch in range(1, epochs + 1):
        for rows in train[torch.randperm(len(train))].split(128):
            step.zero_grad()
            loss = model(X[rows], y[rows])
            loss.backward()
            step.step()
        if epoch % 5 == 0 or epoch == epochs:
            right = (model.logits(X[test]).argmax(dim=1) == y[test]).float().mean()
            print(f"epoch {epoch:2}: loss {loss.item():.3f}, held-out accuracy {right:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
