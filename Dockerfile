# Builds the two programs, bit for bit the same for everyone: `ci/rebuild.sh` does it and compares with a release.
# The base image is pinned by digest; another one is given with --build-arg RUST=...
ARG RUST=docker.io/library/rust:1.95.0-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082
FROM ${RUST} AS build
# The image's toolchain as it is: otherwise rustup fetches the components that rust-toolchain.toml names.
ENV RUSTUP_TOOLCHAIN=1.95.0
# Any folder gives the same programs. Its name is one that no other path has in it: the builder's paths are looked for.
ARG FOLDER=/sources-of-this-image
WORKDIR ${FOLDER}
COPY . .
# The commit of these sources, which the programs name; git's folder is not here. It is written as cargo writes it into
# a package.
ARG COMMIT=
# 0 for a quick comparison; releases have 3.
ARG OPT_LEVEL=3
RUN printf '{"git":{"sha1":"%s"}}' "$COMMIT" >zk-ceremony/.cargo_vcs_info.json \
    && CARGO_TARGET_DIR=/tmp/target CARGO_PROFILE_DIST_OPT_LEVEL="$OPT_LEVEL" ci/dist.sh /out \
    && rm -r /tmp/target \
    && find /out -exec touch -h -d @0 {} +

FROM scratch
COPY --from=build /out /
