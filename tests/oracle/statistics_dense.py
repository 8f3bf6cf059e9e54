"""Slow obvious statistics: dense likelihoods, loops over deleted units, permutations by refitting."""

import numpy as np
from scipy import optimize


def jackknife_pairs(D):
    """Mean of the off-diagonal and its jackknife standard error, every mean recomputed from scratch."""
    n = len(D)

    def mean(rows):
        return np.mean([D[i, j] for i in rows for j in rows if i != j])

    without = [mean([j for j in range(n) if j != i]) for i in range(n)]
    return mean(range(n)), np.sqrt((n - 1) / n * np.sum((np.array(without) - np.mean(without)) ** 2))


def reml(X, y, M):
    """(coefficients, tau^2, sigma^2) that maximise the dense restricted likelihood over both variances, found without a profile."""
    n = len(y)

    def loss(logs):
        V = np.exp(logs[0]) * M @ M.T + np.exp(logs[1]) * np.eye(n)
        W = np.linalg.inv(V)
        A = X.T @ W @ X
        b = np.linalg.solve(A, X.T @ W @ y)
        r = y - X @ b
        return (np.linalg.slogdet(V)[1] + np.linalg.slogdet(A)[1] + r @ W @ r) / 2

    start = np.log(y.var())
    runs = [
        optimize.minimize(
            loss, [start + d, start - d], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000}
        )
        for d in (-4, 0, 2)
    ]
    tau2, sigma2 = np.exp(min(runs, key=lambda run: run.fun).x)
    W = np.linalg.inv(tau2 * M @ M.T + sigma2 * np.eye(n))
    return np.linalg.solve(X.T @ W @ X, X.T @ W @ y), tau2, sigma2


def kenward_roger(X, M, tau2, sigma2, column):
    """Adjusted variance and degrees of freedom of one coefficient, written as in the paper with dense matrices."""
    n = len(X)
    parts = [np.eye(n), M @ M.T]
    V = sigma2 * parts[0] + tau2 * parts[1]
    W = np.linalg.inv(V)
    phi = np.linalg.inv(X.T @ W @ X)
    R = W - W @ X @ phi @ X.T @ W
    info = np.array([[np.trace(R @ a @ R @ b) / 2 for b in parts] for a in parts])
    L = np.linalg.inv(info)
    P = [-X.T @ W @ a @ W @ X for a in parts]
    Q = [[X.T @ W @ a @ W @ b @ W @ X for b in parts] for a in parts]
    small = sum(L[i, j] * (Q[i][j] - P[i] @ phi @ P[j]) for i in range(2) for j in range(2))
    adjusted = phi + 2 * phi @ small @ phi
    g = np.array([-(phi @ p @ phi)[column, column] for p in P])
    return adjusted[column, column], 2 * phi[column, column] ** 2 / (g @ L @ g)


def permutation(x, y, covariates, draws, seed):
    """Freedman-Lane p by refitting every permuted outcome."""
    n = len(x)
    Z = np.column_stack([np.ones(n), *covariates])
    X = np.column_stack([x, Z])

    def t(v):
        b = np.linalg.lstsq(X, v, rcond=None)[0]
        r = v - X @ b
        return abs(b[0]) / np.sqrt(r @ r / (n - X.shape[1]) * np.linalg.inv(X.T @ X)[0, 0])

    fitted = Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
    rng = np.random.default_rng(seed)
    hits = sum(t(fitted + rng.permutation(y - fitted)) >= t(y) * (1 - 1e-9) for _ in range(draws))
    return (1 + hits) / (1 + draws)
