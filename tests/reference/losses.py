"""The paper's losses, word for word, patch by patch: slow, and the oracle for the fast code (2.7)."""

import math


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


def softmax_infected(two_logits):
    a, b = two_logits
    return math.exp(b) / (math.exp(a) + math.exp(b))


def lobe_loss(lobe_logits, positive, top):
    """Eq. 3 over the `top` lobes of each scan with the greatest probability; mean over lobes and scans."""
    total, count = 0.0, 0
    for logits, label in zip(lobe_logits, positive, strict=True):
        for probability in sorted((sigmoid(x) for x in logits), reverse=True)[:top]:
            total -= math.log(probability) if label else math.log(1 - probability)
            count += 1
    return total / count


def coarse_labels(semi_infection, diseased):
    """Patch (r, c) covers [8r-14, 8r+22) squared; labelled from a third of its 1296 pixels on."""
    labels = [[False] * 32 for _ in range(32)]
    for r in range(32):
        for c in range(32):
            marked = sum(
                bool(semi_infection[y][x])
                for y in range(8 * r - 14, 8 * r + 22)
                for x in range(8 * c - 14, 8 * c + 22)
                if 0 <= y < 256 and 0 <= x < 256
            )
            labels[r][c] = diseased and 3 * marked >= 36 * 36
    return labels


def fine_labels(semi_infection, diseased, coarse_probability):
    """Patch (r, c) covers [2r-2, 2r+4) squared; labelled above 27 of 36 under a believed coarse patch."""
    labels = [[False] * 128 for _ in range(128)]
    for r in range(128):
        for c in range(128):
            top, left = 2 * r - 2, 2 * c - 2
            marked = sum(
                bool(semi_infection[y][x])
                for y in range(top, top + 6)
                for x in range(left, left + 6)
                if 0 <= y < 256 and 0 <= x < 256
            )
            believed = any(
                coarse_probability[R][C] > 0.5
                for R in range(32)
                for C in range(32)
                if top >= 8 * R - 14
                and top + 6 <= 8 * R + 22
                and left >= 8 * C - 14
                and left + 6 <= 8 * C + 22
            )
            labels[r][c] = diseased and 4 * marked > 3 * 36 and believed
    return labels


def patch_loss(patch_logits, infected, diseased, counted=None):
    """Weighted mean cross entropy: certain labels weigh 1, believed ones 1, doubted ones 0.1; then eq. 4.

    counted: for each patch whether it is looked at at all; None: every one is.
    """
    patches = []  # (probability of the given label, infected?, of a diseased scan?)
    for lobe, (logits, labels, is_diseased) in enumerate(zip(patch_logits, infected, diseased, strict=True)):
        for r in range(len(labels)):
            for c in range(len(labels[0])):
                if counted is not None and not counted[lobe][r][c]:
                    continue
                p = softmax_infected((logits[0][r][c], logits[1][r][c]))
                patches.append((p if labels[r][c] else 1 - p, bool(labels[r][c]), is_diseased))
    doubtful = sorted((i for i, p in enumerate(patches) if p[2]), key=lambda i: -(1 - (1 - patches[i][0])))
    weights = [1.0] * len(patches)
    for rank, i in enumerate(doubtful):
        weights[i] = 1.0 if rank < round(0.8 * len(doubtful)) else 0.1
    healthy = sum(w for w, p in zip(weights, patches, strict=True) if not p[1])
    sick = sum(w for w, p in zip(weights, patches, strict=True) if p[1])
    if healthy > 0 and sick > 0:
        weights = [w * healthy / sick if p[1] else w for w, p in zip(weights, patches, strict=True)]
    losses = [-math.log(p[0]) for p in patches]
    return sum(w * x for w, x in zip(weights, losses, strict=True)) / sum(weights)


def concordance_loss(lobe_logits, patch_logits, concerned):
    squares = [
        (
            sigmoid(lobe)
            - max(
                softmax_infected((p[0][r][c], p[1][r][c]))
                for r in range(len(p[0]))
                for c in range(len(p[0][0]))
            )
        )
        ** 2
        for lobe, p, yes in zip(lobe_logits, patch_logits, concerned, strict=True)
        if yes
    ]
    return sum(squares) / len(squares) if squares else 0.0
