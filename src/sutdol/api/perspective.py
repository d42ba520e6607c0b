"""Perspective's methods for comments, answered by the guard; suggested scores become feedback."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from starlette.requests import Request
from starlette.responses import Response

from sutdol.api.hall import Hall, caller, hall
from sutdol.api.moderations import inquiry
from sutdol.api.schemas import AS_GOOGLE, documented, schema
from sutdol.chat import judged
from sutdol.chat.asked import Bad, read
from sutdol.chat.shield import READERS, Ruling
from sutdol.core.text.reading import language
from sutdol.core.text.reading import read as seen
from sutdol.roles.texts import WINDOW
from sutdol.storage import feedback
from sutdol.storage.feedback import NewFeedback
from sutdol.storage.secrets import digest

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "TOXICITY": (),  # the score of the guard, whatever the kind
    "SEVERE_TOXICITY": (
        "harassment/threatening", "hate/threatening", "violence", "violence/graphic",
    ),
    "IDENTITY_ATTACK": ("hate", "hate/threatening"),
    "INSULT": ("harassment",),
    "PROFANITY": ("profanity",),
    "THREAT": ("harassment/threatening", "hate/threatening", "violence"),
    "SEXUALLY_EXPLICIT": ("sexual", "sexual/minors"),
    "OBSCENE": ("profanity",),
    "SPAM": ("spam",),
}  # fmt: skip
"""Perspective's attributes and the categories of ours whose highest score each of them is."""
UNSURE = ("TOXICITY", "SEVERE_TOXICITY")
"""What does not say of which kind a text is."""
LANGUAGES = ("en", "ko")
VIOLATING = 0.5
"""The least suggested score that calls a text violating."""
LONGEST_SUGGESTION = 20_480  # characters; Perspective takes as many bytes
PROBABILITY = "PROBABILITY"
NAMED: JsonDict = {"propertyNames": {"pattern": f"^({'|'.join(ATTRIBUTES)})(_EXPERIMENTAL)?$"}}
"""What the OpenAPI document says of fields by attribute; a wrong name gets a better answer here."""
router = APIRouter(tags=["Perspective"], responses=AS_GOOGLE)


class Form(BaseModel):
    """Unknown fields are refused, as Google's servers do; names come in both spellings."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class Comment(Form):
    text: str = Field(min_length=1)
    type: Literal["PLAIN_TEXT", "HTML", "TEXT_TYPE_UNSPECIFIED"] | None = None


class Parameters(Form):
    """How an attribute is wanted."""

    score_type: Literal["PROBABILITY", "SCORE_TYPE_UNSPECIFIED"] | None = None
    score_threshold: float | None = Field(default=None, allow_inf_nan=False)


class About(Form):
    """What both methods take."""

    comment: Comment
    context: dict[str, Any] | None = None
    languages: list[str] | None = None
    client_token: str | None = Field(default=None, max_length=10_000)
    session_id: str | None = None
    community_id: str | None = None


class Analysis(About):
    """The body of `comments:analyze`."""

    requested_attributes: dict[str, Parameters] = Field(
        min_length=1, max_length=100, json_schema_extra=NAMED
    )
    do_not_store: bool | None = None
    span_annotations: bool | None = None


class Score(Form):
    value: float = Field(ge=0, le=1)
    type: Literal["PROBABILITY", "SCORE_TYPE_UNSPECIFIED"] | None = None


class SpanScore(Form):
    begin: int | None = None
    end: int | None = None
    score: Score


class Scores(Form):
    """What a client thinks right of one attribute."""

    summary_score: Score | None = None
    span_scores: list[SpanScore] = []

    @property
    def value(self) -> float | None:
        """Of the whole text, which is as bad as its worst part."""
        if self.summary_score is not None:
            return self.summary_score.value
        return max((one.score.value for one in self.span_scores), default=None)


class Suggestion(About):
    """The body of `comments:suggestscore`."""

    attribute_scores: dict[str, Scores] = Field(
        min_length=1, max_length=100, json_schema_extra=NAMED
    )


@router.post("/v1alpha1/comments:analyze", **documented(schema(Analysis)))
async def analyze(request: Request) -> Response:
    """The scores of a comment, by the attributes that are asked for.

    With `spanAnnotations`, a flagged comment comes with the part that gave it away. Nothing of the
    text is stored, whatever `doNotStore` says.
    """
    asked = read(Analysis, await request.body())
    for name in asked.requested_attributes:
        _require_known(name)
    _require_spoken(asked.languages)
    text = asked.comment.text
    with judged.ended(inquiry(request, "perspective")) as exchange:
        [ruling] = await judged.judge(exchange, [text])
        span = 0, len(text)
        if asked.span_annotations and ruling.flagged:
            check = hall(request).guard().check
            finding = await asyncio.get_running_loop().run_in_executor(READERS, check, text)
            span = finding.span or span
    told = _scores(asked.requested_attributes, ruling, _in_utf16(text, span))
    answer = ({"attributeScores": told} if told else {}) | _about(asked)
    return Response(orjson.dumps(answer), headers=exchange.head(), media_type="application/json")


@router.post("/v1alpha1/comments:suggestscore", **documented(schema(Suggestion)))
async def suggest(request: Request) -> Response:
    """What the scores of a comment should have been; it teaches the guard once it is reviewed."""
    asked = read(Suggestion, await request.body())
    if len(asked.comment.text) > LONGEST_SUGGESTION:
        raise Bad(
            f"'comment.text' has {len(asked.comment.text):,} characters; at most"
            f" {LONGEST_SUGGESTION:,} can be learned from.",
            "comment.text",
        )
    _require_spoken(asked.languages)
    await asyncio.to_thread(_keep, hall(request), _feedback(asked, request))
    about = _about(asked)
    del about["languages"]
    if asked.languages:
        about["requestedLanguages"] = asked.languages
    return Response(orjson.dumps(about), media_type="application/json")


def _require_known(name: str) -> str:
    """The attribute that is meant; experimental ones are the plain ones here."""
    plain = name.removesuffix("_EXPERIMENTAL")
    if plain not in ATTRIBUTES:
        raise Bad(f"No attribute named '{name[:80]}'; there are {', '.join(ATTRIBUTES)}.")
    return plain


def _require_spoken(languages: Sequence[str] | None) -> None:
    """One of the languages at least must be one that the guard is made for."""
    if languages and not any(one.lower().split("-")[0] in LANGUAGES for one in languages):
        raise Bad(
            "The guard is made for English and Korean: 'languages' must name en or ko. Leave it"
            " out to have the text read whatever it is.",
            "languages",
        )


def _scores(
    wanted: Mapping[str, Parameters], ruling: Ruling, span: tuple[int, int]
) -> dict[str, Any]:
    """By attribute, those that reach the threshold they were asked for with."""
    told = {}
    for name, how in wanted.items():
        value = score_of(_require_known(name), ruling)
        if value >= (how.score_threshold or 0.0):
            score = {"value": value, "type": PROBABILITY}
            begin, end = span
            spans = [{"begin": begin, "end": end, "score": score}]
            told[name] = {"spanScores": spans, "summaryScore": score}
    return told


def score_of(attribute: str, ruling: Ruling) -> float:
    """The score of an attribute; 0 where the guard has learned none of its categories."""
    scores = (ruling.categories[name] for name in ATTRIBUTES[attribute])
    return max(scores, default=ruling.score)


def _in_utf16(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Places as Perspective counts them: an emoji is two."""
    begin, end = (len(text[:place].encode("utf-16-le", "surrogatepass")) // 2 for place in span)
    return begin, end


def _about(asked: About) -> dict[str, Any]:
    """What both answers say of the question."""
    found = [language(seen(asked.comment.text[:WINDOW]).normalised)]
    told: dict[str, Any] = {"languages": asked.languages or found, "detectedLanguages": found}
    if asked.client_token is not None:
        told["clientToken"] = asked.client_token
    return told


def _feedback(asked: Suggestion, request: Request) -> NewFeedback:
    scores = {
        _require_known(name): _value(name, one) for name, one in asked.attribute_scores.items()
    }
    text, who = asked.comment.text, caller(request)
    return NewFeedback(
        kind="score",
        role="guard",
        subject_kind="text",
        subject=digest(hall(request).pepper, text),
        value={
            "text": text,
            "label": int(max(scores.values()) >= VIOLATING),
            "category": suggested_category(scores),
            "scores": scores,
        },
        user=who.user,
        source=feedback.source_of("perspective", who.user),
        key=who.key,
    )


def suggested_category(scores: Mapping[str, float]) -> str:
    """Of which kind the text is, by what it was said to be most; empty where nothing says it."""
    telling = {name: scores[name] for name in scores if name not in UNSURE}
    most = max(telling, key=lambda name: telling[name], default=None)
    return ATTRIBUTES[most][0] if most is not None and telling[most] >= VIOLATING else ""


def _value(name: str, said: Scores) -> float:
    if said.value is None:
        raise Bad(f"'attributeScores.{name}' holds no score.", f"attributeScores.{name}")
    return said.value


def _keep(hall: Hall, new: NewFeedback) -> None:
    with hall.sutdol.db.write() as tx:
        feedback.add(tx, new, daily=hall.sutdol.settings.server.feedback, now=hall.now())
