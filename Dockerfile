# One file for every image. A room carries its own requirements and code only:
#   docker build --build-arg ROOM=feed --target room -t sinyal-feed .
#   docker build --target tools -t sinyal-tools .          (every verb of `sinyal`, and the simulators)
ARG PYTHON=3.13-slim
FROM python:${PYTHON} AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:$PATH

FROM base AS build
ARG ROOM=tools
COPY requirements/${ROOM}.txt /tmp/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r /tmp/requirements.txt

FROM base AS ready
ARG ROOM=tools
RUN if [ "$ROOM" = charts ]; then \
      apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-roboto-unhinted >/dev/null \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
 && if [ "$ROOM" = tools ]; then \
      apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-client >/dev/null \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
 && groupadd --gid 10001 sinyal && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp sinyal
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY contracts contracts
COPY chassis chassis
USER 10001:10001

FROM ready AS room
ARG ROOM
COPY services/__init__.py services/__init__.py
COPY services/${ROOM} services/${ROOM}
ENV ROOM=${ROOM}
ENTRYPOINT ["/bin/sh", "-c", "exec python3 -m services.$ROOM"]

FROM ready AS tools
COPY services services
COPY research research
COPY sandbox sandbox
COPY cli cli
ENTRYPOINT ["python3", "-m", "cli"]
CMD ["--help"]
