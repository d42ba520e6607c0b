"""What people see in browsers is made by the pages, which this package does not know."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sutdol.core.errors import SutdolError


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """The routes of the pages, and what they show for an error; None where JSON is to be sent."""

    router: APIRouter
    refused: Callable[[Request, SutdolError], Response | None]
