# SPDX-License-Identifier: MIT
all:

build/config.mk: configure
	./configure
-include build/config.mk

DIRS = util core target/x86 accel accel/tcg-interp hw $(wildcard hw/*) chardev monitor ui
SRCS = $(filter-out main.c,$(wildcard *.c)) $(wildcard $(addsuffix /*.c,$(DIRS)))
OBJS = $(SRCS:%.c=build/%.o)
TESTS = $(patsubst %.c,build/%,$(wildcard tests/unit/test_*.c tests/device/test_*.c tests/insn/test_*.c))

WARN = -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wno-unused-parameter -Werror
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE= $(CFLAGS) -fno-strict-aliasing $(WARN) -I. -Ibuild $(CONFIG_CFLAGS) -MMD -MP

all: build/hostel

build/%.o: %.c build/config.mk
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS_$(basename $(notdir $<))) -c -o $@ $<

build/libhostel.a: $(OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

build/hostel: build/main.o build/libhostel.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CONFIG_LIBS)

build/tests/%: tests/%.c build/libhostel.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CHECK_CFLAGS) $(LDFLAGS) -o $@ $< build/libhostel.a $(CHECK_LIBS) $(CONFIG_LIBS) $(LIBS_$(notdir $*))

tests: $(TESTS)

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
.PHONY: all tests clean
