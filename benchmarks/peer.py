"""One guard behind a pipe, in a Python of its own: requests come as JSON lines, answers go back.

    python benchmarks/peer.py NAME [FOLDER]      # FOLDER holds the model, for ours

Time is taken in here, around each call, so that no pipe is in any figure. Nothing but the standard
library and the one guard is imported: other guards pin other versions of what we use.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, perf_counter_ns, process_time


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A guard as its documentation says to call it; the second argument is the language."""

    one: Callable[[str, str], object]
    many: Callable[[Sequence[str], str], list[bool]]
    scores: Callable[[Sequence[str]], list[float]] | None = None


def sutdol(folder: str) -> Guard:
    from sutdol.roles.classifier import load

    model = load(Path(folder), "benchmark")
    return Guard(
        one=lambda text, _: bool(model.judge([text])[1][0]),
        many=lambda texts, _: model.judge(texts)[1].tolist(),
        scores=lambda texts: model.scores(texts).tolist(),
    )


def sutdol_score(folder: str) -> Guard:
    """Only the score of a text: no language is found, no threshold asked."""
    from sutdol.roles.classifier import load

    model = load(Path(folder), "benchmark")
    return Guard(
        one=lambda text, _: model.score(text),
        many=lambda texts, _: (model.scores(texts) >= 0.5).tolist(),
    )


def alt_profanity_check(_: str) -> Guard:
    from profanity_check import predict, predict_prob

    return Guard(
        one=lambda text, _: bool(predict([text])[0]),
        many=lambda texts, _: predict(texts).astype(bool).tolist(),
        scores=lambda texts: predict_prob(texts).tolist(),
    )


def better_profanity(_: str) -> Guard:
    from better_profanity import profanity

    profanity.load_censor_words()
    return Guard(
        one=lambda text, _: profanity.contains_profanity(text),
        many=lambda texts, _: [bool(profanity.contains_profanity(text)) for text in texts],
    )


def korcen(_: str) -> Guard:
    """Its English check is off by default; it is turned on for English texts."""
    from korcen.korcen import check

    return Guard(
        one=lambda text, lang: check(text, foreign=lang == "en"),
        many=lambda texts, lang: [bool(check(text, foreign=lang == "en")) for text in texts],
    )


GUARDS: dict[str, Callable[[str], Guard]] = {
    "sutdol": sutdol,
    "sutdol_score": sutdol_score,
    "alt_profanity_check": alt_profanity_check,
    "better_profanity": better_profanity,
    "korcen": korcen,
}


def singles(guard: Guard, texts: Sequence[str], lang: str) -> dict[str, object]:
    """Nanoseconds of each call, and CPU seconds of all."""
    spent, begun = [], process_time()
    for text in texts:
        start = perf_counter_ns()
        guard.one(text, lang)
        spent.append(perf_counter_ns() - start)
    return {"ns": spent, "cpu": process_time() - begun}


def batch(guard: Guard, texts: Sequence[str], lang: str) -> dict[str, object]:
    start, begun = perf_counter(), process_time()
    guard.many(texts, lang)
    return {"wall": perf_counter() - start, "cpu": process_time() - begun}


def judge(guard: Guard, texts: Sequence[str], lang: str) -> dict[str, object]:
    scores = guard.scores(texts) if guard.scores else None
    return {"flags": guard.many(texts, lang), "scores": scores}


JOBS = {"singles": singles, "batch": batch, "judge": judge}


def main() -> None:
    # some guards print when they are imported; the pipe is ours alone
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    guard = GUARDS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = JOBS[asked["job"]](guard, asked["texts"], asked["lang"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
