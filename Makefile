# The short way into Sightline. Meson does the building, in build/; `make help` lists what there is.
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := build

.PHONY: all demo test bench bench-live check fuzz install format clean help
.NOTPARALLEL:

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) product

$(BUILD)/build.ninja:
	@tools/setup --check build
	@meson setup --prefix "$(PREFIX)" $(BUILD)

demo:
	@tools/setup build demo
	@tools/demo

test:
	@tools/setup build test
	@tools/run-tests

bench:
	@tools/setup build test
	@$(MAKE) --no-print-directory all
	@bench/run

bench-live:
	@tools/setup build test bench-live
	@$(MAKE) --no-print-directory all
	@bench/live $(ARGUMENTS)

check:
	@tools/setup build test check
	@tools/check

fuzz:
	@tools/setup build check
	@tools/fuzz

install: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dprefix="$(PREFIX)"
	@ninja -C $(BUILD) product
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

format:
	@tools/format

clean:
	@rm -rf $(BUILD) build-*

help:
	@echo 'make           build the command, build/sightline, and the library, build/libsightline.so'
	@echo 'make demo      a camera and a viewer on this machine, through SSH, for ten seconds'
	@echo 'make test      every test, sanitizers included'
	@echo 'make bench     the limits of this machine, and how near Sightline comes to them'
	@echo 'make bench-live how fresh pictures stay on slow, unsteady and far links (ARGUMENTS=...)'
	@echo 'make check     formatting, warnings, layers, symbols, headers, shape'
	@echo 'make fuzz      each fuzz target for a while (SECONDS_EACH=60)'
	@echo 'make install   into PREFIX (/usr/local), below DESTDIR if that is set'
	@echo 'make format    lay the sources out with clang-format'
	@echo 'make clean     remove what was built'
