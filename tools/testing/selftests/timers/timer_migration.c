// SPDX-License-Identifier: GPL-2.0
/*
 * Timer migration: what user space may rely on, whichever way the kernel does it.
 *
 * Every timeout of a socket is a timer of the timer wheel that is not pinned: it
 * is queued on the CPU where the task goes to sleep, and any CPU may expire it.
 * Sleepers here are processes bound to a CPU which sleep like that, over and over.
 * Where their timers were queued and where they expired, and in which order, is
 * told by the kernel's trace events timer_start and timer_expire_entry.
 *
 * No test looks at the clock, except to see that no timeout came early and to
 * give up. A timer that is lost is a sleeper that never returns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL

/* Time after which a sleeper is stuck, and a test */
#define STUCK_S		60
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(5 * STUCK_S)

#define MAX_CPUS	64

#define SYSCTL		"/proc/sys/kernel/timer_migration"
#define WATCHDOG	"/proc/sys/kernel/watchdog"
#define CPU_DIR		"/sys/devices/system/cpu"
#define FAILSLAB	"/sys/kernel/debug/failslab"
#define TRACE_DIR	"/sys/kernel/tracing"
#define INSTANCE	TRACE_DIR "/instances/timer_migration_test"

/*
 * Files
 */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool written;

	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return written;
}

/* The first line, empty if there is none */
static const char *read_line(const char *path)
{
	static char line[4096];
	FILE *f = fopen(path, "re");

	line[0] = '\0';
	if (f) {
		if (fgets(line, sizeof(line), f))
			line[strcspn(line, "\n")] = '\0';
		fclose(f);
	}
	return line;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* A symbol of the kernel's configuration, as far as the kernel tells it */
static bool kernel_has(const char *symbol)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "zcat /proc/config.gz 2>/dev/null | grep -q ^CONFIG_%s=y", symbol);
	return !system(command);
}

/* Timers are pulled by other CPUs when they expire, if there is a hierarchy. */
static bool pulls(void)
{
	return exists(TRACE_DIR "/events/timer_migration/tmigr_handle_remote");
}

/* The tick never stops: CPUs run their timers themselves. */
static bool tick_goes_on(void)
{
	const char *cmdline = read_line("/proc/cmdline");

	return strstr(cmdline, "nohz=off") || strstr(cmdline, "idle=poll");
}

/*
 * The soft lockup detector wakes every CPU every few seconds, and each so finds a
 * timer that was forgotten. Without it, such a one remains forgotten.
 */
static void stop_watchdog(char before[16])
{
	snprintf(before, 16, "%s", read_line(WATCHDOG));
	write_file(WATCHDOG, "0");
}

static void restore_watchdog(const char *before)
{
	if (*before)
		write_file(WATCHDOG, before);
}

/* The sysctl stops migration, as opposed to not concerning the wheel at all. */
static bool sysctl_counts(void)
{
	return kernel_has("TIMER_MIGRATION_PULL") || kernel_has("TIMER_MIGRATION_PUSH");
}

/*
 * CPUs
 */

struct cpus {
	int	nr;
	int	cpu[MAX_CPUS];
};

/* From a list like "0-3,5" */
static struct cpus parse_cpus(const char *list)
{
	struct cpus cpus = { };
	char *end;
	long a, b;

	for (; *list; list = *end == ',' ? end + 1 : end) {
		a = strtol(list, &end, 10);
		if (end == list)
			break;
		b = a;
		if (*end == '-')
			b = strtol(end + 1, &end, 10);
		for (; a <= b && cpus.nr < MAX_CPUS; a++)
			cpus.cpu[cpus.nr++] = a;
	}
	return cpus;
}

static struct cpus online_cpus(void)
{
	return parse_cpus(read_line(CPU_DIR "/online"));
}

static bool bind_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

static bool set_online(int cpu, bool online)
{
	char path[64];

	snprintf(path, sizeof(path), CPU_DIR "/cpu%d/online", cpu);
	return write_file(path, online ? "1" : "0");
}

static bool can_offline(int cpu)
{
	char path[64];

	snprintf(path, sizeof(path), CPU_DIR "/cpu%d/online", cpu);
	return exists(path);
}

/*
 * Sleepers
 */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* With a timer that does not depend on the wheel */
static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NSEC_PER_MSEC, };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/**
 * struct sleeper - a process which sleeps in the timer wheel
 * @pid:	its ID
 * @cpu:	the CPU to which it is bound
 * @rounds:	how often it has slept
 * @early:	how often it woke before its time
 * @failed:	it could not do what it was told to
 */
struct sleeper {
	pid_t		pid;
	int		cpu;
	atomic_uint	rounds;
	atomic_uint	early;
	atomic_bool	failed;
};

#define MAX_SLEEPERS	256

struct sleepers {
	int		nr;
	struct sleeper	s[MAX_SLEEPERS];
};

/*
 * Returns after @ms, or false. recv() uses the wheel for its timeout. The freezer
 * leaves those alone who wait for a stream: their timers stay pending in suspend.
 * Those who were not waiting yet are interrupted, and start anew.
 */
static bool sleep_in_wheel(int fd, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000, };
	char c;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		return false;
	while (recv(fd, &c, 1, 0) < 0) {
		if (errno != EINTR)
			return errno == EAGAIN;
	}
	return false;
}

/*
 * What the wheel goes by, jiffies, in units of 1 / USER_HZ. No other clock can tell
 * whether a timeout came early: a machine that stalls while jiffies are updated leaves
 * them behind, and a sleep which begins then is short by as much.
 */
static clock_t user_jiffies(void)
{
	return times(NULL);
}

/* Both ends of the sleep are rounded down, so it may have been longer by up to one. */
static bool too_short(clock_t begin, unsigned int ms)
{
	long slept = user_jiffies() - begin + 1;

	return slept * 1000 < (long)ms * sysconf(_SC_CLK_TCK);
}

/* Sleep @ms and up to @spread more, @rounds times or for ever */
static void sleeper(struct sleeper *s, unsigned int ms, unsigned int spread, unsigned int rounds)
{
	unsigned int seed = getpid() * 2654435761U, length;
	clock_t begin;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd)) {
		s->failed = true;
		_exit(1);
	}

	while (!rounds || s->rounds < rounds) {
		seed = seed * 1103515245 + 12345;
		length = ms + (spread ? (seed >> 8) % spread : 0);
		begin = user_jiffies();
		if (!sleep_in_wheel(fd[0], length)) {
			s->failed = true;
			_exit(1);
		}
		if (too_short(begin, length))
			s->early++;
		s->rounds++;
	}
	_exit(0);
}

static struct sleepers *new_sleepers(void)
{
	struct sleepers *all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return all == MAP_FAILED ? NULL : all;
}

/* @procs is the cgroup.procs file of the cgroup to join first, or NULL. */
static bool add_sleeper(struct sleepers *all, int cpu, const char *procs, unsigned int ms,
			unsigned int spread, unsigned int rounds)
{
	struct sleeper *s = &all->s[all->nr];
	pid_t pid;

	if (all->nr == MAX_SLEEPERS)
		return false;
	s->cpu = cpu;
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		s->failed = (procs && !write_file(procs, "0")) || !bind_to(cpu);
		if (s->failed)
			_exit(1);
		sleeper(s, ms, spread, rounds);
	}
	s->pid = pid;
	all->nr++;
	return true;
}

/* Wait until all have slept @more times. False when one does not come back. */
static bool all_slept(struct sleepers *all, unsigned int more)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + STUCK_S * NSEC_PER_SEC;
	unsigned int target[MAX_SLEEPERS];
	int i;

	for (i = 0; i < all->nr; i++)
		target[i] = all->s[i].rounds + more;

	for (i = 0; i < all->nr; i++) {
		while (all->s[i].rounds < target[i]) {
			if (all->s[i].failed || now_ns(CLOCK_MONOTONIC) > end) {
				ksft_print_msg("sleeper %d on CPU %d: %s\n", i, all->s[i].cpu,
					       all->s[i].failed ? "failed" : "never came back");
				return false;
			}
			sleep_ms(10);
		}
	}
	return true;
}

static unsigned int early_ones(const struct sleepers *all)
{
	unsigned int early = 0;
	int i;

	for (i = 0; i < all->nr; i++)
		early += all->s[i].early;
	return early;
}

static void end_sleepers(struct sleepers *all)
{
	int i;

	for (i = 0; i < all->nr; i++)
		kill(all->s[i].pid, SIGKILL);
	for (i = 0; i < all->nr; i++)
		waitpid(all->s[i].pid, NULL, 0);
	all->nr = 0;
}

/*
 * Traces
 */

/**
 * struct journey - from where to where the timers of sleepers went
 * @kept:	expired on the CPU that they were queued on
 * @pulled:	expired on another CPU
 * @from:	of those, by the CPU that they were queued on
 * @by:		of those, by the CPU that expired them
 * @disorder:	timers of one CPU that expired before another that was due earlier
 */
struct journey {
	unsigned int	kept;
	unsigned int	pulled;
	unsigned int	from[MAX_CPUS];
	unsigned int	by[MAX_CPUS];
	unsigned int	disorder;
};

static bool trace_begin(void)
{
	return (!mkdir(INSTANCE, 0700) || errno == EEXIST) &&
	       write_file(INSTANCE "/tracing_on", "0") &&
	       write_file(INSTANCE "/buffer_size_kb", "1024") &&
	       write_file(INSTANCE "/trace_clock", "global") &&
	       write_file(INSTANCE "/options/hash-ptr", "0") &&
	       write_file(INSTANCE "/events/timer/timer_start/enable", "1") &&
	       write_file(INSTANCE "/events/timer/timer_expire_entry/enable", "1") &&
	       write_file(INSTANCE "/trace", "") &&
	       write_file(INSTANCE "/tracing_on", "1");
}

static void trace_stop(void)
{
	write_file(INSTANCE "/tracing_on", "0");
}

static void trace_end(void)
{
	trace_stop();
	write_file(INSTANCE "/events/enable", "0");
	rmdir(INSTANCE);
}

/* A timer that a sleeper has started */
struct started {
	unsigned long	timer;
	int		cpu;
	unsigned long	bucket;
};

static struct started *find_started(struct started *all, int nr, unsigned long timer)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (all[i].timer == timer)
			return &all[i];
	}
	return NULL;
}

static unsigned long field(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	return at ? strtoul(at + strlen(name), NULL, strstr(name, "timer=") ? 16 : 10) : 0;
}

/* The task in a trace's line, "comm-pid [cpu] ...", and the CPU */
static bool line_origin(const char *line, int *pid, int *cpu)
{
	const char *bracket = strstr(line, " [");
	const char *p = bracket;

	if (!bracket)
		return false;
	*cpu = atoi(bracket + 2);
	while (p > line && p[-1] == ' ')
		p--;
	while (p > line && p[-1] != '-')
		p--;
	*pid = atoi(p);
	return true;
}

static bool is_sleeper(const struct sleepers *all, int pid)
{
	int i;

	for (i = 0; i < all->nr; i++) {
		if (all->s[i].pid == pid)
			return true;
	}
	return false;
}

/* One timer of a sleeper has expired: account for it */
static void arrived(struct journey *j, struct started *started, int nr, struct started *s, int cpu)
{
	int i;

	if (s->cpu == cpu) {
		j->kept++;
	} else {
		j->pulled++;
		j->from[s->cpu % MAX_CPUS]++;
		j->by[cpu % MAX_CPUS]++;
	}

	for (i = 0; i < nr; i++) {
		if (&started[i] != s && started[i].cpu == s->cpu && started[i].timer &&
		    (long)(started[i].bucket - s->bucket) < 0)
			j->disorder++;
	}
	s->timer = 0;
}

/*
 * Read the trace. Timers are told apart by their addresses, which are not hashed:
 * hashes are all the same before the kernel has enough entropy.
 */
static bool read_journey(const struct sleepers *all, struct journey *j)
{
	static struct started started[MAX_SLEEPERS * 2];
	int nr = 0, pid, cpu;
	unsigned long timer;
	char line[512];
	FILE *f;

	trace_stop();
	memset(j, 0, sizeof(*j));
	f = fopen(INSTANCE "/trace", "re");
	if (!f)
		return false;

	while (fgets(line, sizeof(line), f)) {
		struct started *s;

		if (line[0] == '#' || !line_origin(line, &pid, &cpu))
			continue;
		timer = field(line, "timer=");
		if (!timer)
			continue;
		s = find_started(started, nr, timer);
		if (strstr(line, "timer_start:") && strstr(line, "process_timeout")) {
			if (!is_sleeper(all, pid))
				continue;
			if (!s)
				s = find_started(started, nr, 0);
			if (!s && nr < MAX_SLEEPERS * 2)
				s = &started[nr++];
			if (!s)
				break;
			s->timer = timer;
			s->cpu = field(line, " cpu=");
			s->bucket = field(line, "bucket_expiry=");
		} else if (s && strstr(line, "timer_expire_entry:")) {
			arrived(j, started, nr, s, cpu);
		}
	}
	fclose(f);
	return true;
}

static void print_journey(const struct journey *j)
{
	int i;

	ksft_print_msg("%u kept, %u pulled, %u out of order\n", j->kept, j->pulled, j->disorder);
	for (i = 0; i < MAX_CPUS; i++) {
		if (j->from[i] || j->by[i])
			ksft_print_msg("CPU %d: %u pulled from it, %u by it\n", i, j->from[i],
				       j->by[i]);
	}
}

/*
 * Every test starts with migration enabled, and with all CPUs online
 */

FIXTURE(timer_migration) {
	struct sleepers	*all;
	struct cpus	cpus;
	char		sysctl[16];
	char		watchdog[16];
	pid_t		spinner;
};

FIXTURE_SETUP(timer_migration)
{
	if (geteuid())
		SKIP(return, "needs root");
	if (!exists(SYSCTL))
		SKIP(return, "no " SYSCTL ": not SMP, or the tick never stops");

	self->cpus = online_cpus();
	if (self->cpus.nr < 2)
		SKIP(return, "one CPU only");

	snprintf(self->sysctl, sizeof(self->sysctl), "%s", read_line(SYSCTL));
	ASSERT_TRUE(write_file(SYSCTL, "1"));
	stop_watchdog(self->watchdog);
	self->all = new_sleepers();
	ASSERT_NE(NULL, self->all);
}

FIXTURE_TEARDOWN(timer_migration)
{
	int i;

	if (self->spinner > 0) {
		kill(self->spinner, SIGKILL);
		waitpid(self->spinner, NULL, 0);
	}
	end_sleepers(self->all);
	trace_end();
	write_file(SYSCTL, self->sysctl);
	restore_watchdog(self->watchdog);
	for (i = 0; i < self->cpus.nr; i++)
		set_online(self->cpus.cpu[i], true);
}

/* Sleepers on all of @cpus, @each per CPU */
static bool populate(struct sleepers *all, const struct cpus *cpus, int each, unsigned int ms,
		     unsigned int spread)
{
	int i, n;

	for (n = 0; n < each; n++) {
		for (i = 0; i < cpus->nr; i++) {
			if (!add_sleeper(all, cpus->cpu[i], NULL, ms, spread, 0))
				return false;
		}
	}
	return true;
}

/* A process which keeps @cpu busy. Its parent has to kill it. */
static pid_t spin_on(int cpu)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bind_to(cpu);
		for (;;)
			;
	}
	return pid;
}

/*
 * The sysctl
 */

TEST_F(timer_migration, sysctl_values)
{
	static const char * const bad[] = { "2", "-1", "x", "99999999999999999999", };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(write_file(SYSCTL, i & 1 ? "1" : "0"));
		EXPECT_STREQ(i & 1 ? "1" : "0", read_line(SYSCTL));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_FALSE(write_file(SYSCTL, bad[i]))
			TH_LOG("accepts \"%s\"", bad[i]);
		EXPECT_STREQ("1", read_line(SYSCTL));
	}
}

/* Idle CPUs leave their timers to the one that is busy, and this is why. */
TEST_F(timer_migration, timers_of_idle_cpus_are_pulled)
{
	struct journey j;

	if (!pulls())
		SKIP(return, "this kernel does not pull");
	if (tick_goes_on())
		SKIP(return, "the tick never stops");

	self->spinner = spin_on(self->cpus.cpu[0]);
	ASSERT_LT(0, self->spinner);
	ASSERT_TRUE(populate(self->all, &self->cpus, 2, 100, 100));
	ASSERT_TRUE(all_slept(self->all, 1));
	if (!trace_begin())
		SKIP(return, "no trace events of timers");
	ASSERT_TRUE(all_slept(self->all, 10));
	ASSERT_TRUE(read_journey(self->all, &j));
	print_journey(&j);
	EXPECT_LT(0, j.pulled);
	EXPECT_EQ(0, early_ones(self->all));
}

TEST_F(timer_migration, off_keeps_timers)
{
	struct journey j;

	if (!sysctl_counts())
		SKIP(return, "this kernel's sysctl does not concern the timer wheel");

	self->spinner = spin_on(self->cpus.cpu[0]);
	ASSERT_LT(0, self->spinner);
	ASSERT_TRUE(populate(self->all, &self->cpus, 2, 100, 100));
	ASSERT_TRUE(write_file(SYSCTL, "0"));

	/* Those which were pending before may still be expired by others */
	ASSERT_TRUE(all_slept(self->all, 2));
	if (!trace_begin())
		SKIP(return, "no trace events of timers");
	ASSERT_TRUE(all_slept(self->all, 10));
	ASSERT_TRUE(read_journey(self->all, &j));
	print_journey(&j);
	EXPECT_LT(0, j.kept);
	EXPECT_EQ(0, j.pulled);
	EXPECT_EQ(0, early_ones(self->all));
}

/* All CPUs are idle most of the time, so each has to wake for its own timers. */
TEST_F(timer_migration, off_wakes_idle_cpus)
{
	struct journey j;

	if (!sysctl_counts())
		SKIP(return, "this kernel's sysctl does not concern the timer wheel");

	ASSERT_TRUE(write_file(SYSCTL, "0"));
	ASSERT_TRUE(populate(self->all, &self->cpus, 1, 150, 150));
	ASSERT_TRUE(all_slept(self->all, 2));
	if (!trace_begin())
		SKIP(return, "no trace events of timers");
	ASSERT_TRUE(all_slept(self->all, 10));
	ASSERT_TRUE(read_journey(self->all, &j));
	print_journey(&j);
	EXPECT_EQ(0, j.pulled);
}

/* Timers are pending whenever it changes; all of them still expire. */
TEST_F(timer_migration, sysctl_flips)
{
	int i;

	ASSERT_TRUE(populate(self->all, &self->cpus, 4, 20, 400));
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(write_file(SYSCTL, i & 1 ? "1" : "0"));
		sleep_ms(10 + i);
	}
	EXPECT_TRUE(all_slept(self->all, 2));
	EXPECT_EQ(0, early_ones(self->all));
}

/* All sleep, the switch is thrown, and nobody does anything until they wake. */
TEST_F(timer_migration, sysctl_flips_while_all_sleep)
{
	int i;

	for (i = 0; i < 6; i++) {
		unsigned int n;

		ASSERT_TRUE(write_file(SYSCTL, i & 1 ? "0" : "1"));
		for (n = 0; n < (unsigned int)self->cpus.nr; n++)
			ASSERT_TRUE(add_sleeper(self->all, self->cpus.cpu[n], NULL,
						600 + 50 * n, 0, 1));
		sleep_ms(300);
		ASSERT_TRUE(write_file(SYSCTL, i & 1 ? "1" : "0"));
		for (n = 0; n < (unsigned int)self->all->nr; n++)
			EXPECT_EQ(0, self->all->s[n].early);
		sleep_ms(400);
		for (n = 0; n < (unsigned int)self->all->nr; n++) {
			uint64_t end = now_ns(CLOCK_MONOTONIC) + STUCK_S * NSEC_PER_SEC;

			while (!self->all->s[n].rounds && now_ns(CLOCK_MONOTONIC) < end)
				sleep_ms(10);
			EXPECT_EQ(1, self->all->s[n].rounds)
				TH_LOG("CPU %d, flip %d: lost", self->all->s[n].cpu, i);
		}
		end_sleepers(self->all);
		memset(self->all, 0, sizeof(*self->all));
	}
}

/*
 * Order
 */

/* Those of one CPU expire in the order of their buckets, whoever expires them. */
TEST_F(timer_migration, order)
{
	struct journey j;
	int i;

	for (i = 0; i < 24; i++)
		ASSERT_TRUE(add_sleeper(self->all, self->cpus.cpu[i % 2 ? self->cpus.nr - 1 : 0],
					NULL, 20, 300, 0));
	ASSERT_TRUE(all_slept(self->all, 1));
	if (!trace_begin())
		SKIP(return, "no trace events of timers");
	ASSERT_TRUE(all_slept(self->all, 8));
	ASSERT_TRUE(read_journey(self->all, &j));
	print_journey(&j);
	EXPECT_LT(0, j.kept + j.pulled);
	EXPECT_EQ(0, j.disorder);
}

TEST_F(timer_migration, idle_system)
{
	ASSERT_TRUE(populate(self->all, &self->cpus, 1, 200, 400));
	EXPECT_TRUE(all_slept(self->all, 5));
	EXPECT_EQ(0, early_ones(self->all));
}

/*
 * Hotplug
 */

TEST_F(timer_migration, hotplug)
{
	int i, n, done = 0;

	for (n = 0; n < 2; n++) {
		for (i = 0; i < self->cpus.nr; i++) {
			int cpu = self->cpus.cpu[i];

			if (!can_offline(cpu))
				continue;
			ASSERT_TRUE(populate(self->all, &self->cpus, 2, 50, 200));
			ASSERT_TRUE(all_slept(self->all, 1));

			/* Its sleepers' timers are pending, and move. */
			ASSERT_TRUE(set_online(cpu, false));
			EXPECT_TRUE(all_slept(self->all, 2))
				TH_LOG("CPU %d offline", cpu);
			ASSERT_TRUE(set_online(cpu, true));
			EXPECT_TRUE(all_slept(self->all, 1))
				TH_LOG("CPU %d online again", cpu);
			EXPECT_EQ(0, early_ones(self->all));
			end_sleepers(self->all);
			memset(self->all, 0, sizeof(*self->all));
			done++;
		}
	}
	if (!done)
		SKIP(return, "no CPU can go offline");
}

/* Down to the last one and up again, with migration switched in between */
TEST_F(timer_migration, hotplug_to_the_last)
{
	int i, offline = 0;

	ASSERT_TRUE(populate(self->all, &self->cpus, 2, 50, 200));
	ASSERT_TRUE(all_slept(self->all, 1));
	for (i = self->cpus.nr - 1; i > 0; i--)
		offline += can_offline(self->cpus.cpu[i]) && set_online(self->cpus.cpu[i], false);
	if (!offline)
		SKIP(return, "no CPU can go offline");

	EXPECT_TRUE(all_slept(self->all, 2));
	ASSERT_TRUE(write_file(SYSCTL, "0"));
	EXPECT_TRUE(all_slept(self->all, 1));
	for (i = 1; i < self->cpus.nr; i++) {
		if (can_offline(self->cpus.cpu[i]))
			ASSERT_TRUE(set_online(self->cpus.cpu[i], true));
		if (i == 1)
			ASSERT_TRUE(write_file(SYSCTL, "1"));
	}
	EXPECT_TRUE(all_slept(self->all, 2));
	EXPECT_EQ(0, early_ones(self->all));
}

/* A CPU that is there and has never been up: all others are, between two tests. */
static int late_cpu(const struct cpus *online)
{
	struct cpus present = parse_cpus(read_line(CPU_DIR "/present"));
	int i, k;

	for (i = 0; i < present.nr; i++) {
		for (k = 0; k < online->nr && online->cpu[k] != present.cpu[i]; k++)
			;
		if (k == online->nr && can_offline(present.cpu[i]))
			return present.cpu[i];
	}
	return -1;
}

/* An open /proc/thread-self/fail-nth, with which allocations of this task can fail, or -1 */
static int open_fail_nth(void)
{
	if (!write_file(FAILSLAB "/ignore-gfp-wait", "N") || !write_file(FAILSLAB "/verbose", "0"))
		return -1;
	return open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

/*
 * The state of CPU hotplug in which a CPU gets its place, and the one before; false
 * if there is none, or CPUs cannot stop there.
 */
static bool find_prepare(int cpu, char before[8], char prepare[8])
{
	FILE *f = fopen(CPU_DIR "/hotplug/states", "re");
	char line[128], path[64];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = strstr(line, ": tmigr:prepare");
		snprintf(found ? prepare : before, 8, "%ld", strtol(line, NULL, 10));
	}
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), CPU_DIR "/cpu%d/hotplug/target", cpu);
	return found && write_file(path, before);
}

/* Returns whether the @nth allocation on the way to @state was reached, and failed. */
static bool set_state_without(int fail_nth, unsigned int nth, int cpu, const char *state)
{
	char text[16] = "", path[64];
	bool reached;

	snprintf(path, sizeof(path), CPU_DIR "/cpu%d/hotplug/target", cpu);
	snprintf(text, sizeof(text), "%u", nth);
	if (pwrite(fail_nth, text, strlen(text), 0) < 0)
		return false;
	write_file(path, state);
	/* What is left of @nth. No library here, which might allocate */
	reached = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && text[0] == '0';
	return pwrite(fail_nth, "0", 1, 0) == 1 && reached;
}

/*
 * A CPU that comes up for the first time gets its place in the hierarchy, for which
 * that may have to grow: each allocation is made to fail once, if the kernel can do
 * that. To be booted with maxcpus=; with 8 CPUs the next needs a group of its own
 * and one that holds both.
 */
TEST_F(timer_migration, cpu_that_comes_late)
{
	int cpu = late_cpu(&self->cpus), fail_nth;
	struct cpus late = { .nr = 1, .cpu = { cpu }, };
	char before[8] = "", prepare[8] = "";
	unsigned int nth;

	if (cpu < 0)
		SKIP(return, "all CPUs have been up");
	fail_nth = open_fail_nth();

	ASSERT_TRUE(populate(self->all, &self->cpus, 2, 50, 200));
	ASSERT_TRUE(all_slept(self->all, 1));

	if (fail_nth >= 0 && find_prepare(cpu, before, prepare)) {
		for (nth = 1; set_state_without(fail_nth, nth, cpu, prepare); nth++)
			EXPECT_TRUE(all_slept(self->all, 1))
				TH_LOG("after allocation %u has failed", nth);
		ksft_print_msg("%u allocations on the way to state %s failed\n", nth - 1,
			       prepare);
		EXPECT_LT(2, nth);
	} else {
		ksft_print_msg("allocations cannot be made to fail\n");
	}

	ASSERT_TRUE(set_online(cpu, true));
	EXPECT_TRUE(all_slept(self->all, 2));
	ASSERT_TRUE(populate(self->all, &late, 4, 50, 200));
	EXPECT_TRUE(all_slept(self->all, 4));
	EXPECT_EQ(0, early_ones(self->all));
}

/*
 * Isolation
 */

/* Timers from @isolated stay there, and none of others come. */
static void expect_separate(struct __test_metadata *_metadata, const struct journey *j,
			    const struct cpus *isolated)
{
	int i;

	for (i = 0; i < isolated->nr; i++) {
		EXPECT_EQ(0, j->from[isolated->cpu[i] % MAX_CPUS])
			TH_LOG("pulled from CPU %d", isolated->cpu[i]);
		EXPECT_EQ(0, j->by[isolated->cpu[i] % MAX_CPUS])
			TH_LOG("pulled by CPU %d", isolated->cpu[i]);
	}
}

/* None of @cpus has to wake for its timers. */
static void expect_pulled_from(struct __test_metadata *_metadata, const struct journey *j,
			       const struct cpus *cpus)
{
	int i;

	for (i = 0; i < cpus->nr; i++)
		EXPECT_LT(0, j->from[cpus->cpu[i] % MAX_CPUS])
			TH_LOG("nothing pulled from CPU %d", cpus->cpu[i]);
}

/* CPUs that the boot parameters isolate: @path is the kernel's list of them */
static void boot_isolation(struct __test_metadata *_metadata, struct sleepers *all,
			   const struct cpus *cpus, const char *path, bool separate)
{
	struct cpus isolated = parse_cpus(read_line(path));
	struct journey j;

	if (!isolated.nr)
		SKIP(return, "not booted with it");

	ASSERT_TRUE(populate(all, cpus, 2, 100, 100));
	ASSERT_TRUE(all_slept(all, 2));
	if (!trace_begin())
		SKIP(return, "no trace events of timers");
	ASSERT_TRUE(all_slept(all, 10));
	ASSERT_TRUE(read_journey(all, &j));
	print_journey(&j);
	EXPECT_EQ(0, early_ones(all));
	if (!pulls())
		return;
	if (separate)
		expect_separate(_metadata, &j, &isolated);
	else
		expect_pulled_from(_metadata, &j, &isolated);
}

TEST_F(timer_migration, isolcpus)
{
	boot_isolation(_metadata, self->all, &self->cpus, CPU_DIR "/isolated", true);
}

/* Those remain part of it, so that they need not handle their timers: others do */
TEST_F(timer_migration, nohz_full)
{
	boot_isolation(_metadata, self->all, &self->cpus, CPU_DIR "/nohz_full", false);
}

/* Timers are queued beside a task which is busy, while the tick is stopped or not */
TEST_F(timer_migration, nohz_full_busy)
{
	struct cpus full = parse_cpus(read_line(CPU_DIR "/nohz_full"));
	int last = full.nr - 1;

	if (!full.nr)
		SKIP(return, "not booted with it");

	self->spinner = spin_on(full.cpu[last]);
	ASSERT_LT(0, self->spinner);
	ASSERT_TRUE(populate(self->all, &self->cpus, 1, 50, 100));
	ASSERT_TRUE(add_sleeper(self->all, full.cpu[last], NULL, 50, 100, 0));
	EXPECT_TRUE(all_slept(self->all, 20));
	EXPECT_EQ(0, early_ones(self->all));
}

/**
 * struct cgroup - a cgroup that is a partition
 * @root:	where the hierarchy is mounted
 * @dir:	its directory
 * @procs:	its file cgroup.procs
 * @mounted:	@root is mounted
 */
struct cgroup {
	char	root[32];
	char	dir[64];
	char	procs[128];
	bool	mounted;
};

FIXTURE(partition) {
	struct sleepers	*all;
	struct cpus	cpus;
	int		isolated;
	char		watchdog[16];
	struct cgroup	cgroup;
};

static bool partition_write(const char *dir, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return write_file(path, text);
}

static const char *partition_read(const char *dir, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return read_line(path);
}

static bool isolate(const char *dir, bool isolated)
{
	const char *kind = isolated ? "isolated" : "member";

	return partition_write(dir, "cpuset.cpus.partition", kind) &&
	       !strcmp(partition_read(dir, "cpuset.cpus.partition"), kind);
}

/* The reason why there cannot be a partition, or NULL */
static const char *make_partition(struct cgroup *cg, int cpu)
{
	char cpus[16];

	snprintf(cg->root, sizeof(cg->root), "/tmp/timer_migration.XXXXXX");
	if (!mkdtemp(cg->root))
		return "no temporary directory";
	cg->mounted = !mount("none", cg->root, "cgroup2", 0, NULL);
	if (!cg->mounted)
		return "no cgroup v2";
	if (!strstr(partition_read(cg->root, "cgroup.controllers"), "cpuset") ||
	    !partition_write(cg->root, "cgroup.subtree_control", "+cpuset"))
		return "no cpuset in cgroup v2";

	snprintf(cg->dir, sizeof(cg->dir), "%s/timer_test", cg->root);
	snprintf(cg->procs, sizeof(cg->procs), "%s/cgroup.procs", cg->dir);
	snprintf(cpus, sizeof(cpus), "%d", cpu);
	if (mkdir(cg->dir, 0700) || !partition_write(cg->dir, "cpuset.cpus", cpus) ||
	    !isolate(cg->dir, true))
		return "no CPU can be isolated";
	return NULL;
}

static void remove_partition(const struct cgroup *cg)
{
	if (cg->dir[0]) {
		isolate(cg->dir, false);
		rmdir(cg->dir);
	}
	if (cg->mounted)
		umount(cg->root);
	rmdir(cg->root);
}

/* nohz_full CPUs take part in any case. Returns -1 if there are no others. */
static int last_with_tick(const struct cpus *cpus)
{
	struct cpus full = parse_cpus(read_line(CPU_DIR "/nohz_full"));
	int i, k;

	for (i = cpus->nr - 1; i >= 0; i--) {
		for (k = 0; k < full.nr && full.cpu[k] != cpus->cpu[i]; k++)
			;
		if (k == full.nr)
			return cpus->cpu[i];
	}
	return -1;
}

FIXTURE_SETUP(partition)
{
	const char *reason;

	if (geteuid())
		SKIP(return, "needs root");
	if (!exists(SYSCTL))
		SKIP(return, "no " SYSCTL ": not SMP, or the tick never stops");
	/* The CPU that goes into the partition would not come back out of it */
	if (*read_line(CPU_DIR "/isolated"))
		SKIP(return, "booted with isolcpus=");
	self->cpus = online_cpus();
	if (self->cpus.nr < 3)
		SKIP(return, "needs three CPUs");
	self->isolated = last_with_tick(&self->cpus);
	if (self->isolated < 0)
		SKIP(return, "all CPUs are nohz_full");
	self->all = new_sleepers();
	ASSERT_NE(NULL, self->all);

	reason = make_partition(&self->cgroup, self->isolated);
	if (reason) {
		remove_partition(&self->cgroup);
		SKIP(return, "%s", reason);
	}
	stop_watchdog(self->watchdog);
}

FIXTURE_TEARDOWN(partition)
{
	end_sleepers(self->all);
	trace_end();
	remove_partition(&self->cgroup);
	restore_watchdog(self->watchdog);
}

/* On each CPU, in the cgroup that may use it */
static bool populate_all(struct sleepers *all, const struct cpus *cpus, int isolated,
			 const char *procs, unsigned int ms)
{
	int i, n;

	for (n = 0; n < 2; n++) {
		for (i = 0; i < cpus->nr; i++) {
			int cpu = cpus->cpu[i];

			if (!add_sleeper(all, cpu, cpu == isolated ? procs : NULL, ms, ms, 0))
				return false;
		}
	}
	return true;
}

TEST_F(partition, isolated)
{
	struct cpus isolated = { .nr = 1, .cpu = { self->isolated, }, };
	struct journey j;

	ASSERT_TRUE(populate_all(self->all, &self->cpus, self->isolated, self->cgroup.procs, 100));
	EXPECT_TRUE(all_slept(self->all, 2));
	if (!trace_begin())
		SKIP(return, "no trace events of timers");
	EXPECT_TRUE(all_slept(self->all, 10));
	ASSERT_TRUE(read_journey(self->all, &j));
	print_journey(&j);
	EXPECT_LT(0, j.kept);
	EXPECT_EQ(0, early_ones(self->all));

	/* Without pulling, it is settled when they are queued. */
	if (pulls())
		expect_separate(_metadata, &j, &isolated);
}

/* With timers pending on all CPUs */
TEST_F(partition, flips)
{
	int i;

	ASSERT_TRUE(populate_all(self->all, &self->cpus, self->isolated, self->cgroup.procs, 200));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(isolate(self->cgroup.dir, i & 1));
		sleep_ms(50 + 10 * i);
	}
	EXPECT_TRUE(all_slept(self->all, 2));
	EXPECT_EQ(0, early_ones(self->all));
}

/* What was isolated takes part again: its timers are pulled as before. */
TEST_F(partition, comes_back)
{
	struct journey j;
	pid_t spinner;

	if (!pulls())
		SKIP(return, "this kernel does not pull");
	spinner = spin_on(self->cpus.cpu[0]);
	ASSERT_LT(0, spinner);
	ASSERT_TRUE(populate_all(self->all, &self->cpus, self->isolated, self->cgroup.procs, 100));
	EXPECT_TRUE(all_slept(self->all, 2));
	EXPECT_TRUE(isolate(self->cgroup.dir, false));
	EXPECT_TRUE(all_slept(self->all, 2));
	if (trace_begin()) {
		EXPECT_TRUE(all_slept(self->all, 10));
		EXPECT_TRUE(read_journey(self->all, &j));
		print_journey(&j);
		EXPECT_LT(0, j.from[self->isolated % MAX_CPUS]);
	}
	kill(spinner, SIGKILL);
	waitpid(spinner, NULL, 0);
}

/*
 * Suspend to idle
 */

#define SUSPENSIONS	3
#define SUSPEND_S	3

/*
 * A PC's RTC wakes it up by way of its firmware's fixed events, which emulators
 * do not do. A serial console that may wake the system up, and somebody who types
 * on it now and then, replace the RTC.
 */
static bool rtc_wakes(void)
{
	return system("grep -q '^flags.* hypervisor' /proc/cpuinfo");
}

static bool console_wakes(void)
{
	return !strcmp(read_line("/sys/class/tty/ttyS0/power/wakeup"), "enabled");
}

/* What wakes the system up may come so early that it does not even fall asleep. */
static bool suspend(void)
{
	int attempt;

	for (attempt = 0; attempt < 50; attempt++) {
		if (write_file("/sys/power/state", "freeze"))
			return true;
		if (errno != EBUSY)
			return false;
		sleep_ms(100 + 20 * attempt);
	}
	errno = EBUSY;
	return false;
}

/*
 * Whether the wheel's clock stands still meanwhile depends on the idle states. In
 * each suspension there are timers which end in it and others which outlast it.
 */
TEST_F(timer_migration, suspend_to_idle)
{
	struct itimerspec its = { .it_value.tv_sec = SUSPEND_S, };
	int i, fd;

	if (!strstr(read_line("/sys/power/state"), "freeze"))
		SKIP(return, "no suspend to idle");
	if (!rtc_wakes() && !console_wakes())
		SKIP(return, "nothing that wakes this emulated machine up");
	fd = timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC);
	if (fd < 0 && !console_wakes())
		SKIP(return, "nothing that wakes the system up: %s", strerror(errno));

	ASSERT_TRUE(populate(self->all, &self->cpus, 2, 100, 400));
	ASSERT_TRUE(populate(self->all, &self->cpus, 1, 2000 * SUSPEND_S, 1000));
	for (i = 0; i < SUSPENSIONS; i++) {
		uint64_t ran = now_ns(CLOCK_MONOTONIC), passed = now_ns(CLOCK_BOOTTIME);

		sleep_ms(300);
		if (fd >= 0)
			ASSERT_EQ(0, timerfd_settime(fd, 0, &its, NULL));
		if (!suspend())
			SKIP(return, "suspend to idle fails: %s", strerror(errno));
		ran = now_ns(CLOCK_MONOTONIC) - ran;
		passed = now_ns(CLOCK_BOOTTIME) - passed;
		ksft_print_msg("back after %llu ms, in which the clock ran for %llu ms\n",
			       (unsigned long long)(passed / NSEC_PER_MSEC),
			       (unsigned long long)(ran / NSEC_PER_MSEC));

		/* All that were asleep come back. */
		ASSERT_TRUE(all_slept(self->all, 1))
			TH_LOG("suspension %d", i);
		EXPECT_EQ(0, early_ones(self->all));
	}
	close(fd);
}

TEST_HARNESS_MAIN
