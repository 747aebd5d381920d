"""SoftmaxRegression in the place of scikit-learn's LogisticRegression, and both compared."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pminusy as pmy


def main() -> None:
    """Fit both in one pipeline each, compare their probabilities, then choose C by a search."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

    ours = make_pipeline(StandardScaler(), pmy.SoftmaxRegression(C=0.1, tol=1e-8))
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000))
    for model in (ours, theirs):
        model.fit(X_train, y_train)
        print(f"{type(model[-1]).__name__:20} accuracy {model.score(X_test, y_test):.4f}")
    apart = np.abs(ours.predict_proba(X_test) - theirs.predict_proba(X_test)).max()
    print(f"largest difference of a probability {apart:.0e}")

    head = ours[-1]
    print(f"converged: {head.converged_}, largest entry of the gradient {head.optimality_:.0e}")

    search = GridSearchCV(ours, {"softmaxregression__C": [0.01, 0.1, 1.0]}).fit(X_train, y_train)
    print(f"C chosen by five folds: {search.best_params_['softmaxregression__C']}")


if __name__ == "__main__":
    main()
