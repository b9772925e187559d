# FER Explorer as a server for visitors. See docs/guides/deploy.md.
#   docker build -t fer-explorer . && docker run -p 8501:8501 -v fer:/data --memory 1g fer-explorer
# For your own use, free of limits: add -e FER_HOSTED=0.
FROM python:3.12-slim

WORKDIR /app
COPY requirements.txt ./
# What the wheels need of the system (libc, libstdc++, libgcc, zlib) is in the slim image: tests/hosting/test_docker.py looks.
# TensorFlow's headers (290 MB) and the packages' own tests (130 MB) serve nobody here.
RUN pip install --no-cache-dir -r requirements.txt \
 && cd "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
 && rm -rf tensorflow/include pyarrow/include \
 && find pandas scipy sklearn pyarrow -type d -name tests -prune -exec rm -rf {} +

COPY streamlit_app.py ./
COPY .streamlit/config.toml .streamlit/
COPY models models
COPY fer_core fer_core
COPY pages pages
RUN python -m compileall -q fer_core pages \
 && useradd --system --uid 10001 --create-home --home-dir /home/fer fer \
 && mkdir /data && chown fer /data

USER fer
# Everything that is written goes to /data: make it a volume to keep it.
ENV FER_HOSTED=1 \
    FER_LOG=json \
    FER_DATA_DIR=/data/data \
    FER_RUNS_DIR=/data/runs \
    FER_MODELS_DIR=/data/models \
    FER_EXPLORER_HOME=/data/records \
    FER_EXPLORER_CACHE=/data/cache \
    STREAMLIT_CLIENT_TOOLBAR_MODE=viewer \
    MALLOC_ARENA_MAX=2 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as u; b = os.environ.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/'); u.urlopen('http://localhost:8501' + ('/' + b if b else '') + '/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", "--server.fileWatcherType=none"]
