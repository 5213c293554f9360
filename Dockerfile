# One image for web, worker and release: `docker build --tag rest-angular .`
#
#   docker run --env-file .env rest-angular python -m migrations
#   docker run --env-file .env --publish 8000:8000 rest-angular
#   docker run --env-file .env rest-angular python -m worker

FROM node:24-bookworm-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web/ ./
RUN npm run build

FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --require-hashes --only-binary :all: --requirement requirements.txt && rm requirements.txt
COPY api/ api/
COPY sql/ sql/
COPY worker/ worker/
COPY migrations/ migrations/
COPY --from=web /web/dist/ web/dist/
RUN /venv/bin/python -m compileall -q /venv /app

FROM python:3.13-slim-bookworm
# Any other uid works too, also with a read-only file system: nothing is written.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin app
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
# `docker build --build-arg GIT_REV=$(git rev-parse --short HEAD)` sets the version shown by /api/health.
ARG GIT_REV=
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 GIT_REV=$GIT_REV
USER 10001
EXPOSE 8000
CMD ["python", "-m", "api"]
