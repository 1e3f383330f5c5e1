# slotsync's image: production requirements with their hashes, nothing of the demo's parts, no root, nothing to write.
# By digest, so that a build is the same tomorrow; docs/operations.md#images says how to take a newer one.
ARG PYTHON=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON} AS build
WORKDIR /src
COPY requirements/production.txt requirements/
RUN python -m venv /opt/slotsync \
    && /opt/slotsync/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/production.txt
COPY . .
RUN /opt/slotsync/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM ${PYTHON}
RUN useradd --system --uid 10001 --user-group --create-home --home-dir /var/lib/slotsync slotsync
COPY --from=build /opt/slotsync /opt/slotsync
ENV PATH=/opt/slotsync/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/slotsync
# SIGTERM lets what is running end (at most 30 s): give the container longer than that to stop.
STOPSIGNAL SIGTERM
ENTRYPOINT ["slotsync"]
CMD ["worker"]
