"""Feedback that its own user takes back, as long as nobody has judged it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from starlette.requests import Request

from sutdol.api.hall import caller, up_to_date
from sutdol.core.errors import Settled
from sutdol.storage import feedback
from sutdol.storage.feedback import LONGEST_SUBJECT

router = APIRouter(tags=["Sutdol"])

Subject = Annotated[str, Query(min_length=1, max_length=LONGEST_SUBJECT, description="Its id.")]


@router.delete("/api/v1/feedback", status_code=204)
def withdraw_feedback(
    request: Request,
    kind: Literal["thumb", "correction"],
    subject_kind: Literal["request", "message", "decision"],
    subject: Subject,
) -> Response:
    """Take back what one said of an answer or a decision; what was judged stays."""
    user = caller(request).user
    with up_to_date(request).sutdol.db.write() as tx:
        gone = feedback.withdraw(tx, user, kind=kind, subject_kind=subject_kind, subject=subject)
    if not gone:
        raise Settled("Nothing that you said of this waits for a review: what was judged stays.")
    return Response(status_code=204)
