# slotsync's image: production requirements with their hashes, nothing of the demo's parts, no root.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/production.txt requirements/
RUN python -m venv /opt/slotsync \
    && /opt/slotsync/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/production.txt
COPY . .
RUN /opt/slotsync/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/slotsync slotsync
COPY --from=build /opt/slotsync /opt/slotsync
ENV PATH=/opt/slotsync/bin:$PATH PYTHONUNBUFFERED=1
USER slotsync
WORKDIR /var/lib/slotsync
# SIGTERM lets what is running end (at most 30 s): give the container longer than that to stop.
STOPSIGNAL SIGTERM
ENTRYPOINT ["slotsync"]
CMD ["worker"]
