"""What is ours compared with? An endpoint that only queues, and a task that does nothing."""

from __future__ import annotations

import os

from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel

queue = Celery("bare", broker=os.environ["BARE_BROKER_URL"])
queue.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
app = FastAPI()


class Body(BaseModel):
    """The same fields as a job has."""

    program: dict[str, str]
    shots: int = 1000
    name: str = ""


@queue.task(name="bare.nothing")
def nothing(job: dict[str, object]) -> None:
    """Do nothing."""


@app.post("/jobs", status_code=202)
def submit(body: Body) -> dict[str, str]:
    """No authentication, no check, no price, no row: only a message."""
    return {"id": nothing.delay(body.model_dump()).id}
