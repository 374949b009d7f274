# A worker for one backend: docker build -f deploy/docker/worker.Dockerfile --build-arg BACKEND=pasqal .
# BACKEND is local, braket, pasqal or quandela; each has its own lock, so that no two SDKs must agree.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ARG BACKEND=local
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# Where packages come from is the builder's affair: its pip.conf is there while pip runs, and in no layer.
COPY requirements/worker-${BACKEND}.lock requirements/build.lock requirements/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/qsubmit && /opt/qsubmit/bin/pip install --require-hashes -r requirements/worker-${BACKEND}.lock
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY qsubmit qsubmit
COPY broker broker
COPY backends backends
COPY workers workers
RUN /opt/build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheel . \
    && /opt/qsubmit/bin/pip install --no-deps --no-index /wheel/*.whl

FROM ${PYTHON} AS worker
ARG BACKEND=local
RUN groupadd --system --gid 10001 qsubmit \
    && useradd --system --uid 10001 --gid 10001 --no-log-init --create-home --home-dir /var/lib/qsubmit qsubmit
COPY --from=build /opt/qsubmit /opt/qsubmit
ENV PATH=/opt/qsubmit/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 QSUBMIT_DATA=/var/lib/qsubmit \
    QSUBMIT_BACKENDS=${BACKEND} XDG_CACHE_HOME=/tmp/cache
USER 10001:10001
WORKDIR /var/lib/qsubmit
VOLUME /var/lib/qsubmit
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=15s --start-period=90s --retries=3 CMD ["python", "-m", "workers.alive", "scan"]
CMD ["python", "-m", "workers.scan"]
