# docker build -t avcues .
# docker run --rm -v "$PWD/videos:/data:ro" -v "$PWD/features:/features" -v avcues-models:/models avcues extract /data --out /features
FROM python:3.11-slim-bookworm

# Where torch wheels come from, for a CPU-only image; empty: the package index's own, with CUDA.
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1

WORKDIR /opt/avcues
COPY constraints.txt ./
RUN pip install --constraint constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch torchvision
COPY pyproject.toml README.md LICENSE ./
COPY extractors extractors
COPY pipeline pipeline
COPY models_cache models_cache
RUN pip install --constraint constraints.txt . \
 && useradd --create-home avcues \
 && mkdir -p /data /features /models \
 && chown avcues /features /models

ENV AVCUES_MODELS_DIR=/models XDG_CACHE_HOME=/tmp/cache
USER avcues
WORKDIR /features
ENTRYPOINT ["avcues"]
CMD ["--help"]
