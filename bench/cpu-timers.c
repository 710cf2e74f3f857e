// SPDX-License-Identifier: GPL-2.0
/*
 * cpu-timers - how late POSIX CPU timers and itimers are
 *
 * usage: cpu-timers METRIC X
 *
 *   last_signal_lateness N
 *	N process CPU timers expire together. The lateness of the last signal:
 *	CPU time of the process when its handler runs, minus the expiry time.
 *
 *   itimer_prof_syscall_lateness MB
 *	ITIMER_PROF of 100 ms expires inside one getrandom() of MB megabytes.
 *	The lateness of its SIGPROF, on the same clock.
 *
 * Prints "METRIC<TAB>X<TAB>VALUE<TAB>ns". Both measure on the clock which the
 * timers themselves run on, so other load on the machine does not count.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL

/* Give up after this much CPU time without the last signal. */
#define GIVE_UP_NS	(60 * NSEC_PER_SEC)

static volatile sig_atomic_t signals;
static volatile int64_t last_signal_ns;

static void die(const char *what)
{
	fprintf(stderr, "cpu-timers: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t cpu_time_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void note_signal(int sig)
{
	(void)sig;
	signals++;
	last_signal_ns = cpu_time_ns();
}

static void catch_signal(int sig)
{
	struct sigaction sa = { .sa_handler = note_signal, };

	if (sigaction(sig, &sa, NULL))
		die("sigaction");
}

static void report(const char *metric, long x, int64_t value)
{
	printf("%s\t%ld\t%lld\tns\n", metric, x, (long long)value);
}

/*
 * Arm all timers for one point in time far enough ahead that the last one is
 * armed before the first expires. Returns that time, or 0 if it was too near.
 */
static int64_t arm_timers(timer_t *timers, long nr, int64_t ahead)
{
	int64_t expiry = cpu_time_ns() + ahead;
	struct itimerspec its = {
		.it_value.tv_sec  = expiry / NSEC_PER_SEC,
		.it_value.tv_nsec = expiry % NSEC_PER_SEC,
	};
	long i;

	for (i = 0; i < nr; i++) {
		if (timer_settime(timers[i], TIMER_ABSTIME, &its, NULL))
			die("timer_settime");
	}
	return cpu_time_ns() < expiry ? expiry : 0;
}

static int last_signal_lateness(long nr)
{
	struct sigevent sev = {
		.sigev_notify	= SIGEV_SIGNAL,
		.sigev_signo	= SIGRTMIN,
	};
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int64_t ahead = 20 * NSEC_PER_MSEC, expiry;
	timer_t *timers;
	long i;

	/* Every timer owns a queued signal. */
	setrlimit(RLIMIT_SIGPENDING, &unlimited);
	timers = calloc(nr, sizeof(*timers));
	if (!timers)
		die("calloc");

	catch_signal(SIGRTMIN);
	for (i = 0; i < nr; i++) {
		if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &sev, &timers[i]))
			die("timer_create");
	}

	while (!(expiry = arm_timers(timers, nr, ahead))) {
		struct itimerspec off = { };

		for (i = 0; i < nr; i++)
			timer_settime(timers[i], 0, &off, NULL);
		signals = 0;
		ahead *= 2;
	}

	while (signals < nr) {
		if (cpu_time_ns() > expiry + GIVE_UP_NS) {
			fprintf(stderr, "cpu-timers: %d of %ld signals came\n",
				(int)signals, nr);
			return 1;
		}
	}
	report("last_signal_lateness", nr, last_signal_ns - expiry);
	return 0;
}

static int itimer_prof_syscall_lateness(long mb)
{
	struct itimerval itv = { .it_value.tv_usec = 100 * 1000, };
	size_t size = (size_t)mb << 20;
	int64_t expiry;
	char *buf;

	buf = malloc(size);
	if (!buf)
		die("malloc");
	/* Page faults and the wait for a seed belong to the preparation. */
	memset(buf, 0, size);
	if (getrandom(buf, 1, 0) != 1)
		die("getrandom");

	catch_signal(SIGPROF);
	expiry = cpu_time_ns() + 100 * NSEC_PER_MSEC;
	if (setitimer(ITIMER_PROF, &itv, NULL))
		die("setitimer");

	if (getrandom(buf, size, 0) < 0 && errno != EINTR)
		die("getrandom");
	if (cpu_time_ns() < expiry) {
		fprintf(stderr, "cpu-timers: getrandom() of %ld MB is too short\n", mb);
		return 1;
	}
	while (!signals && cpu_time_ns() < expiry + GIVE_UP_NS)
		;
	if (!signals)
		return 1;

	report("itimer_prof_syscall_lateness", mb, last_signal_ns - expiry);
	return 0;
}

int main(int argc, char **argv)
{
	long x = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (x > 0 && !strcmp(argv[1], "last_signal_lateness"))
		return last_signal_lateness(x);
	if (x > 0 && !strcmp(argv[1], "itimer_prof_syscall_lateness"))
		return itimer_prof_syscall_lateness(x);

	fprintf(stderr, "usage: cpu-timers last_signal_lateness N\n"
			"       cpu-timers itimer_prof_syscall_lateness MB\n");
	return 2;
}
