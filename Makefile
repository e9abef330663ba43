# What a newcomer types. Everything here works on a fresh Debian 12 or 13 (or Ubuntu) with a Swift 6.3 toolchain.
.PHONY: help prepare build demo test bench fuzz clean

help:
	@echo "make demo    builds, then shows two nodes of pods joining a mesh, and a waypoint (KEEP=1 leaves it running)"
	@echo "make test    builds, then runs every test (needs root or sudo: tests use the kernel for real)"
	@echo "make bench   measures against Envoy; see docs/performance.md"
	@echo "make fuzz    runs the fuzzers, MINUTES=10 each"
	@echo "make build   builds the five programs in release mode into .build/release"

prepare:
	@tools/prepare

build: prepare
	swift build -c release --static-swift-stdlib --product ztunnel
	swift build -c release --static-swift-stdlib --product apusd
	swift build -c release --static-swift-stdlib --product apus
	swift build -c release --static-swift-stdlib --product apus-cni
	swift build -c release --static-swift-stdlib --product waypoint

demo: build
	@tools/as-root tools/demo/demo

test: prepare
	@tools/test

bench: build
	@tools/setup-test-peers
	@tools/as-root bench/run
	@tools/as-root bench/waypoint

fuzz: prepare
	@tools/fuzz

clean:
	rm -rf .build
