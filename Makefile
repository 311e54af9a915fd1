# SPDX-License-Identifier: Apache-2.0
# nodekiln. New users need two commands, `make image` and `make test`; each installs the packages that it needs with apt.
#
#	make              the programs, into out/
#	make image        set-up, the programs, and the default recipe's image, into out/
#	make check        the quick tests (under 3 minutes); make test: set-up and everything
#	make test-matrix  the slower tests: Docker, Debian 13, clusters of containers, power failures; MINUTES=N: those that fit
#	make lint         formatting, layers, gcc and clang without a warning
#	make bench        nodekiln against other builders, its guests against plain ones, the agent, uploads; fills docs/performance.md
#	make install      PREFIX=/usr/local DESTDIR=
#	make man          man/, completions/ and the tables of the documents, from the program's own tables
#	make coverage     the lines that the quick tests cover, per folder
#	make fuzz-all     every fuzz target under libFuzzer, together MINUTES=60; what it finds is in out/fuzz/found
#	ASAN=1            everything with AddressSanitizer and UndefinedBehaviorSanitizer, into out/asan/
#	V=1               shows the commands

VERSION := 0.1.0
RECIPE ?= debian-13
PREFIX ?= /usr/local
CC = gcc
CLANG ?= clang

# Debian packages that the host needs. `nodekiln doctor` checks those of run time too.
BUILD_PACKAGES := gcc libc6-dev make pkg-config libarchive-dev libblkid-dev libmount-dev libfdisk-dev libcurl4-openssl-dev \
	libyaml-dev libjson-c-dev libext2fs-dev libzstd-dev zlib1g-dev libssl-dev libseccomp-dev
RUN_PACKAGES := apt gpgv ca-certificates debian-archive-keyring dosfstools mtools e2fsprogs uidmap
BOOT_PACKAGES := genisoimage cloud-image-utils qemu-system-x86 qemu-utils ovmf
TEST_PACKAGES := openssl libcap2-bin clang clang-format libclang-rt-dev python3 mmdebstrap qemu-utils lxc iproute2 gnupg procps openssh-client file zstd man-db groff-base zsh fish

LIBS := libseccomp libarchive blkid mount fdisk libcurl yaml-0.1 json-c ext2fs com_err libzstd zlib libssl libcrypto
AGENT_LIBS := libcurl yaml-0.1 json-c libssl libcrypto blkid

O := $(if $(FUZZ),out/fuzz,$(if $(ASAN),out/asan,$(if $(GCOV),out/coverage,out)))
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DNODEKILN_VERSION='"$(VERSION)"' -DNODEKILN_PREFIX='"$(PREFIX)"'
HARDENING := -fstack-protector-strong -fPIE $(if $(ASAN)$(GCOV)$(FUZZ),,-D_FORTIFY_SOURCE=2)
comma := ,
SANITIZERS := $(if $(FUZZ),-fsanitize=fuzzer-no-link$(comma)address$(comma)undefined -fno-sanitize-recover=undefined)$(if $(ASAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
CFLAGS ?= $(if $(GCOV),-O0 --coverage -DCOVERAGE_OBJECTS='"$(CURDIR)/$(O)/obj"',$(if $(ASAN),-O1,-O2)) -g
ALL_CFLAGS = -std=gnu17 $(WARNINGS) $(HARDENING) $(SANITIZERS) $(CFLAGS) -MMD -MP -pthread
ALL_LDFLAGS = $(SANITIZERS) $(if $(GCOV),--coverage) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) -pthread
LIBS_CFLAGS = $(eval LIBS_CFLAGS := $(shell pkg-config --cflags $(LIBS)))$(LIBS_CFLAGS)
LIBS_LDLIBS = $(eval LIBS_LDLIBS := $(shell pkg-config --libs $(LIBS)))$(LIBS_LDLIBS)
AGENT_LDLIBS = $(eval AGENT_LDLIBS := $(shell pkg-config --libs $(AGENT_LIBS)))$(AGENT_LDLIBS)

objects = $(patsubst %.c,$(O)/obj/%.o,$(1))
# What is on Mbed TLS is only in the agents of images: see builder/toolchain/toolchain_agent.c.
LIB_SOURCES := $(filter-out %_mbedtls.c,$(wildcard lib/*.c))
LIB_OBJECTS := $(call objects,$(LIB_SOURCES))
BUILDER_OBJECTS := $(call objects,$(filter-out builder/cmd/main.c,$(wildcard builder/*/*.c)))
AGENT_OBJECTS := $(call objects,$(filter-out agent/main.c,$(wildcard agent/*.c)))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ_TESTS := $(patsubst tests/fuzz/%.c,$(O)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
ARCHIVE := $(O)/libnodekiln.a
AGENT_ARCHIVE := $(O)/libagent.a

Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)")
# Counts what children run that end with _exit(2).
COVERAGE_EXIT := $(if $(GCOV),$(O)/obj/tests/unit/coverage_exit.o)
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)

all: $(O)/nodekiln $(O)/nodekiln-agent

$(O)/nodekiln: $(O)/obj/builder/cmd/main.o $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_LDLIBS)

$(O)/nodekiln-agent: $(O)/obj/agent/main.o $(AGENT_ARCHIVE) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(AGENT_LDLIBS)

$(AGENT_ARCHIVE): $(AGENT_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(ARCHIVE): $(LIB_OBJECTS) $(BUILDER_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LIBS_CFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(O)/tests/test_%: $(O)/obj/tests/unit/test_%.o $(COVERAGE_EXIT) $(AGENT_ARCHIVE) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_LDLIBS)

$(O)/tests/fuzz_%: $(O)/obj/tests/fuzz/fuzz_%.o $(O)/obj/tests/fuzz/corpus.o $(AGENT_ARCHIVE) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_LDLIBS)

tests: $(UNIT_TESTS) $(FUZZ_TESTS)

# libFuzzer. FUZZ=1: the objects are compiled once for all targets, by clang.
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,$(O)/fuzzers/%,$(wildcard tests/fuzz/fuzz_*.c))

$(O)/fuzzers/%: $(O)/obj/tests/fuzz/fuzz_%.o $(AGENT_ARCHIVE) $(ARCHIVE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(subst fuzzer-no-link,fuzzer,$(ALL_LDFLAGS)) -o $@ $^ $(LIBS_LDLIBS)

fuzzers: $(FUZZERS)

# One target: make fuzz TARGET=recipe SECONDS=60
fuzz: TARGET ?= recipe
fuzz: SECONDS ?= 60
fuzz:
	$(Q)$(MAKE) --no-print-directory FUZZ=1 CC="$(CLANG)" -j$$(nproc) out/fuzz/fuzzers/$(TARGET)
	$(Q)mkdir -p out/fuzz/corpus/$(TARGET)
	out/fuzz/fuzzers/$(TARGET) -max_total_time=$(SECONDS) out/fuzz/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)

fuzz-all: MINUTES ?= 60
fuzz-all:
	$(Q)$(MAKE) --no-print-directory FUZZ=1 CC="$(CLANG)" -j$$(nproc) fuzzers
	$(Q)tests/fuzz/all $(MINUTES)

# Installs those of PACKAGES that are missing.
setup:
	$(Q)SUDO="$(SUDO)" builder/host/install-packages $(PACKAGES)

image:
	$(Q)$(MAKE) --no-print-directory setup PACKAGES="$(BUILD_PACKAGES) $(RUN_PACKAGES)"
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(SUDO) out/nodekiln build $(RECIPE) --out out

check: all tests
	$(Q)$(MAKE) --no-print-directory ASAN=1 all tests
	$(Q)tests/run quick

coverage:
	$(Q)$(MAKE) --no-print-directory GCOV=1 tests
	$(Q)tests/coverage --run

test:
	$(Q)$(MAKE) --no-print-directory setup PACKAGES="$(BUILD_PACKAGES) $(RUN_PACKAGES) $(BOOT_PACKAGES) $(TEST_PACKAGES)"
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all tests
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) ASAN=1 all tests
	$(Q)$(SUDO) tests/run all

test-matrix:
	$(Q)$(MAKE) --no-print-directory setup PACKAGES="$(BUILD_PACKAGES) $(RUN_PACKAGES) $(BOOT_PACKAGES) $(TEST_PACKAGES)"
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)$(SUDO) tests/run matrix $(if $(MINUTES),--minutes $(MINUTES))

lint: layers words
	$(Q)$(MAKE) --no-print-directory setup PACKAGES="$(BUILD_PACKAGES) $(TEST_PACKAGES)"
	$(Q)clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all tests
	$(Q)for f in $$(git ls-files 'lib/*.c' 'builder/*.c' 'agent/*.c' ':!lib/*_mbedtls.c'); do \
		$(CLANG) $(CPPFLAGS) $(LIBS_CFLAGS) -std=gnu17 -Wall -Wextra -Werror -fsyntax-only $$f || exit 1; done
	@echo "lint: clean"

layers: all
	$(Q)tests/layers

words:
	$(Q)tests/words

man: all
	$(Q)tests/manual --write

bench:
	$(Q)$(MAKE) --no-print-directory setup PACKAGES="$(BUILD_PACKAGES) $(RUN_PACKAGES) $(BOOT_PACKAGES) mmdebstrap python3 curl openssl openssh-client zstd lxc iproute2"
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)failed=; for bench in bench trust components guest agent upload ready; do $(SUDO) tests/bench/$$bench || failed="$$failed $$bench"; done; \
	[ -z "$$failed" ] || { echo "bench: goals missed or failed:$$failed"; exit 1; }

install: all
	install -Dm755 out/nodekiln $(DESTDIR)$(PREFIX)/bin/nodekiln
	for page in man/*; do install -Dm644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; done
	install -Dm644 completions/nodekiln.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nodekiln
	install -Dm644 completions/_nodekiln $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_nodekiln
	install -Dm644 completions/nodekiln.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/nodekiln.fish
	for d in recipes rootfs-overlays agent lib; do \
		mkdir -p $(DESTDIR)$(PREFIX)/share/nodekiln/$$d && cp -a $$d/. $(DESTDIR)$(PREFIX)/share/nodekiln/$$d/; done

clean:
	rm -rf out

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)

.PHONY: all tests fuzz fuzzers fuzz-all setup image check coverage test test-matrix lint layers words man bench install clean
.SECONDARY:
