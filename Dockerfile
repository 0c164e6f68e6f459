# evolinstruct in a container, as a user without rights; runs lie in the volume /runs.
#
#   docker build -t evolinstruct .
#   docker run --rm -v "$PWD:/runs" -e OPENAI_API_KEY evolinstruct evolve starter -o run --model NAME
#
# With a folder of one's own in the place of the volume, --user "$(id -u):$(id -g)" makes the files
# one's own. Extras: docker build --build-arg EXTRAS=parquet,excel,view .

FROM python:3.13-slim AS build
ARG EXTRAS=""
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY evolinstruct evolinstruct
COPY prompts prompts
COPY seeds seeds
RUN pip install --no-cache-dir --no-compile --prefix /installed ".${EXTRAS:+[$EXTRAS]}"

FROM python:3.13-slim
COPY --from=build /installed /usr/local
RUN useradd --uid 1000 --create-home runner && install --directory --owner runner /runs
ENV PYTHONUNBUFFERED=1
USER 1000
WORKDIR /runs
VOLUME /runs
ENTRYPOINT ["evolinstruct"]
CMD ["--help"]
