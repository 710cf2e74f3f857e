# SPDX-License-Identifier: GPL-2.0
#
# timers-next: the one entry point. Every target is idempotent and resumes
# where an interrupted run stopped; "make help" lists them.

# Knobs, see "make help"
export BASE ?= v7.3
export CONFIG ?=
export CPUS ?= 4
export MEM ?=
export ACCEL ?= auto
export V ?= 0
export LINUX ?=
export BUILD ?=
export BENCH ?=
export ONLY ?=
export JOBS ?=
export DURATION ?=
export NODES ?=

# The steps share one tree and one machine: one at a time.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
S := scripts

.PHONY: help
help: ## this text
	@$(S)/help

.PHONY: boot
boot: ## boot the patched kernel under QEMU, print a report; a shell on a terminal
	@$(S)/boot

.PHONY: test
test: ## check, proof of the timer migration engine, KUnit on and off, kselftest timers
	@$(S)/test

.PHONY: test-all
test-all: ## the same for every configuration, one table
	@$(S)/test-all

.PHONY: check
check: ## patches, mirror and style; boots nothing
	@$(S)/check

.PHONY: bisect-check
bisect-check: ## every prefix of the series builds and links, switches on and off
	@$(S)/bisect-check

.PHONY: mutants
mutants: ## break the series on purpose, one thing at a time: KUnit must notice
	@$(S)/mutants

.PHONY: stress
stress: ## a minute of stress-ng in the guest, switches on and off: the console stays clean
	@$(S)/stress

.PHONY: torture
torture: ## a minute of timer torture with hotplug, isolation and the sysctl, switches on and off
	@$(S)/torture

.PHONY: bench
bench: ## base and patched kernel side by side: tables and pictures in build/bench
	@$(S)/bench

.PHONY: tree
tree: ## the kernel tree to work in: base + one commit per patch
	@$(S)/install-deps fetch
	@$(S)/make-tree

.PHONY: export
export: ## write the tree's commits to patches/ and the mirrored new files
	@$(S)/export-series

.PHONY: series
series: ## a mail folder for LKML: cover letter, patches, range-diff
	@$(S)/mail-series

.PHONY: record
record: ## record what the unmodified base does in the tests
	@$(S)/record

.PHONY: menuconfig
menuconfig: ## change the configuration of CONFIG by hand
	@$(S)/menuconfig

.PHONY: shell
shell: ## a shell in a guest
	@$(S)/boot --shell

.PHONY: deps
deps: ## install every package that any target needs
	@$(S)/install-deps fetch build boot check bench menuconfig cross-i386 cross-arm64

.PHONY: clean
clean: ## remove what was built; the tree and its work stay
	@$(S)/clean

.PHONY: distclean
distclean: ## remove build/ altogether; refuses to lose work that was not exported
	@$(S)/clean --all
