# All images. From the folder of Package.swift:
#
#   for image in apusd ztunnel waypoint apus; do
#       docker build -f deploy/docker/apus.Dockerfile --target $image -t apus/$image:0.1.0 .
#   done

# A program built with OpenSSL 3.0 runs with 3.5: the library's interface is the same.
FROM swift:6.3-bookworm AS build
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift Package.resolved* ./
COPY Sources Sources
COPY Tests Tests
RUN mkdir /programs \
    && for product in ztunnel apusd apus apus-cni waypoint; do \
        swift build -c release --static-swift-stdlib --product "$product" \
        && cp ".build/release/$product" /programs/ || exit 1; \
    done \
    && strip /programs/*
# The plugin runs on the host, where no library of ours may be.
RUN ! readelf --dynamic /programs/apus-cni | grep NEEDED

FROM debian:trixie-slim AS root
COPY deploy/docker/make-root /make-root
RUN /make-root /image

FROM scratch AS base
COPY --from=root /image /

FROM base AS apusd
COPY --from=build /programs/apusd /usr/local/bin/
USER 1337:1337
EXPOSE 15012 15014
ENTRYPOINT ["/usr/local/bin/apusd"]

# It gets the capabilities that deploy/base/mesh/ztunnel.yaml names, and no more.
FROM base AS ztunnel
COPY --from=build /programs/ztunnel /usr/local/bin/
# It copies this one to its node, for the container runtime.
COPY --from=build /programs/apus-cni /usr/local/bin/
# For `kubectl exec daemonset/ztunnel -- apus status`.
COPY --from=build /programs/apus /usr/local/bin/
EXPOSE 15020 15021
ENTRYPOINT ["/usr/local/bin/ztunnel"]

FROM base AS waypoint
COPY --from=build /programs/waypoint /usr/local/bin/
USER 1337:1337
EXPOSE 15008 15020 15021
ENTRYPOINT ["/usr/local/bin/waypoint"]

FROM base AS apus
COPY --from=build /programs/apus /usr/local/bin/
USER 1337:1337
ENTRYPOINT ["/usr/local/bin/apus"]
