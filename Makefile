# SPDX-License-Identifier: GPL-2.0-only
#
# dm-overlaybd: the kernel module, the tool and the tests. "make help" lists
# the targets. Everything that is built goes to build/.

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 600
BENCH_ARGS ?=
TORTURE_POINTS ?= 10000

VERSION := 1.1.0
BUILD := build

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $@)

CC ?= gcc
CLANG ?= clang
CFLAGS ?= -O2 -g
WARN := -std=gnu11 -Wall -Wextra -Wno-sign-compare -Wno-unused-parameter
CPPFLAGS += -I. -DOVERLAYBD_VERSION='"$(VERSION)"'
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
# Only tar is wanted of libarchive: linked as a whole it brings two dozen libraries
# along (for XML, Unicode and C++, too), and the tool takes twice as long to start.
LIBARCHIVE := $(filter /%,$(shell $(CC) -print-file-name=libarchive.a))
LIBS := -ldevmapper -ljson-c -llz4 -lzstd -lz -luuid -lext2fs -lcom_err \
	$(or $(LIBARCHIVE),-larchive) -lisal -lm

# The files that the kernel module and user space share.
FORMAT := dm-overlaybd-lsmt.c dm-overlaybd-merge.c dm-overlaybd-map.c \
	  dm-overlaybd-log.c dm-overlaybd-zfile.c dm-overlaybd-tar.c \
	  dm-overlaybd-blob.c \
	  dm-overlaybd-gzip.c dm-overlaybd-gzip-stream.c
MODULE := $(wildcard dm-overlaybd-*.[ch]) Kbuild
HEADERS := $(wildcard *.h tools/*.h tests/unit/*.h tests/fuzz/*.h \
		      tests/model/*.h tests/crash/*.h)

TOOL := $(BUILD)/overlaybdsetup
TOOL_SRC := $(wildcard tools/*.c) $(FORMAT)
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/tool/%.o)

# What the programs of tests/crash share, and the programs.
CRASH_SRC := $(filter-out $(wildcard tests/crash/crash-*.c),$(wildcard tests/crash/*.c))
CRASH_OBJ := $(CRASH_SRC:%.c=$(BUILD)/tool/%.o)
CRASH := $(patsubst tests/crash/%.c,$(BUILD)/crash/%,$(wildcard tests/crash/crash-*.c))

# Everything of the tool but its main(), for the tests to call.
TEST_SRC := $(filter-out tools/main.c,$(TOOL_SRC)) \
	    $(filter-out $(wildcard tests/unit/test-*.c),$(wildcard tests/unit/*.c)) \
	    $(CRASH_SRC)
TEST_OBJ := $(TEST_SRC:%.c=$(BUILD)/asan/%.o)
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test-*.c))

MODEL := $(BUILD)/model-disk

FUZZ_SRC := $(FORMAT) tools/file.c tools/config.c tools/output.c \
	    tools/trace-file.c tools/upper.c tools/replay.c \
	    tools/gzip-index.c tools/names.c tools/progress.c \
	    tools/signals.c tools/holders.c tools/loop.c tools/store.c \
	    tests/fuzz/fixup.c tests/unit/blob-builder.c \
	    tests/unit/gzip-builder.c \
	    tests/unit/upper-model.c
FUZZ_OBJ := $(FUZZ_SRC:%.c=$(BUILD)/fuzz/%.o)
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz-*.c))

# On Debian root does not have them after su, but apt and modprobe need them.
export PATH := $(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY: $(CRASH_OBJ) $(CRASH:$(BUILD)/crash/%=$(BUILD)/tool/tests/crash/%.o)

## all: the tool, and the module for KDIR
all: tools module

## tools: build/overlaybdsetup
tools: $(TOOL)

## module: dm-overlaybd.ko for the running kernel, or for KDIR=
module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

## demo: make a layered image, map it (in a VM if need be), mount and read it
demo:
	scripts/install-deps --if-missing build test
	$(MAKE) tools
	scripts/demo

## check: install what is missing, pass all tests
check:
	scripts/install-deps --if-missing
	$(MAKE) tools unit torture-tools model fuzzers
	scripts/check

## unit: build the unit tests, with ASan and UBSan
unit: $(UNIT)

## torture-tools: build the programs that crash disks and judge them
torture-tools: $(CRASH)

## fuzzers: build the fuzzers
fuzzers: $(FUZZ)

## model: build the model of a writable disk, for the functional tests
model: $(MODEL)

## fuzz: run every fuzzer for FUZZ_SECONDS
fuzz: fuzzers
	tests/fuzz/run --seconds $(FUZZ_SECONDS)

## torture: crash the disk of writable layers after every flush, and at random
torture:
	scripts/install-deps --if-missing build test
	$(MAKE) tools torture-tools
	TORTURE_POINTS=$(TORTURE_POINTS) tests/crash/torture

## bench: measure against the alternatives; BENCH_ARGS= for tests/bench/run
bench:
	scripts/install-deps --if-missing build test bench
	$(MAKE) tools
	tests/bench/run $(BENCH_ARGS)

## style: checkpatch, sparse, W=1, shellcheck
style:
	scripts/style

## install: the tool and its manual page below PREFIX, the module for KDIR
install: tools module
	install -D -m 755 $(TOOL) $(DESTDIR)$(PREFIX)/sbin/overlaybdsetup
	install -D -m 644 Documentation/overlaybdsetup.8 \
		$(DESTDIR)$(PREFIX)/share/man/man8/overlaybdsetup.8
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) \
		modules_install

## dkms-install: hand the module to DKMS, which builds it for every kernel
dkms-install:
	install -d $(DESTDIR)/usr/src/dm-overlaybd-$(VERSION)
	install -m 644 $(MODULE) $(DESTDIR)/usr/src/dm-overlaybd-$(VERSION)
	sed 's/@VERSION@/$(VERSION)/' scripts/dkms.conf.in > \
		$(DESTDIR)/usr/src/dm-overlaybd-$(VERSION)/dkms.conf
	$(if $(DESTDIR),,dkms install dm-overlaybd/$(VERSION))

## clean: remove what was built in the tree, not the cache of kernels
clean:
	rm -rf $(BUILD)
	rm -f *.o *.ko *.mod *.mod.c .*.cmd Module.symvers modules.order

## help: this
help:
	@echo "Targets:"
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  \1	\2/p' Makefile | expand -t 16

$(TOOL): $(TOOL_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -pthread $^ $(LDFLAGS) $(LIBS) -o $@

$(MODEL): $(wildcard tests/model/*.c) $(HEADERS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -pthread $(filter %.c,$^) -o $@

$(BUILD)/tool/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -pthread -c $< -o $@

$(BUILD)/crash/%: $(BUILD)/tool/tests/crash/%.o $(CRASH_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) -pthread $^ $(LDFLAGS) -ldevmapper -lisal -o $@

$(BUILD)/asan/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(WARN) $(SANITIZE) -pthread -c $< -o $@

$(BUILD)/asan.a: $(TEST_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/asan.a $(HEADERS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(WARN) $(SANITIZE) -pthread $< $(BUILD)/asan.a \
		$(LIBS) -lcmocka -o $@

# Contains a file of the kernel's.
$(BUILD)/unit/test-upper-map: dm-overlaybd-upper-map.c

$(BUILD)/fuzz.a: $(FUZZ_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/fuzz/fuzz-%: tests/fuzz/fuzz-%.c $(BUILD)/fuzz.a $(HEADERS)
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(CPPFLAGS) $(WARN) $(SANITIZE) -fsanitize=fuzzer $< \
		$(BUILD)/fuzz.a $(LIBS) -o $@

$(BUILD)/fuzz/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(CPPFLAGS) $(WARN) $(SANITIZE) -fsanitize=fuzzer-no-link \
		-c $< -o $@

.PHONY: all tools module demo check unit torture-tools fuzzers model fuzz \
	torture bench style install dkms-install clean help
