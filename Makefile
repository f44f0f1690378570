# SPDX-License-Identifier: MIT
#
# make                build build/hostel (configures first if need be)
# make run            boot a Debian kernel to a shell on this terminal
# make check          build everything and run all fast tests
# make check-asan     the same under AddressSanitizer and UBSan, in build/asan
# make check-clang    the same built by clang, in build/clang
# make check-guests   boot stock kernels
# make check-kvm      the guest programs on KVM
# make fuzz           every tests/fuzz/fuzz_*.c for a fixed count
# make bench          compare the speed with the peers
# make bench-exits    the cost of a KVM exit beside the smallest KVM_RUN loop
# make install        prefix=, DESTDIR=
#
# BUILD=DIR uses another build directory; CONFIGURE=... gives configure options for it. All
# processors are used unless -j says otherwise; V=1 shows the commands.

all:

ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
Q = $(if $(V),,@)
say = @$(if $(V),:,printf '  %-4s %s\n')
BUILD ?= build
CONFIGURE ?=
GUEST = build/guest

# ---- Packages and configuration -------------------------------------------------------
# `make run` and `make check` install what is missing; plain `make` only says what it is.

PACKAGES =
ifneq ($(filter run guest,$(MAKECMDGOALS)),)
PACKAGES = build/packages.run
endif
ifneq ($(filter check check-% tests fuzz,$(MAKECMDGOALS)),)
PACKAGES = build/packages.check
endif

build/packages.%: scripts/setup-packages
	@mkdir -p build
	@scripts/setup-packages $*
	@touch $@

$(BUILD)/config.mk: configure $(PACKAGES)
	@CFLAGS='$(EXTRA_CFLAGS)' LDFLAGS='$(EXTRA_LDFLAGS)' \
		./configure --builddir=$(BUILD) $(or $(CONFIGURE_ARGS),$(CONFIGURE))
$(BUILD)/config.h $(BUILD)/config.flags: $(BUILD)/config.mk ;

ifneq ($(filter-out clean distclean,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/config.mk
endif

# ---- Hostel ---------------------------------------------------------------------------

DIRS = util core target/x86 accel accel/tcg-interp accel/kvm accel/compare hw $(wildcard hw/*) \
       backend block audio net chardev migration monitor ui
SRCS = $(filter-out main.c,$(wildcard *.c)) $(wildcard $(addsuffix /*.c,$(DIRS)))
ifneq ($(HAVE_SDL),yes)
SRCS := $(filter-out ui/sdl% audio/sdl%,$(SRCS))
endif
ifneq ($(HAVE_NBD),yes)
SRCS := $(filter-out block/nbd.c,$(SRCS))
endif
OBJS = $(SRCS:%.c=$(BUILD)/%.o)

WARN = -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wno-unused-parameter \
       -Wno-missing-field-initializers
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE= $(CFLAGS) -fno-strict-aliasing $(WARN) -I. -I$(BUILD) \
             $(CONFIG_CFLAGS) -MMD -MP

all: $(BUILD)/hostel

# An indirect jump inside a handler is mispredicted as often as the jump to the next one.
CFLAGS_fast_alu = -fno-jump-tables
CFLAGS_fast_jcc = -fno-jump-tables
CFLAGS_fast_misc = -fno-jump-tables

$(BUILD)/%.o: %.c $(BUILD)/config.flags
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_$(basename $(notdir $<))) -c -o $@ $<

$(BUILD)/libhostel.a: $(OBJS)
	@rm -f $@
	$(say) AR $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/hostel: $(BUILD)/main.o $(BUILD)/libhostel.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CONFIG_LIBS)

# ---- Tests ----------------------------------------------------------------------------
# One Check program per tests/{unit,device,insn}/test_*.c. LIBS_test_NAME: more libraries;
# SRCS_test_NAME: more sources.

TEST_SRCS = $(wildcard tests/unit/test_*.c tests/device/test_*.c tests/insn/test_*.c \
                       tests/lockstep/test_*.c)
ifneq ($(HAVE_ZYDIS),yes)
TEST_SRCS := $(filter-out %_zydis.c,$(TEST_SRCS))
endif
ORACLE = tests/insn/oracle_gen.c tests/insn/oracle_native.c tests/insn/oracle_cmp.c
SRCS_test_oracle = $(ORACLE) tests/insn/oracle_cpu.c
SRCS_test_oracle_seq = $(ORACLE) tests/insn/oracle_seq.c tests/insn/oracle_engine.c
$(BUILD)/tests/insn/test_oracle: $(SRCS_test_oracle) tests/insn/oracle.h
$(BUILD)/tests/insn/test_oracle_seq: $(SRCS_test_oracle_seq) tests/insn/oracle.h
LIBS_test_decode_zydis = -lZydis
LIBS_test_disasm_zydis = -lZydis
TESTS = $(TEST_SRCS:%.c=$(BUILD)/%)
FUZZERS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_RUNS ?= 20000

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(BUILD)/libhostel.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(BUILD)/libhostel.a \
		$(CONFIG_LIBS)

$(BUILD)/tests/%: tests/%.c $(BUILD)/libhostel.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(CHECK_CFLAGS) $(LDFLAGS) -o $@ $< $(SRCS_$(notdir $*)) \
		$(BUILD)/libhostel.a $(CHECK_LIBS) $(CONFIG_LIBS) $(LIBS_$(notdir $*))

# What scripts in tests/block use.
TEST_TOOLS = $(BUILD)/tests/block/blkio $(BUILD)/tests/cli/qmp_client $(BUILD)/tests/guest/kvm_probe
tests: $(TESTS) $(TEST_TOOLS)

# `make check NAME=...` runs only the tests whose path has NAME in it.
RUN_TESTS = BUILD=$(BUILD) tests/run.sh $(if $(NAME),--only '$(NAME)')
ASAN = BUILD=build/asan CONFIGURE='--enable-asan --enable-ubsan'
CLANG = BUILD=build/clang CONFIGURE=--cc=clang
FUZZ = BUILD=build/fuzz CONFIGURE='--cc=clang --enable-fuzz --enable-asan'

check: check-here
check-here: all tests guest
	@$(RUN_TESTS) check
check-asan:
	@$(MAKE) --no-print-directory $(ASAN) TIMEOUT_SCALE=4 SANITIZERS=1 check-here
check-clang:
	@$(MAKE) --no-print-directory $(CLANG) check-here
check-guests: all guest
	@$(RUN_TESTS) guests
check-kvm: all guest $(BUILD)/tests/guest/kvm_probe
	@$(RUN_TESTS) kvm
fuzz:
	@$(MAKE) --no-print-directory $(FUZZ) fuzz-here
fuzz-here: $(FUZZERS)
	@FUZZ_RUNS=$(FUZZ_RUNS) $(RUN_TESTS) fuzz
bench: all guest $(TEST_TOOLS)
	@tests/block/bench.sh
	@tests/bench/run.sh
bench-exits: $(BUILD)/tests/bench/kvm_exits
	@$<
export TIMEOUT_SCALE SANITIZERS

# ---- A guest to try -------------------------------------------------------------------

guest: $(GUEST)/initramfs.cpio.gz $(GUEST)/vmlinuz-cloud

$(GUEST)/vmlinuz-cloud:
	@scripts/fetch-guests cloud
$(GUEST)/busybox:
	@scripts/fetch-guests busybox
$(GUEST)/initramfs.cpio.gz: $(GUEST)/busybox scripts/make-initramfs scripts/guest-init
	@scripts/make-initramfs $@ $(GUEST)/busybox

RUN_MEM ?= 512
RUN_SMP ?= 1
run: all guest
	@scripts/run-guest $(BUILD)/hostel -m $(RUN_MEM) -smp $(RUN_SMP) $(RUN_ARGS)

# ---- Installation ---------------------------------------------------------------------

prefix ?= $(PREFIX)
bindir = $(DESTDIR)$(prefix)/bin
mandir = $(DESTDIR)$(prefix)/share/man/man1
compdir = $(DESTDIR)$(prefix)/share/bash-completion/completions

install: all
	install -d $(bindir) $(mandir) $(compdir)
	install -m 755 $(BUILD)/hostel $(bindir)/hostel
	install -m 644 docs/hostel.1 $(mandir)/hostel.1
	install -m 644 scripts/hostel.bash $(compdir)/hostel
uninstall:
	rm -f $(bindir)/hostel $(mandir)/hostel.1 $(compdir)/hostel

# Guests are kept: they cost a download. `make distclean` drops them too.
clean:
	for d in build/*; do case $$d in $(GUEST)) ;; *) rm -rf "$$d" ;; esac; done
distclean:
	rm -rf build

-include $(OBJS:.o=.d) $(BUILD)/main.d $(TESTS:=.d) $(TEST_TOOLS:=.d) $(FUZZERS:=.d)
.DELETE_ON_ERROR:
.PHONY: all tests check check-here check-asan check-clang check-guests check-kvm fuzz fuzz-here \
        bench bench-exits guest run install uninstall clean distclean
