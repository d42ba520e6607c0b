"""What any gateway of FastAPI and aiohttp costs at least: pass requests on, do nothing else.

python benchmarks/gateway_bare.py UPSTREAM PORT
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

UPSTREAM = sys.argv[1] if len(sys.argv) > 1 else ""
HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        app.state.session = session
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/v1/chat/completions")
async def chat(request: Request) -> Response:
    body = await request.body()
    url = f"{UPSTREAM}/chat/completions"
    answer = await request.app.state.session.post(url, data=body, headers=HEADERS)
    kind = answer.headers["content-type"]
    if kind.startswith("text/event-stream"):
        return StreamingResponse(answer.content.iter_any(), answer.status, media_type=kind)
    return Response(await answer.read(), answer.status, media_type=kind)


if __name__ == "__main__":
    port = int(sys.argv[2])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_config=None)
