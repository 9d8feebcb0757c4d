# syntax=docker/dockerfile:1
# leakreport and what it needs, for systems of CI that run images: docs/ci/docker.md.
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY leakreport leakreport
COPY templates templates
COPY docs/messages.md docs/check.md docs/suppressions.md docs/
COPY docs/man docs/man
RUN python -m venv --without-pip /opt/leakreport \
 && python -m pip --python /opt/leakreport --no-cache-dir --disable-pip-version-check install .

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="leakreport" \
      org.opencontainers.image.description="Reads native-memory profiles and says what leaks and who is responsible." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/leakreport /opt/leakreport
ENV PATH=/opt/leakreport/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 65534:65534
WORKDIR /profiles
ENTRYPOINT ["leakreport"]
CMD ["--help"]
