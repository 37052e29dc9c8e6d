"""The commands `rbmqs train`, `rbmqs sample` and `rbmqs score`."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rbmqs.utils.interrupts import signals_reported

EXIT_NOT_CONVERGED = 3
AddCommand = Callable[[Any, str, str, str], argparse.ArgumentParser]

# option of the command line, keyword of BernoulliRBM, type, help
_OPTIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("--units", "n_components", int, "hidden units (default 256; 100 of other types)"),
    ("--epochs", "n_iter", int, "default: as many as make 20 000 updates"),
    ("--learning-rate", "learning_rate", float, "at the start"),
    ("--batch-size", "batch_size", int, "rows of a mini-batch (default 100)"),
    ("--method", "method", str, "auto, pcd, cd, pt, ptt or exact"),
    ("--gibbs-steps", "n_gibbs_steps", int, "for each update (default 1)"),
    ("--schedule", "schedule", str, "linear, cosine or constant"),
    ("--seconds", "max_seconds", float, "end by then"),
    ("--binarize", "binarize", float, "values above become 1, others 0"),
    ("--seed", "random_state", int, "a run with a seed repeats itself"),
)


def add_commands(commands: Any, command: AddCommand) -> None:
    """Add the three commands to the command line."""
    _add_train(commands, command)
    _add_sample(commands, command)
    _add_score(commands, command)


def _add_train(commands: Any, command: AddCommand) -> None:
    parser = command(
        commands,
        "train",
        "train an RBM: Bernoulli units, or layers of any two types",
        "rbmqs train data.npy --units 64 --seed 1 --output model.npz",
    )
    parser.add_argument("data", metavar="DATA", help=".npy, .npz (dense or sparse) or .csv")
    for option, keyword, kind, text in _OPTIONS:
        metavar = option.rsplit("-", 1)[-1].upper()
        parser.add_argument(option, dest=keyword, type=kind, metavar=metavar, help=text)
    parser.add_argument("--visible", metavar="TYPE", help="of the visible units")
    parser.add_argument("--hidden", metavar="TYPE", help="of the hidden ones, or their number")
    parser.add_argument("--double", action="store_true", help="float64 instead of float32")
    parser.add_argument("--validation", metavar="FILE", help="rows to watch for overfitting")
    parser.add_argument("--output", metavar="FILE", required=True, help="model and checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on with the run in FILE")
    parser.add_argument("--plot", metavar="FILE", help="learning curves")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_train)


def _add_sample(commands: Any, command: AddCommand) -> None:
    parser = command(
        commands,
        "sample",
        "draw rows from a trained model",
        "rbmqs sample model.npz --rows 100 --output samples.npy",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--rows", type=int, default=10, metavar="N", help="default 10")
    parser.add_argument("--steps", type=int, default=1000, metavar="N", help="of every chain")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--output", metavar="FILE", help=".npy or .csv; default: print the rows")
    parser.set_defaults(run=_sample)


def _add_score(commands: Any, command: AddCommand) -> None:
    parser = command(
        commands,
        "score",
        "log-likelihood of rows under a trained model",
        "rbmqs score model.npz test.npy",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("--betas", type=int, default=10_000, metavar="N", help="of annealing")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="of annealing")
    parser.add_argument("--seed", type=int)
    parser.set_defaults(run=_score)


def _train(options: argparse.Namespace) -> int:
    from rbmqs.boltzmann import BernoulliRBM
    from rbmqs.boltzmann.files import read_table
    from rbmqs.boltzmann.training import DivergenceWarning

    data = read_table(options.data)
    validation = None if options.validation is None else read_table(options.validation)
    given = {keyword: getattr(options, keyword) for _, keyword, _, _ in _OPTIONS}
    keywords = {name: value for name, value in given.items() if value is not None}
    if options.hidden is not None and options.hidden.isdigit():
        keywords["n_components"], options.hidden = int(options.hidden), None
    if (options.visible or "bernoulli", options.hidden or "bernoulli") != ("bernoulli",) * 2:
        return _train_layers(options, data, keywords)
    rbm = BernoulliRBM(**keywords, verbose=0 if options.quiet else 1)
    if options.double:
        rbm.set_params(dtype="float64")
    with warnings.catch_warnings(), signals_reported():
        warnings.simplefilter("ignore", DivergenceWarning)  # `_report` says it in one line
        if options.resume:
            rbm.resume(options.output, data, validation=validation)
        else:
            _refuse_missing_directory(options.output)
            rbm.fit(data, validation=validation, checkpoint=options.output)
    return _report(rbm, options)


def _train_layers(options: argparse.Namespace, data: Any, keywords: dict[str, Any]) -> int:
    """Train layers of other types than Bernoulli."""
    from rbmqs.boltzmann import LayeredRBM

    if options.resume or options.validation or "binarize" in keywords:
        raise ValueError("--resume, --validation and --binarize are for Bernoulli units alone")
    _refuse_missing_directory(options.output)
    rbm = LayeredRBM(
        visible=options.visible or "bernoulli", hidden=options.hidden or "bernoulli",
        dtype="float64" if options.double else "float32", verbose=not options.quiet, **keywords,
    )  # fmt: skip
    with signals_reported():
        rbm.fit(data).save(options.output)
    return _report(rbm, options)


def _loaded(path: str) -> Any:
    """The model of a file, of Bernoulli units or of layers of other types."""
    from hamiltonians.utils.archive import CheckpointError
    from rbmqs.boltzmann import BernoulliRBM, LayeredRBM
    from rbmqs.boltzmann.gaussian import KIND

    try:
        return BernoulliRBM.load(path)
    except CheckpointError as error:
        if KIND.format not in str(error):
            raise
        return LayeredRBM.load(path)


def _refuse_missing_directory(path: str) -> None:
    """Before the training, not after it."""
    if not Path(path).resolve().parent.is_dir():
        raise FileNotFoundError(f"no such directory for {path}")


def _report(rbm: Any, options: argparse.Namespace) -> int:
    training = rbm.training_
    n, m = rbm.machine_.weights.shape
    print(f"{'machine':<14} {n} visible, {m} hidden units")
    print(f"{'epochs':<14} {training.epoch} in {training.seconds:.1f} s")
    if training.history:
        for name, value in training.history[-1].figures.items():
            print(f"{name:<22} {value:.4f}")
    print(f"{'saved':<14} {options.output}")
    if options.plot:
        from rbmqs.boltzmann.plotting import learning_curves

        learning_curves(training, options.plot)
        print(f"{'picture':<14} {options.plot}")
    if training.interrupted is not None:
        print(f"saved; go on with: rbmqs train {options.data} --output {options.output} --resume",
              file=sys.stderr)  # fmt: skip
        return 128 + training.interrupted
    if training.status:
        print(f"rbmqs: {training.status}", file=sys.stderr)
        return EXIT_NOT_CONVERGED
    return 0


def _sample(options: argparse.Namespace) -> int:
    import numpy as np

    from rbmqs.boltzmann.bernoulli import BernoulliRBM

    rbm = _loaded(options.model)
    if options.output is not None and Path(options.output).suffix not in (".npy", ".csv"):
        raise ValueError(f"output must end in .npy or .csv, got {options.output!r}")
    if isinstance(rbm, BernoulliRBM):
        rbm.set_params(random_state=options.seed)
        rows, form = rbm.sample(options.rows, n_steps=options.steps), "%d"
    else:
        rows, form = rbm.sample(options.rows, options.steps, options.seed), "%.6g"
    if options.output is None:
        for row in rows:
            print(",".join(form % value for value in row))
    elif options.output.endswith(".npy"):
        np.save(options.output, rows)
    else:
        np.savetxt(options.output, rows, fmt=form, delimiter=",")
    return 0


def _score(options: argparse.Namespace) -> int:
    from rbmqs.boltzmann.bernoulli import BernoulliRBM
    from rbmqs.boltzmann.files import read_table
    from rbmqs.boltzmann.likelihood import ais, base_rate, is_feasible, raise_log_z

    rbm = _loaded(options.model)
    if not isinstance(rbm, BernoulliRBM):
        return _score_layers(rbm, options)
    rows = rbm.checked_rows(read_table(options.data))
    print(f"{'rows':<30} {rows.shape[0]}")
    print(f"{'pseudo-log-likelihood':<30} {rbm.score(rows):.4f} nats a row")
    if is_feasible(rbm.machine_, 20):
        print(f"{'log-likelihood (exact)':<30} {rbm.log_likelihood(rows).mean():.4f} nats a row")
        return 0
    settings: dict[str, Any] = {
        "n_betas": options.betas, "base": base_rate(rows), "random_state": options.seed,
    }  # fmt: skip
    mean = rbm.machine_.log_weight(rows).mean()
    below = ais(rbm.machine_, n_runs=options.runs, **settings)
    above = raise_log_z(rbm.machine_, rows[: options.runs], **settings)
    for name, z in (("log-likelihood (AIS)", below), ("log-likelihood (RAISE)", above)):
        print(f"{name:<30} {mean - z.value:.4f} +- {z.error:.4f} nats a row, log Z from {z.side}")
    print("RAISE starts from these rows: log Z lies below it as far as the model fits them")
    return 0


def _score_layers(rbm: Any, options: argparse.Namespace) -> int:
    """Exact log-likelihood where a layer can be summed over, else with log Z by annealing."""
    from rbmqs.boltzmann.files import read_table

    weight = -rbm.free_energy(read_table(options.data))
    print(f"{'rows':<30} {len(weight)}")
    try:
        log_z, name, error = rbm.log_partition(), "log-likelihood (exact)", ""
    except ValueError:
        found = rbm.annealed_log_partition(options.betas, options.runs, random_state=options.seed)
        log_z, name, error = found.value, "log-likelihood (AIS)", f" +- {found.error:.4f}"
    print(f"{name:<30} {weight.mean() - log_z:.4f}{error} nats a row")
    return 0
