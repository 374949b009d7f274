"""Why does one door stand before the router? Submissions are the only request that comes by the thousand.

FastAPI describes the route (OpenAPI) and its function answers it, but matching, dependency resolution and exit stacks
cost as much as everything that the function itself does (docs/adr/0005), and none of them is needed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect, Request

from broker.api.errors import of_error, of_outage, of_unforeseen, of_validation
from broker.api.guard import TooLarge
from broker.domain.errors import QsubmitError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send


class Express:
    """Answers one method and path by ``endpoint``; everything else goes on to the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        application: object,
        method: str,
        route: object,
        endpoint: Callable[[Request], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._application = application
        self._method = method
        self._route = route
        self._path: str = route.path  # type: ignore[attr-defined]
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != self._method:
            await self._app(scope, receive, send)
            return
        scope["route"], scope["app"] = self._route, self._application
        try:
            answer = await self._endpoint(Request(scope, receive))
        except QsubmitError as error:
            answer = of_error(error)
        except ValidationError as error:
            answer = of_validation(list(error.errors()))
        except OperationalError as error:
            answer = of_outage(error)
        except ClientDisconnect:
            return
        except TooLarge:  # answered by the wall that met it
            raise
        except Exception as error:  # noqa: BLE001  no handler of the framework stands outside of this door
            answer = of_unforeseen(error)
        await answer(scope, receive, send)
