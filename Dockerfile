# The command centre in two images: `app` runs every program of the Procfile but nginx, `nginx` stands in front.
#   docker compose build
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim
ARG NGINX_IMAGE=nginx:1.28-bookworm

# Front-end packages: no script of theirs is run.
FROM ${NODE_IMAGE} AS front
WORKDIR /front
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit

# Python packages, compared with the hashes of requirements.txt.
FROM ${PYTHON_IMAGE} AS packages
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

# Compiled translations and static files under their hashed names.
FROM ${PYTHON_IMAGE} AS built
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN apt-get update && apt-get install -y --no-install-recommends gettext && rm -rf /var/lib/apt/lists/*
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /app
COPY . .
COPY --from=front /front/node_modules node_modules
RUN scripts/assets.py && scripts/messages && rm -rf node_modules
# Settings want an answer to each question; none of these is kept, and nothing is asked of a server.
RUN SECRET_KEY=unused HISTORY_SIGNING_KEY=unused DATABASE_URL=postgis://unused/unused REDIS_URL=redis://unused \
    STATIC_ROOT=/srv/static python manage.py collectstatic --noinput --verbosity 0

FROM ${PYTHON_IMAGE} AS app
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk libexpat1 postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 citymgmt \
    && useradd --uid 10001 --gid citymgmt --no-create-home --shell /usr/sbin/nologin citymgmt \
    && install -d -o citymgmt -g citymgmt -m 0750 /run/citymgmt /srv/media /srv/anchors
COPY --from=packages /venv /venv
COPY --from=built /app /app
COPY --from=built /srv/static /srv/static
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    RUN=/run/citymgmt STATIC_ROOT=/srv/static MEDIA_ROOT=/srv/media ANCHOR_DIR=/srv/anchors X_ACCEL_PREFIX=/.media/
USER citymgmt
ENTRYPOINT ["scripts/program"]
CMD ["web"]

FROM ${NGINX_IMAGE} AS nginx
WORKDIR /app
COPY --from=built /srv/static /srv/static
COPY Procfile ./
COPY scripts/nginx_config scripts/nginx.conf scripts/program scripts/
RUN groupadd --gid 10001 citymgmt \
    && useradd --uid 10001 --gid citymgmt --no-create-home --shell /usr/sbin/nologin citymgmt \
    && install -d -o citymgmt -g citymgmt -m 0750 /run/citymgmt /srv/media
ENV RUN=/run/citymgmt STATIC_ROOT=/srv/static MEDIA_ROOT=/srv/media X_ACCEL_PREFIX=/.media/ LISTEN=0.0.0.0:8443
USER citymgmt
ENTRYPOINT ["/bin/bash", "-c", "scripts/nginx_config && exec scripts/program nginx"]
