FROM golang:1.26-bookworm AS builder

WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0.1.0
ARG REVISION
ARG BRANCH
ARG BUILD_DATE
RUN make build VERSION="$VERSION" REVISION="$REVISION" BRANCH="$BRANCH" BUILD_DATE="$BUILD_DATE"

FROM scratch

ARG VERSION=0.1.0
ARG REVISION
ARG BUILD_DATE
LABEL org.opencontainers.image.title="magento_migration_exporter" \
      org.opencontainers.image.description="Prometheus exporter that tracks whether a migration from Magento 1 to Magento 2 can start" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE"

COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /src/bin/magento_migration_exporter /bin/magento_migration_exporter
COPY LICENSE /LICENSE

USER 65532:65532
EXPOSE 10102
ENTRYPOINT ["/bin/magento_migration_exporter"]
CMD ["--config.file=/etc/magento_migration_exporter/config.yml"]
