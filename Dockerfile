# One image for every role: the service, a Ray node, a plain RQ worker. The command decides.
# To build the very same base every time, pin it by digest:
#   docker build --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:… .
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS builder
ENV UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    VIRTUAL_ENV=/opt/venv
RUN pip install --no-cache-dir uv==0.13.9 hatchling==1.33.0 \
    && uv venv --python /usr/local/bin/python3.12 /opt/venv
WORKDIR /src
# Packages come before our own files, so that a change of ours does not install them again.
COPY requirements.lock ./
RUN uv pip sync --require-hashes --compile-bytecode requirements.lock
# Debian's ffmpeg 5.1 cannot read from an inherited descriptor (fd:), which guarded decoding needs. The ffmpeg that the
# imageio-ffmpeg wheel carries can, so it is the ffmpeg of the image, and FFMPEG_BIN=ffmpeg means it.
RUN ln -s "$(/opt/venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')" /opt/venv/bin/ffmpeg
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY cluster ./cluster
COPY tasks ./tasks
COPY serve_app ./serve_app
RUN hatchling build -t wheel -d /wheels \
    && uv pip install --no-deps --compile-bytecode /wheels/*.whl

FROM ${PYTHON_IMAGE} AS runtime
# Debian removes old versions from its archive, so pinning them would break the build instead of keeping it the same.
# Login shells begin with a PATH of their own; the profile puts ours back.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsndfile1 tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 vibecraft \
    && useradd --uid 10001 --gid 10001 --create-home vibecraft \
    && install --directory --owner=10001 --group=10001 /data /cache \
    && echo "export PATH=/opt/venv/bin:\$PATH" > /etc/profile.d/vibecraft.sh
COPY --from=builder /opt/venv /opt/venv
COPY deploy/head.py deploy/healthcheck.py deploy/bucket.py /opt/vibecraft/
# What cluster/environment.py sets for our own processes holds for `ray start` by the RAY_ lines.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/home/vibecraft \
    XDG_CACHE_HOME=/tmp/.cache \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    API_HOST=0.0.0.0 \
    FFMPEG_BIN=ffmpeg \
    RQ_WORKER_CLASS=tasks.rq_worker.GuardedWorker \
    RQ_JOB_CLASS=tasks.rq_worker.GuardedJob \
    VC_DATA_DIR=/data \
    RAY_USAGE_STATS_ENABLED=0 \
    RAY_ENABLE_UV_RUN_RUNTIME_ENV=0 \
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0 \
    RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S=1 \
    RAY_raylet_start_wait_time_s=150 \
    RAY_task_oom_retries=0
# A volume belongs at /data. There is no VOLUME line: some builders refuse it, and a forgotten anonymous volume helps nobody.
# Relative paths in settings (LIBROSA_CACHE_DIR=.cache/librosa) lie on that volume too.
WORKDIR /data
USER 10001:10001
# The build ends here if the image's ffmpeg cannot do what decoding needs.
RUN python -c "from tasks.media.ffmpeg import locate; print(locate('ffmpeg'))"
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=180s --retries=3 CMD ["python", "/opt/vibecraft/healthcheck.py"]
ENTRYPOINT ["tini", "--"]
CMD ["vibecraft", "up"]

# For `ray up` only (docker build --target cluster): Ray's launcher copies files into containers with rsync, reaches other
# machines by ssh, and both have to be in the image. It does so as the machines' first user, whose number is 1000.
FROM runtime AS cluster
USER 0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends openssh-client rsync \
    && rm -rf /var/lib/apt/lists/* \
    && groupmod --gid 1000 vibecraft \
    && usermod --uid 1000 vibecraft \
    && chown -R 1000:1000 /data /cache
USER 1000:1000

# What `docker build` makes when no target is named.
FROM runtime AS service
