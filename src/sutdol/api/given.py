"""What people may say of answers and decisions: the bodies of feedback, one a kind."""

from typing import Annotated, Literal

from pydantic import Field

from sutdol.api.fields import Body
from sutdol.storage.feedback import LONGEST_SUBJECT

Id = Annotated[str, Field(min_length=1, max_length=LONGEST_SUBJECT)]
Text = Annotated[str, Field(min_length=1, max_length=20_480)]
"""As long as a text may be that is learned from."""


class AnswerSubject(Body):
    """A request that was answered, or the message that was the answer."""

    kind: Literal["request", "message"]
    id: Id


class DecisionSubject(Body):
    kind: Literal["decision"]
    id: Id


class RequestSubject(Body):
    kind: Literal["request"]
    id: Id


class TextSubject(Body):
    """A text that is named by itself."""

    kind: Literal["text"]


class Up(Body):
    up: bool
    comment: Annotated[str, Field(max_length=4_000)] = ""


class Label(Body):
    """1 is a text that the guard should flag."""

    text: Text
    label: Annotated[int, Field(ge=0, le=1)]
    category: Annotated[str, Field(max_length=64)] = ""


class Better(Body):
    text: Text


class Chosen(Body):
    passage: Annotated[str, Field(min_length=1, max_length=200)]
    rank: Annotated[int, Field(ge=0, le=100_000)]


class GiveThumb(Body):
    """Whether an answer, or a decision of the guard, was right."""

    kind: Literal["thumb"]
    subject: Annotated[AnswerSubject | DecisionSubject, Field(discriminator="kind")]
    value: Up


class GiveLabel(Body):
    """What the guard should have said; of a decision, with the very text that it was about."""

    kind: Literal["label"]
    subject: Annotated[TextSubject | DecisionSubject, Field(discriminator="kind")]
    value: Label


class GiveCorrection(Body):
    """The better answer."""

    kind: Literal["correction"]
    subject: AnswerSubject
    value: Better


class GiveClick(Body):
    """Which of the passages found was opened."""

    kind: Literal["click"]
    subject: RequestSubject
    value: Chosen


Given = GiveThumb | GiveLabel | GiveCorrection | GiveClick
