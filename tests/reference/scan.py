"""From lobes to scan and from patches to pixels, word for word (2.6, 2.8)."""


def softened(probabilities):
    """SP of each `probabilities[(slice, side)]`, missing neighbours 0."""
    return [
        min(p, max(probabilities.get((i - 1, side), 0.0), probabilities.get((i + 1, side), 0.0)))
        for (i, side), p in probabilities.items()
    ]


def scan_probability(probabilities):
    """Eq. 2."""
    return max(softened(probabilities))


def pixel_map(patch_probability, count, size, stride, margin):
    """The greatest probability of the patches that cover each pixel of the 256x256 crop."""
    pixels = [[0.0] * 256 for _ in range(256)]
    for r in range(count):
        for c in range(count):
            p = float(patch_probability[r][c])
            for y in range(max(0, stride * r - margin), min(256, stride * r - margin + size)):
                row = pixels[y]
                for x in range(max(0, stride * c - margin), min(256, stride * c - margin + size)):
                    row[x] = max(row[x], p)
    return pixels
