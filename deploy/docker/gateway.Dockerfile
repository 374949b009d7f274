# The gateway: no vendor SDK, no simulator. Built from the checkout: docker build -f deploy/docker/gateway.Dockerfile .
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# Where packages come from is the builder's affair: its pip.conf is there while pip runs, and in no layer.
COPY requirements/gateway.lock requirements/build.lock requirements/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/qsubmit && /opt/qsubmit/bin/pip install --require-hashes -r requirements/gateway.lock
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY qsubmit qsubmit
COPY broker broker
COPY backends backends
COPY workers workers
RUN /opt/build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheel . \
    && /opt/qsubmit/bin/pip install --no-deps --no-index /wheel/*.whl

FROM ${PYTHON} AS gateway
RUN groupadd --system --gid 10001 qsubmit \
    && useradd --system --uid 10001 --gid 10001 --no-log-init --create-home --home-dir /var/lib/qsubmit qsubmit
COPY --from=build /opt/qsubmit /opt/qsubmit
COPY seeds /usr/share/qsubmit/seeds
ENV PATH=/opt/qsubmit/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 QSUBMIT_DATA=/var/lib/qsubmit
USER 10001:10001
WORKDIR /var/lib/qsubmit
VOLUME /var/lib/qsubmit
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["uvicorn", "--factory", "broker.bootstrap:gateway", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", \
     "--log-level", "warning", "--timeout-graceful-shutdown", "10", "--backlog", "4096", \
     "--http", "broker.api.connection:Connection"]
