// SPDX-License-Identifier: GPL-2.0
/*
 * timer-check - does this kernel's timer code do its job at all?
 *
 * A minute's look at every kind of timer that user space has, for the report
 * of "make boot". Nothing here asserts how late a timer may be: a timer must
 * come, must not come early, and must come as often as it was asked for. One
 * that never comes is caught by the harness, which ends a test after 30 s.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define MS(x)	((x) * 1000000LL)

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

static void catch_signal(int sig)
{
	struct sigaction sa = { .sa_handler = count_signal, };

	signals = 0;
	sigaction(sig, &sa, NULL);
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct timespec to_timespec(int64_t ns)
{
	return (struct timespec) {
		.tv_sec  = ns / 1000000000LL,
		.tv_nsec = ns % 1000000000LL,
	};
}

/* Arm a one-shot timer on @clock, spin or sleep until it fired: time it took. */
static int64_t one_shot(clockid_t clock, int64_t ns, bool spin)
{
	struct sigevent sev = {
		.sigev_notify	= SIGEV_SIGNAL,
		.sigev_signo	= SIGUSR1,
	};
	struct itimerspec its = { .it_value = to_timespec(ns), };
	sigset_t block, old;
	int64_t start;
	timer_t id;

	catch_signal(SIGUSR1);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	if (!spin)
		sigprocmask(SIG_BLOCK, &block, &old);

	if (timer_create(clock, &sev, &id))
		return -1;
	start = now_ns(clock);
	timer_settime(id, 0, &its, NULL);
	while (!signals) {
		if (!spin)
			sigsuspend(&old);
	}
	ns = now_ns(clock) - start;
	timer_delete(id);
	return ns;
}

static int itimer_ticks(int which, int sig, int wanted)
{
	struct itimerval itv = {
		.it_value.tv_usec	= 20000,
		.it_interval.tv_usec	= 20000,
	}, off = { };

	catch_signal(sig);
	setitimer(which, &itv, NULL);
	while (signals < wanted)
		;
	setitimer(which, &off, NULL);
	return signals;
}

TEST(clock_never_goes_back)
{
	int64_t last = now_ns(CLOCK_MONOTONIC), t;
	int i;

	for (i = 0; i < 100000; i++) {
		t = now_ns(CLOCK_MONOTONIC);
		ASSERT_GE(t, last);
		last = t;
	}
}

TEST(nanosleep_not_early)
{
	int64_t start, want;

	for (want = MS(1); want <= MS(100); want *= 10) {
		struct timespec ts = to_timespec(want);

		start = now_ns(CLOCK_MONOTONIC);
		ASSERT_EQ(0, clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL));
		EXPECT_GE(now_ns(CLOCK_MONOTONIC) - start, want);
	}
}

TEST(posix_timer_monotonic)
{
	EXPECT_GE(one_shot(CLOCK_MONOTONIC, MS(30), false), MS(30));
}

TEST(posix_timer_realtime)
{
	EXPECT_GE(one_shot(CLOCK_REALTIME, MS(30), false), MS(30));
}

TEST(posix_timer_process_cpu)
{
	EXPECT_GE(one_shot(CLOCK_PROCESS_CPUTIME_ID, MS(30), true), MS(30));
}

TEST(posix_timer_thread_cpu)
{
	EXPECT_GE(one_shot(CLOCK_THREAD_CPUTIME_ID, MS(30), true), MS(30));
}

TEST(itimer_real)
{
	EXPECT_GE(itimer_ticks(ITIMER_REAL, SIGALRM, 3), 3);
}

TEST(itimer_virtual)
{
	EXPECT_GE(itimer_ticks(ITIMER_VIRTUAL, SIGVTALRM, 3), 3);
}

TEST(itimer_prof)
{
	EXPECT_GE(itimer_ticks(ITIMER_PROF, SIGPROF, 3), 3);
}

TEST(timerfd_counts_periods)
{
	struct itimerspec its = {
		.it_value	= to_timespec(MS(20)),
		.it_interval	= to_timespec(MS(10)),
	};
	uint64_t ticks = 0, n;
	int64_t start = now_ns(CLOCK_MONOTONIC), took;
	int fd;

	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, timerfd_settime(fd, 0, &its, NULL));
	while (ticks < 5) {
		ASSERT_EQ((ssize_t)sizeof(n), read(fd, &n, sizeof(n)));
		ticks += n;
	}
	took = now_ns(CLOCK_MONOTONIC) - start;
	EXPECT_LE(ticks, (uint64_t)(took - MS(20)) / MS(10) + 1);
	close(fd);
}

static void *burn_cpu(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		;
	return NULL;
}

TEST(nanosleep_on_another_threads_clock)
{
	struct timespec ts = to_timespec(MS(30));
	int stop = 0;
	clockid_t clock;
	pthread_t thread;
	int64_t start;

	ASSERT_EQ(0, pthread_create(&thread, NULL, burn_cpu, &stop));
	ASSERT_EQ(0, pthread_getcpuclockid(thread, &clock));
	start = now_ns(clock);
	ASSERT_EQ(0, clock_nanosleep(clock, 0, &ts, NULL));
	EXPECT_GE(now_ns(clock) - start, MS(30));
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST(rlimit_cpu_soft_then_hard)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		struct rlimit limit = { .rlim_cur = 1, .rlim_max = 2, };

		catch_signal(SIGXCPU);
		setrlimit(RLIMIT_CPU, &limit);
		while (!signals)
			;
		/* Only the hard limit ends this one: SIGKILL. */
		for (;;)
			;
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

TEST_HARNESS_MAIN
