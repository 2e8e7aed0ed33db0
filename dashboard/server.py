"""The dashboard behind three guards: its own origin, a start token, and headers.

`python -m core demo` and `python -m core dashboard` serve this app. Streamlit's own checks (allowed hosts, cross-site
tokens) stay in place behind the guards.
"""

import hmac
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.presenters.i18n import t
from dashboard.session.auth import login_is_set_up

CLOSED = ("/_stcore/metrics",)  # tells others what people do here
OPEN = ("/_stcore/health",)  # asked by process managers, and tells nothing else
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class SafeHeaders:
    """Sends `HEADERS` with every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, with_headers)


class Guard:
    """Answers some requests itself, and passes the others on.

    Attributes:
        answer: Gives the answer to a request that is not passed on, else None.
    """

    def __init__(self, app: ASGIApp, answer: Callable[[HTTPConnection], Response | None]) -> None:
        self.app, self.answer = app, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        answer = self.answer(HTTPConnection(scope)) if scope["type"] in ("http", "websocket") else None
        if answer is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)


def refuse_others(asked: HTTPConnection) -> Response | None:
    """403 for requests of other pages, on other ports of this machine too, and 404 for paths that are closed."""
    origin = asked.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != asked.headers.get("host"):
        return HTMLResponse(t("server-other-origin"), 403)
    return Response(status_code=404) if asked.url.path.endswith(CLOSED) else None


def admit(token: str, asked: HTTPConnection) -> Response | None:
    """Admit browsers that were opened with the address that the start printed, as long as this server runs.

    Args:
        token: The token; "" admits every account of the machine.
        asked: The request.

    Returns:
        A cookie for the printed address, 403 for a request with neither cookie nor token; None passes a request on.
    """
    cookie = f"cure-lens-{asked.url.port or 0}"  # browsers send a cookie to all ports of a machine
    if not token or asked.url.path.endswith(OPEN) or _same(asked.cookies.get(cookie, ""), token):
        return None
    if not _same(asked.query_params.get("token", ""), token):
        return HTMLResponse(t("server-no-token"), 403)
    admitted = RedirectResponse(asked.url.remove_query_params("token"), 303)
    admitted.set_cookie(cookie, token, httponly=True, samesite="lax", secure=asked.url.scheme == "https")
    return admitted


def _same(found: str, token: str) -> bool:
    return hmac.compare_digest(found.encode(), token.encode())


# Asked for by `dashboard`, whose workspace names real people. A login says more than a token, and has its own address.
TOKEN = secrets.token_urlsafe(24) if os.environ.get("CURE_LENS_START_TOKEN") and not login_is_set_up() else ""


@asynccontextmanager
async def announced(_app: st.App) -> AsyncIterator[None]:
    """Print the address that admits a browser."""
    if TOKEN:
        print(
            t("server-address", address=f"http://127.0.0.1:{st.get_option('server.port')}/?token={TOKEN}"), flush=True
        )
    yield


app = st.App(
    Path(__file__).with_name("app.py"),
    lifespan=announced,
    middleware=[
        Middleware(SafeHeaders),
        Middleware(Guard, answer=refuse_others),
        Middleware(Guard, answer=partial(admit, TOKEN)),
    ],
)
