# The server in a container (docs/serve.md):
#   docker build -t dacl-mm .
#   docker run --rm -p 127.0.0.1:8000:8000 dacl-mm
FROM python:3.11-slim

# What OpenCV's wheel leaves to the system.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 HOME=/tmp MPLCONFIGDIR=/tmp

# An index of wheels without CUDA makes the image gigabytes smaller: --build-arg PIP_EXTRA_INDEX_URL=...
ARG PIP_EXTRA_INDEX_URL
WORKDIR /build
COPY constraints.txt setup.cfg pyproject.toml MANIFEST.in README.md LICENSE ./
COPY configs configs
COPY dacl_mm dacl_mm
RUN pip install --constraint constraints.txt '.[inference,serve]' && rm -rf /build

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fer
USER fer
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
# Everything may connect to the container itself; docker run -p says who else.
ENTRYPOINT ["dacl-mm", "serve", "--host", "0.0.0.0"]
