// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timer migration core under real threads: options, rounds, the clock
 *
 * stress.h says what a round is.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

/* How long the main thread waits for the others to come to rest (s) */
#define REST_TIMEOUT		60

/* Settings of the clock in PHASE_DRAIN after which wake-ups are for nothing */
#define DRAIN_LIMIT		2000

/* How often a long run says that it is alive (s) */
#define PROGRESS		10

/**
 * struct options - What the command line says
 * @cpus:	virtual CPUs, 0 for another number each round
 * @nodes:	nodes, 0 likewise
 * @seconds:	how long to run
 * @seed:	of all random numbers
 */
struct options {
	unsigned int	cpus;
	unsigned int	nodes;
	unsigned int	seconds;
	u64		seed;
};

#ifdef __SANITIZE_THREAD__
#define SANITIZER		"TSan"
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZER		"ASan, UBSan"
#else
#define SANITIZER		"no sanitizer"
#endif

struct round round_now;

static u64 total[NR_COUNTS];

/*
 * ThreadSanitizer looks here for its defaults, and only if it is linked in: one
 * report is enough, and fails the run.
 */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "halt_on_error=1:exitcode=1:second_deadlock_stack=1";
}

/**
 * stress_random() - Next number of a sequence
 * @state:	where the sequence is, not 0
 *
 * Return: the number (xorshift64*).
 */
u64 stress_random(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;

	return (*state * 0x2545f4914f6cdd1dULL) >> 16;
}

/**
 * stress_fail() - Say what went wrong and end
 * @format:	as for printf()
 */
void stress_fail(const char *format, ...)
{
	va_list args;

	flockfile(stderr);
	fprintf(stderr, "stress: round %llu (fan-out %d, seed %llu): ", round_now.nr, TMIGR_FANOUT,
		round_now.seed);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (!this_vcpu)
		rest_dump();
	fflush(stderr);

	/* Not exit(): the other threads are still at it */
	_exit(1);
}

/**
 * stress_warn() - A WARN_ON_ONCE() of the core came true
 * @text:	the condition
 * @file:	where
 * @line:	where
 */
void stress_warn(const char *text, const char *file, int line)
{
	stress_fail("%s:%d: WARN_ON_ONCE(%s)", file, line, text);
}

/* --- The clock --------------------------------------------------------------- */

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static void clock_advance(u64 ticks)
{
	struct vcpu *v;

	poke(&round_now.now, round_now.now + ticks);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);

	for (v = round_now.cpu; v < round_now.cpu + round_now.nr_attached; v++) {
		if (peek(&v->hw) <= round_now.now)
			vcpu_wake(v);
	}
}

static void set_phase(enum phase phase)
{
	unsigned int cpu;

	poke(&round_now.phase, phase);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (cpu = 0; cpu < round_now.nr_attached; cpu++)
		vcpu_wake(&round_now.cpu[cpu]);
}

/* --- Coming to rest ---------------------------------------------------------- */

/* Parked and to stay so, or asleep with nothing to wake it */
static bool may_rest(struct vcpu *v)
{
	if (peek(&v->parked))
		return round_now.phase == PHASE_PARK;

	return !peek(&v->kick) && peek(&v->hw) > round_now.now;
}

/*
 * How often the CPUs came to rest, all together, and 0 unless each of them
 * rests. Acquire pairs with vcpu_rest(): what they left can be read.
 */
static u64 count_rests(void)
{
	struct vcpu *v;
	u64 rests = 0;

	for (v = round_now.cpu; v < round_now.cpu + round_now.nr_attached; v++) {
		if (!__atomic_load_n(&v->resting, __ATOMIC_ACQUIRE))
			return 0;
		if (!may_rest(v))
			return 0;
		rests += peek(&v->rests);
	}

	return rests;
}

/* The same number twice: nobody woke somebody up who had been counted before */
static void wait_for_rest(const char *what)
{
	struct timespec start;
	u64 rests;

	clock_gettime(CLOCK_MONOTONIC, &start);

	for (;;) {
		rests = count_rests();
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (rests && count_rests() == rests)
			return;
		if (seconds_since(&start) > REST_TIMEOUT)
			stress_fail("no rest after %d s (%s)", REST_TIMEOUT, what);
		usleep(50);
	}
}

/* --- A round ----------------------------------------------------------------- */

static void fill_pool(struct tmigr_pool *pool, unsigned int needed)
{
	struct tmigr_group *group;

	if (round_now.nr_groups + needed > STRESS_MAX_GROUPS)
		stress_fail("more than %d groups", STRESS_MAX_GROUPS);

	*pool = (struct tmigr_pool) { .nr = needed };
	while (needed--) {
		group = aligned_alloc(SMP_CACHE_BYTES, sizeof(*group));
		if (!group)
			stress_fail("out of memory");
		pool->group[needed] = group;
		round_now.group[round_now.nr_groups++] = group;
	}
}

static void attach_cpu(void)
{
	struct vcpu *v = &round_now.cpu[round_now.nr_attached];
	struct tmigr_group *root = round_now.tree.root;
	struct tmigr_pool pool;
	unsigned int needed;

	needed = tmigr_groups_needed(&round_now.tree, v->node);
	fill_pool(&pool, needed);
	if (tmigr_attach_cpu(&round_now.tree, &v->tmc, v->node, &pool))
		stress_fail("CPU %u cannot be attached", v->tmc.cpu);
	if (pool.nr)
		stress_fail("CPU %u was said to take %u groups, %u are left", v->tmc.cpu, needed,
			    pool.nr);

	total[COUNT_GROUPS] += needed;
	total[COUNT_GROWN] += root != round_now.tree.root;
	poke(&round_now.nr_attached, round_now.nr_attached + 1);
	if (pthread_create(&v->thread, NULL, vcpu_main, v))
		stress_fail("no thread for CPU %u", v->tmc.cpu);
}

static void disturb(u64 *rng)
{
	static const enum tmigr_arm arms[] = {
		TMIGR_ARM_SELF, TMIGR_ARM_PREDICT, TMIGR_ARM_OTHERS,
	};
	struct vcpu *v = &round_now.cpu[stress_random(rng) % round_now.nr_attached];

	switch (stress_random(rng) % 8) {
	case 0:
		poke(&v->tmc.arm, arms[stress_random(rng) % 3]);
		break;
	case 1:
		vcpu_kick(v, KICK_WAKE);
		break;
	case 2:
		vcpu_kick(v, KICK_DEVICE);
		break;
	}
}

static void phase_run(u64 *rng)
{
	unsigned int ticks = 10 + stress_random(rng) % 150;

	while (ticks--) {
		if (round_now.nr_attached < round_now.nr_cpus && stress_chance(rng, 6))
			attach_cpu();
		disturb(rng);
		usleep(20 + stress_random(rng) % 100);
		clock_advance(1);
	}
}

/* Release pairs with vcpu_rest(): what is read here may be changed afterwards */
static void check_at_rest(const char *what)
{
	wait_for_rest(what);
	rest_check();
	total[COUNT_CHECKS]++;
	__atomic_store_n(&round_now.checked, true, __ATOMIC_RELEASE);
}

static void phase_park(void)
{
	set_phase(PHASE_PARK);
	check_at_rest("park");
}

static u64 first_device(void)
{
	u64 first = TMIGR_NEVER;
	unsigned int cpu;

	for (cpu = 0; cpu < round_now.nr_attached; cpu++)
		first = min(first, peek(&round_now.cpu[cpu].hw));

	return first;
}

static void phase_drain(u64 *rng)
{
	unsigned int advances = 0;
	u64 next;

	set_phase(PHASE_DRAIN);

	for (;;) {
		check_at_rest("drain");

		next = first_device();
		if (next == TMIGR_NEVER)
			return;
		if (++advances == DRAIN_LIMIT)
			stress_fail("CPUs wake again and again, there is nothing to do");

		/* Late now and then, so that several are due together */
		if (stress_chance(rng, 4))
			next += stress_random(rng) % 4;
		clock_advance(next - round_now.now);
	}
}

static void add_counts(const u64 *counts)
{
	unsigned int nr;

	for (nr = 0; nr < NR_COUNTS; nr++)
		total[nr] += counts[nr];
}

/*
 * When the clock starts. The hierarchy keeps the low 32 bits of times: in every
 * other round they wrap before the timers that are near have expired.
 */
static u64 random_epoch(u64 *rng)
{
	u64 wrap = (1 + stress_random(rng) % 4) << 32;

	if (stress_chance(rng, 2))
		return wrap + (u32)stress_random(rng);

	return wrap - 1 - stress_random(rng) % 80;
}

static void round_start(const struct options *options, u64 *rng)
{
	unsigned int cpus_of[STRESS_MAX_NODES] = { }, cpu, node;

	round_now.nr_attached = 0;
	round_now.nr_groups = 0;
	round_now.nr_cpus = options->cpus;
	if (!round_now.nr_cpus)
		round_now.nr_cpus = STRESS_MIN_CPUS +
			stress_random(rng) % (STRESS_MAX_CPUS - STRESS_MIN_CPUS + 1);
	round_now.nr_nodes = options->nodes;
	if (!round_now.nr_nodes)
		round_now.nr_nodes = 1 + stress_random(rng) % STRESS_MAX_NODES;

	for (cpu = 0; cpu < round_now.nr_cpus; cpu++) {
		vcpu_init(&round_now.cpu[cpu], cpu, stress_random(rng) | 1);
		round_now.cpu[cpu].node = stress_random(rng) % round_now.nr_nodes;
		cpus_of[round_now.cpu[cpu].node]++;
	}
	for (node = 0; node < round_now.nr_nodes; node++)
		round_now.node_levels[node] = tmigr_levels_for(cpus_of[node]);

	pthread_mutex_init(&round_now.hotplug, NULL);
	tmigr_tree_init(&round_now.tree, round_now.node_levels, round_now.nr_nodes);
	poke(&round_now.now, random_epoch(rng));
	poke(&round_now.phase, PHASE_RUN);
	poke(&round_now.checked, false);
	attach_cpu();
}

static void round_end(void)
{
	unsigned int i;

	set_phase(PHASE_QUIT);
	for (i = 0; i < round_now.nr_attached; i++)
		pthread_join(round_now.cpu[i].thread, NULL);

	rest_check_drained();

	for (i = 0; i < round_now.nr_attached; i++)
		add_counts(round_now.cpu[i].counts);
	for (i = 0; i < round_now.nr_cpus; i++)
		pthread_mutex_destroy(&round_now.cpu[i].lock);
	for (i = 0; i < round_now.nr_groups; i++) {
		pthread_mutex_destroy(&round_now.group[i]->lock);
		free(round_now.group[i]);
	}
	pthread_mutex_destroy(&round_now.hotplug);
}

static void run_round(const struct options *options)
{
	u64 rng = round_now.seed * 0x9e3779b97f4a7c15ULL | 1;

	perturb_rng = stress_random(&rng) | 1;
	round_start(options, &rng);
	phase_run(&rng);
	phase_park();
	phase_drain(&rng);
	round_end();
}

/* --- Command line ------------------------------------------------------------ */

static void print_usage(FILE *file)
{
	fprintf(file, "usage: stress [--cpus %d..%d] [--nodes 1..%d] [--seconds N] [--seed N]\n"
		"Runs the timer migration core under one thread per virtual CPU.\n"
		"Without --cpus and --nodes each round has other numbers of them.\n",
		STRESS_MIN_CPUS, STRESS_MAX_CPUS, STRESS_MAX_NODES);
}

static u64 parse_number(const char *option, const char *text, unsigned long long low,
			unsigned long long high)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-') || n < low || n > high) {
		fprintf(stderr, "stress: --%s wants a number from %llu to %llu, not \"%s\"\n",
			option, low, high, text);
		exit(2);
	}

	return n;
}

static struct options parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "cpus",	required_argument, NULL, 'c' },
		{ "nodes",	required_argument, NULL, 'n' },
		{ "seconds",	required_argument, NULL, 's' },
		{ "seed",	required_argument, NULL, 'r' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ },
	};
	struct options options = { .seconds = 10, .seed = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			options.cpus = parse_number("cpus", optarg, STRESS_MIN_CPUS,
						    STRESS_MAX_CPUS);
			break;
		case 'n':
			options.nodes = parse_number("nodes", optarg, 1, STRESS_MAX_NODES);
			break;
		case 's':
			options.seconds = parse_number("seconds", optarg, 1, 1000000);
			break;
		case 'r':
			options.seed = parse_number("seed", optarg, 0, UINT64_MAX);
			break;
		case 'h':
			print_usage(stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "stress: unknown argument \"%s\"\n", argv[optind]);
		exit(2);
	}

	return options;
}

static void print_progress(double seconds)
{
	fprintf(stderr, "stress: %3.0f s, round %llu, nothing lost\n", seconds, round_now.nr);
}

static unsigned long long counted(enum count nr)
{
	return total[nr];
}

/* One line, and in long runs what it was made of */
static void print_summary(const struct options *options, double seconds)
{
	printf("stress: %s, fan-out %d, %.0f s, %llu rounds, ", SANITIZER, TMIGR_FANOUT, seconds,
	       round_now.nr);
	printf("%llu checks at rest: %llu timers, lost 0\n", counted(COUNT_CHECKS),
	       counted(COUNT_ARMED));
	if (options->seconds < PROGRESS)
		return;

	printf("  timers: cancelled %llu, expired %llu ", counted(COUNT_CANCELLED),
	       counted(COUNT_EXPIRED));
	printf("(by another CPU %llu, more than %d ticks late %llu)\n", counted(COUNT_REMOTE),
	       STRESS_LATE, counted(COUNT_LATE));
	printf("  CPUs: idle %llu, device fired %llu, disturbed %llu, ", counted(COUNT_IDLE),
	       counted(COUNT_WAKEUPS), counted(COUNT_KICKED));
	printf("left %llu (orphaned events %llu)\n", counted(COUNT_LEFT),
	       counted(COUNT_ORPHANED));
	printf("  groups: %llu, new roots %llu\n", counted(COUNT_GROUPS), counted(COUNT_GROWN));
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	double now, said = 0;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);

	while ((now = seconds_since(&start)) < options.seconds || !round_now.nr) {
		if (now >= said + PROGRESS) {
			print_progress(now);
			said = now;
		}
		round_now.nr++;
		round_now.seed = options.seed + round_now.nr;
		run_round(&options);
	}

	print_summary(&options, now);
	return 0;
}
