// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timer migration simulator: one engine, one load, one line of results
 *
 * Prints a line "name=value ..." which run.py reads.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define MAX_CPUS	8192
#define MAX_NODES	16

static unsigned int timers = 1;
static unsigned int seconds = 10;
static unsigned int warmup = 2;
static uint64_t seed = 1;

/**
 * struct profile - A kind of machine
 * @name:	as given on the command line
 * @params:	its parameters
 */
struct profile {
	const char	*name;
	struct params	params;
};

/*
 * "guest" was chosen once to fit the interrupts per expiry of the base and of
 * push, counted in emulated guests of 8 to 32 CPUs on two host CPUs: that is
 * why a thread that is woken takes so long. "run.py validate" shows the fit.
 * "metal" is what is expected of a machine: not measured.
 */
static const struct profile profiles[] = {
	{ "guest", { .keep_tick = 40, .run = 2500 * US, .noise = 5,
		     .ipi = 30 * US, .latency = 100 * US } },
	{ "metal", { .keep_tick = 20, .run = 100 * US, .noise = 5,
		     .ipi = 5 * US, .latency = 50 * US } },
	{ NULL, { } },
};

static const struct option options[] = {
	{ "profile",	required_argument, NULL, 'p' },
	{ "cpus",	required_argument, NULL, 'c' },
	{ "nodes",	required_argument, NULL, 'n' },
	{ "llc",	required_argument, NULL, 'l' },
	{ "load",	required_argument, NULL, 'L' },
	{ "timers",	required_argument, NULL, 't' },
	{ "seconds",	required_argument, NULL, 's' },
	{ "warmup",	required_argument, NULL, 'w' },
	{ "seed",	required_argument, NULL, 'S' },
	{ "keep-tick",	required_argument, NULL, 'k' },
	{ "run-us",	required_argument, NULL, 'r' },
	{ "noise",	required_argument, NULL, 'N' },
	{ "ipi-us",	required_argument, NULL, 'i' },
	{ "latency-us",	required_argument, NULL, 'y' },
	{ "help",	no_argument,	   NULL, 'h' },
	{ NULL,		0,		   NULL, 0 },
};

static void usage(void)
{
	const struct load *l;

	printf("usage: sim-ENGINE --load LOAD [--cpus N] [--nodes N] [--llc CPUS] [--timers N]\n"
	       "       [--seconds N] [--warmup N] [--seed N] [--profile guest|metal]\n"
	       "       [--keep-tick PERCENT] [--run-us N] [--noise PER_SECOND] [--ipi-us N]\n"
	       "       [--latency-us N]\n"
	       "timers: per CPU. Loads:\n");
	for (l = loads; l->name; l++)
		printf("  %-10s %s\n", l->name, l->text);
}

static void __attribute__((noreturn)) bad(const char *what, const char *arg)
{
	fprintf(stderr, "sim: %s: %s\n", what, arg);
	exit(2);
}

static uint64_t number(const char *name, const char *arg, uint64_t min, uint64_t max)
{
	char text[80];
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(arg, &end, 10);
	if (errno || end == arg || *end || *arg == '-' || value < min || value > max) {
		snprintf(text, sizeof(text), "--%s must be %llu to %llu", name,
			 (unsigned long long)min, (unsigned long long)max);
		bad(text, arg);
	}

	return value;
}

static void find_load(const char *name)
{
	for (load = loads; load->name; load++) {
		if (!strcmp(load->name, name))
			return;
	}
	bad("unknown load", name);
}

static void find_profile(const char *name)
{
	const struct profile *p;

	for (p = profiles; p->name; p++) {
		if (strcmp(p->name, name))
			continue;
		params = p->params;
		return;
	}
	bad("unknown profile", name);
}

static void set_option(int opt, const char *arg)
{
	switch (opt) {
	case 'p':
		find_profile(arg);
		break;
	case 'c':
		topology.nr_cpus = number("cpus", arg, 2, MAX_CPUS);
		break;
	case 'n':
		topology.nr_nodes = number("nodes", arg, 1, MAX_NODES);
		break;
	case 'l':
		topology.llc_cpus = number("llc", arg, 1, MAX_CPUS);
		break;
	case 'L':
		find_load(arg);
		break;
	case 't':
		timers = number("timers", arg, 0, 100000);
		break;
	case 's':
		seconds = number("seconds", arg, 1, 100000);
		break;
	case 'w':
		warmup = number("warmup", arg, 0, 100000);
		break;
	case 'S':
		seed = number("seed", arg, 0, UINT64_MAX);
		break;
	case 'k':
		params.keep_tick = number("keep-tick", arg, 0, 99);
		break;
	case 'r':
		params.run = number("run-us", arg, 1, 1000000) * US;
		break;
	case 'N':
		params.noise = number("noise", arg, 0, 1000000);
		break;
	case 'i':
		params.ipi = number("ipi-us", arg, 0, 100000) * US;
		break;
	case 'y':
		params.latency = number("latency-us", arg, 0, 3999) * US;
		break;
	case 'h':
		usage();
		exit(0);
	default:
		exit(2);
	}
}

/* Lateness that this share of the expired timers does not exceed */
static uint64_t late_at(double share)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < MAX_LATE; i++) {
		sum += stats.late[i];
		if (sum >= share * stats.expired)
			break;
	}

	return i;
}

static void print_cost(const char *name, const struct account_cost *cost)
{
	printf(" %s_ops=%llu %s_lines=%llu %s_llc=%llu %s_node=%llu %s_far=%llu %s_locks=%llu %s_updates=%llu",
	       name, (unsigned long long)cost->ops, name, (unsigned long long)cost->lines,
	       name, (unsigned long long)cost->moved[ACCOUNT_LLC],
	       name, (unsigned long long)cost->moved[ACCOUNT_NODE],
	       name, (unsigned long long)cost->moved[ACCOUNT_FAR],
	       name, (unsigned long long)cost->locks, name, (unsigned long long)cost->updates);
}

static void print_results(uint64_t overdue)
{
	char name[16];
	unsigned int i;

	printf("load=%s cpus=%u nodes=%u llc=%u timers=%u seconds=%u seed=%llu", load->name,
	       topology.nr_cpus, topology.nr_nodes, topology.llc_cpus, timers, seconds,
	       (unsigned long long)seed);
	printf(" interrupts=%llu wakeups=%llu nothing=%llu kicks=%llu",
	       (unsigned long long)stats.interrupts, (unsigned long long)stats.wakeups,
	       (unsigned long long)stats.nothing, (unsigned long long)stats.kicks);
	printf(" expired=%llu batches=%llu remote=%llu gini=%.3f",
	       (unsigned long long)stats.expired, (unsigned long long)stats.batches,
	       (unsigned long long)stats.remote, sim_gini());
	printf(" late_2=%llu late_p50=%llu late_p99=%llu late_max=%llu lost=%llu warnings=%lu",
	       (unsigned long long)(stats.expired - stats.late[0] - stats.late[1]),
	       (unsigned long long)late_at(.5), (unsigned long long)late_at(.99),
	       (unsigned long long)stats.max_late, (unsigned long long)overdue,
	       account_warnings());

	print_cost("deactivate", &stats.op_deactivate);
	print_cost("activate", &stats.op_activate);
	print_cost("new_timer", &stats.op_new_timer);
	print_cost("quick_check", &stats.op_quick_check);
	print_cost("must_pull", &stats.op_must_pull);
	print_cost("pull", &stats.op_pull);
	for (i = 1; i <= MAX_DEPTH; i++) {
		if (!stats.pairs[i].ops)
			continue;
		snprintf(name, sizeof(name), "pair%u", i);
		print_cost(name, &stats.pairs[i]);
		printf(" %s_distinct=%llu", name, (unsigned long long)stats.pairs[i].distinct);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	int opt;

	topology = (struct topology) { .nr_cpus = 8, .nr_nodes = 1, .llc_cpus = 8 };
	params = profiles[0].params;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		set_option(opt, optarg);
	if (optind < argc)
		bad("unexpected argument", argv[optind]);
	if (!load)
		bad("missing option", "--load");
	if (topology.nr_cpus % topology.nr_nodes) {
		fprintf(stderr, "sim: %u CPUs cannot be shared by %u nodes evenly\n",
			topology.nr_cpus, topology.nr_nodes);
		return 2;
	}

	sim_init(seed);
	load->init(timers);
	sim_run(warmup * SECOND);
	sim_reset_stats();
	sim_run((uint64_t)(warmup + seconds) * SECOND);
	print_results(sim_overdue());

	return 0;
}
