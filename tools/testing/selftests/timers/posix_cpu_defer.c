// SPDX-License-Identifier: GPL-2.0
/*
 * POSIX CPU timers, ITIMER_PROF and ITIMER_VIRTUAL, RLIMIT_CPU and
 * RLIMIT_RTTIME: what user space may rely on, whether the kernel expires them in
 * the tick or defers that to the task.
 *
 * Nothing here looks at the wall clock except to give up. How late a signal may
 * be is asked for in terms of the work that the task has done until then: it has
 * to arrive before a system call that is much longer than the timer has ended.
 *
 * The long system call is getrandom(). It does nothing but burn CPU time for as
 * long as it is told to, it can be interrupted, and how far it got is known.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id	_sigev_un._tid
#endif

#ifndef GRND_INSECURE
#define GRND_INSECURE		4
#endif

#define NSEC_PER_SEC		1000000000ULL
#define NSEC_PER_MSEC		1000000ULL
#define NSEC_PER_USEC		1000ULL

/* Which of the three CPU clocks; the kernel's names for its ABI */
#define CPUCLOCK_PROF		0
#define CPUCLOCK_VIRT		1
#define CPUCLOCK_SCHED		2
#define CPUCLOCK_MAX		3
#define CPUCLOCK_PERTHREAD	4

#define SIG_TIMER		SIGRTMIN

/* CPU time after which a signal that is due at once counts as lost */
#define GIVE_UP_NS		(10 * NSEC_PER_SEC)

/* CLOCK_MONOTONIC time after which something is stuck */
#define STUCK_S			60

/* More than that, for an emulated CPU which runs a kernel with all its checks */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(3 * STUCK_S)

/* An argument that makes this program end at once, for those who exec() it */
#define EXEC_ARG		"--exit"

/* For children and for threads, in which the harness' macros do not work */
#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			check_failed(#cond, __LINE__);			\
	} while (0)

static __noreturn void check_failed(const char *cond, int line)
{
	fprintf(stderr, "# line %d: not true: %s (errno: %s)\n", line, cond, strerror(errno));
	_exit(KSFT_FAIL);
}

/*
 * Clocks and CPU time
 */

static clockid_t process_clock(pid_t pid, int which)
{
	return (clockid_t)(~(unsigned int)pid << 3 | which);
}

static clockid_t thread_clock(pid_t tid, int which)
{
	return process_clock(tid, which) | CPUCLOCK_PERTHREAD;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	CHECK(!clock_gettime(clock, &ts));
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static uint64_t process_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static uint64_t thread_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static uint64_t rusage_ns(const struct rusage *ru)
{
	return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * NSEC_PER_SEC +
	       (ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) * NSEC_PER_USEC;
}

static struct timespec to_timespec(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec		= ns / NSEC_PER_SEC,
		.tv_nsec	= ns % NSEC_PER_SEC,
	};

	return ts;
}

static struct timeval to_timeval(uint64_t ns)
{
	struct timeval tv = {
		.tv_sec		= ns / NSEC_PER_SEC,
		.tv_usec	= ns % NSEC_PER_SEC / NSEC_PER_USEC,
	};

	return tv;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = to_timespec(ns);

	nanosleep(&ts, NULL);
}

/* Time in user mode, long enough to make the system calls around it negligible */
static void spin(void)
{
	int i;

	for (i = 0; i < 20000; i++)
		asm volatile("" ::: "memory");
}

static void burn(uint64_t ns)
{
	uint64_t end = thread_ns() + ns;

	while (thread_ns() < end)
		spin();
}

/* For moments that differ from iteration to iteration, and not from run to run */
static unsigned int jitter_us(unsigned int max_us)
{
	static atomic_uint state = 12345;

	return (state = state * 1103515245 + 12345) / 65536 % max_us;
}

static void burn_jitter(unsigned int max_us)
{
	uint64_t end = thread_ns() + jitter_us(max_us) * NSEC_PER_USEC;

	while (thread_ns() < end)
		;
}

/*
 * Signals and timers
 */

static atomic_int hits;

static void count_hit(__always_unused int sig)
{
	hits++;
}

static void handle(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, };

	CHECK(!sigaction(sig, &sa, NULL));
}

static void handle_info(int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO, };

	CHECK(!sigaction(sig, &sa, NULL));
}

static void block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK(!pthread_sigmask(SIG_BLOCK, &set, NULL));
}

static void unblock(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK(!pthread_sigmask(SIG_UNBLOCK, &set, NULL));
}

static bool is_pending(int sig)
{
	sigset_t set;

	CHECK(!sigpending(&set));
	return sigismember(&set, sig);
}

/* In user mode until @count has reached @n. False if that does not happen. */
static bool spin_until(atomic_int *count, int n)
{
	uint64_t end = thread_ns() + GIVE_UP_NS;

	while (*count < n) {
		if (thread_ns() > end)
			return false;
		spin();
	}
	return true;
}

/* Asleep until @count has reached @n. False if that does not happen. */
static bool sleep_until(atomic_int *count, int n)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + STUCK_S * NSEC_PER_SEC;

	while (*count < n) {
		if (clock_ns(CLOCK_MONOTONIC) > end)
			return false;
		sleep_ns(NSEC_PER_MSEC / 2);
	}
	return true;
}

static int new_timer_for(pid_t tid, clockid_t clock, int sig, int value, timer_t *id)
{
	struct sigevent sev = {
		.sigev_notify		= tid ? SIGEV_THREAD_ID : SIGEV_SIGNAL,
		.sigev_signo		= sig,
		.sigev_value.sival_int	= value,
	};

	sev.sigev_notify_thread_id = tid;
	return timer_create(clock, &sev, id);
}

static timer_t new_timer(clockid_t clock, int sig, int value)
{
	timer_t id;

	CHECK(!new_timer_for(0, clock, sig, value, &id));
	return id;
}

static int set_timer(timer_t id, int flags, uint64_t value, uint64_t interval)
{
	struct itimerspec its = {
		.it_value	= to_timespec(value),
		.it_interval	= to_timespec(interval),
	};

	return timer_settime(id, flags, &its, NULL);
}

static timer_t start_timer(clockid_t clock, uint64_t value, uint64_t interval)
{
	timer_t id = new_timer(clock, SIG_TIMER, 0);

	CHECK(!set_timer(id, 0, value, interval));
	return id;
}

static int set_itimer(int which, uint64_t value, uint64_t interval)
{
	struct itimerval itv = {
		.it_value	= to_timeval(value),
		.it_interval	= to_timeval(interval),
	};

	return setitimer(which, &itv, NULL);
}

/*
 * Threads and children
 */

static pthread_t start_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, fn, arg));
	return thread;
}

static pid_t spawn(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	if (!pid) {
		hits = 0;
		fn(arg);
		_exit(KSFT_PASS);
	}
	return pid;
}

/* Wait for a child. False, and the child is killed, if it takes too long. */
static bool reap(pid_t pid, int *status, struct rusage *ru)
{
	const struct timespec timeout = { .tv_sec = STUCK_S, };
	struct pollfd pfd = {
		.fd	= syscall(__NR_pidfd_open, pid, 0),
		.events	= POLLIN,
	};
	sigset_t all;
	bool ended;

	CHECK(pfd.fd >= 0);
	sigfillset(&all);
	ended = ppoll(&pfd, 1, &timeout, &all) == 1;
	close(pfd.fd);
	if (!ended)
		kill(pid, SIGKILL);
	while (wait4(pid, status, 0, ru) != pid)
		CHECK(errno == EINTR);
	return ended;
}

static bool exited_with(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static bool killed_by(int status, int sig)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

/* Memory that a child or another process sees, zeroed */
static void *shared_memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(mem != MAP_FAILED);
	return mem;
}

static unsigned int allowed_cpus(cpu_set_t *allowed)
{
	CHECK(!sched_getaffinity(0, sizeof(*allowed), allowed));
	return CPU_COUNT(allowed);
}

/* The @n'th of the CPUs that the task may run on, modulo their number */
static int nth_cpu(const cpu_set_t *allowed, unsigned int n)
{
	int cpu;

	n %= CPU_COUNT(allowed);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, allowed) && !n--)
			return cpu;
	}
	return -1;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(!sched_setaffinity(0, sizeof(set), &set));
}

/* For the calling thread, but not for the threads and children it starts */
static int set_fifo(int priority)
{
	struct sched_param param = { .sched_priority = priority, };

	return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
}

/*
 * The long system call
 *
 * How many bytes take how long is found out at run time. A fast CPU produces
 * gigabytes in the time that the tests need, so the buffer is a few pages which
 * are mapped over and over again.
 */

#define ALIAS_SIZE		(2UL << 20)
#define LONG_CALL_MAX		((size_t)INT_MAX & ~(ALIAS_SIZE - 1))
#define SHORT_CALL		(32UL << 10)

/* NULL if there is no room for it */
static char *aliased_buffer(size_t len)
{
	char *first = shared_memory(ALIAS_SIZE);
	size_t offset;
	char *buf;

	len = (len + ALIAS_SIZE - 1) & ~(ALIAS_SIZE - 1);
	buf = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (buf == MAP_FAILED)
		return NULL;

	/* An old size of 0 leaves the old mapping of shared memory where it is */
	for (offset = 0; offset < len; offset += ALIAS_SIZE) {
		CHECK(mremap(first, 0, ALIAS_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			     buf + offset) == buf + offset);
	}
	return buf;
}

/* The best of several attempts, because a CPU that was idle is slow at first */
static uint64_t random_bytes_per_s(void)
{
	char *buf = aliased_buffer(SHORT_CALL);
	uint64_t best = 0;
	int i;

	CHECK(buf);

	/* The first access allocates pages, of which a buffer of aliases has few */
	memset(buf, 0, SHORT_CALL);

	for (i = 0; i < 4; i++) {
		uint64_t start = thread_ns(), bytes = 0, spent, rate;

		do {
			ssize_t ret = getrandom(buf, SHORT_CALL, GRND_INSECURE);

			CHECK(ret > 0);
			bytes += ret;
			spent = thread_ns() - start;
		} while (spent < 20 * NSEC_PER_MSEC);

		rate = bytes * NSEC_PER_SEC / spent;
		if (rate > best)
			best = rate;
	}
	return best;
}

struct long_call {
	char	*buf;
	size_t	len;
};

/* False if no call can be that long */
static bool prepare_long_call(struct long_call *call, uint64_t ns)
{
	uint64_t len = random_bytes_per_s() / 1000 * (ns / NSEC_PER_MSEC);

	if (len > LONG_CALL_MAX)
		return false;

	call->buf = aliased_buffer(len);
	call->len = len;
	return call->buf;
}

static ssize_t make_long_call(const struct long_call *call)
{
	return getrandom(call->buf, call->len, GRND_INSECURE);
}

/*
 * Was the call interrupted before it had done @num / @den of its work? One that
 * is interrupted right away returns an error.
 */
static bool cut_short(const struct long_call *call, ssize_t ret, unsigned int num,
		      unsigned int den)
{
	if (ret < 0)
		return errno == EINTR;
	return (uint64_t)ret < (uint64_t)call->len * num / den;
}

#define TOO_FAST	"this CPU is too fast for a long getrandom()"

/*
 * All clocks
 */

#define NR_BASES	(2 * CPUCLOCK_MAX)

struct base_timer {
	clockid_t	clock;
	timer_t		id;
	uint64_t	expires;
	atomic_int	early;
	atomic_int	hits;
};

static struct base_timer bases[NR_BASES];

static void base_expired(__always_unused int sig, siginfo_t *si, __always_unused void *uc)
{
	struct base_timer *bt = &bases[si->si_value.sival_int];

	if (clock_ns(bt->clock) < bt->expires)
		bt->early++;
	bt->hits++;
	hits++;
}

/* One timer per clock of the thread and of the process, with itimers and all */
TEST(all_clocks)
{
	int i;

	handle_info(SIG_TIMER, base_expired);
	handle(SIGPROF, count_hit);
	handle(SIGVTALRM, count_hit);

	for (i = 0; i < NR_BASES; i++) {
		struct base_timer *bt = &bases[i];

		bt->clock = i < CPUCLOCK_MAX ? process_clock(0, i) :
					       thread_clock(0, i - CPUCLOCK_MAX);
		bt->id = new_timer(bt->clock, SIG_TIMER, i);
		bt->expires = clock_ns(bt->clock) + (10 + 5 * i) * NSEC_PER_MSEC;
		ASSERT_EQ(0, set_timer(bt->id, TIMER_ABSTIME, bt->expires, 0));
	}
	ASSERT_EQ(0, set_itimer(ITIMER_PROF, 20 * NSEC_PER_MSEC, 0));
	ASSERT_EQ(0, set_itimer(ITIMER_VIRTUAL, 20 * NSEC_PER_MSEC, 0));

	spin_until(&hits, NR_BASES + 2);
	burn(30 * NSEC_PER_MSEC);

	for (i = 0; i < NR_BASES; i++) {
		EXPECT_EQ(1, (int)bases[i].hits)
			TH_LOG("timer %d of clock %d", i, bases[i].clock);
		EXPECT_EQ(0, (int)bases[i].early)
			TH_LOG("timer %d of clock %d", i, bases[i].clock);
		EXPECT_EQ(0, timer_delete(bases[i].id));
	}
	EXPECT_EQ(NR_BASES + 2, (int)hits);
}

/* The deletion of the first of two timers leaves the second */
TEST(second_timer_after_deletion_of_first)
{
	int which;

	for (which = 0; which < NR_BASES; which++) {
		clockid_t clock = which < CPUCLOCK_MAX ? process_clock(0, which) :
				  thread_clock(0, which - CPUCLOCK_MAX);
		timer_t first, second;

		hits = 0;
		handle(SIG_TIMER, count_hit);
		handle(SIGUSR1, SIG_DFL);
		first = new_timer(clock, SIGUSR1, 0);
		second = new_timer(clock, SIG_TIMER, 0);
		ASSERT_EQ(0, set_timer(first, 0, NSEC_PER_SEC, 0));
		ASSERT_EQ(0, set_timer(second, 0, 60 * NSEC_PER_MSEC, 0));
		ASSERT_EQ(0, set_timer(first, 0, 40 * NSEC_PER_MSEC, 0));
		ASSERT_EQ(0, timer_delete(first));
		EXPECT_TRUE(spin_until(&hits, 1));
		EXPECT_EQ(0, timer_delete(second));
	}
}

#define NR_MANY		500

static atomic_int many_hits[NR_MANY];

static void many_expired(__always_unused int sig, siginfo_t *si, __always_unused void *uc)
{
	many_hits[si->si_value.sival_int]++;
	hits++;
}

FIXTURE(many) {
};

FIXTURE_VARIANT(many) {
	bool	per_thread;
	int	which;
};

FIXTURE_VARIANT_ADD(many, process) { .which = CPUCLOCK_SCHED, };
FIXTURE_VARIANT_ADD(many, process_prof) { .which = CPUCLOCK_PROF, };
FIXTURE_VARIANT_ADD(many, thread) { .which = CPUCLOCK_SCHED, .per_thread = true, };

FIXTURE_SETUP(many)
{
	struct rlimit rlim;

	/* Each timer comes with a signal that can be queued */
	ASSERT_EQ(0, getrlimit(RLIMIT_SIGPENDING, &rlim));
	if (rlim.rlim_cur < 2 * NR_MANY) {
		rlim.rlim_cur = 2 * NR_MANY;
		if (rlim.rlim_max < rlim.rlim_cur)
			rlim.rlim_max = rlim.rlim_cur;
		if (setrlimit(RLIMIT_SIGPENDING, &rlim))
			SKIP(return, "RLIMIT_SIGPENDING is too low and cannot be raised");
	}
}

FIXTURE_TEARDOWN(many)
{
}

/* All timers that expire at the same time send their signals, and only once */
TEST_F(many, each_exactly_once)
{
	clockid_t clock = variant->per_thread ? thread_clock(0, variant->which) :
						process_clock(0, variant->which);
	static timer_t ids[NR_MANY];
	uint64_t expires;
	int i;

	handle_info(SIG_TIMER, many_expired);

	for (i = 0; i < NR_MANY; i++)
		ids[i] = new_timer(clock, SIG_TIMER, i);

	expires = clock_ns(clock) + 50 * NSEC_PER_MSEC;
	for (i = 0; i < NR_MANY; i++)
		ASSERT_EQ(0, set_timer(ids[i], TIMER_ABSTIME, expires, 0));

	spin_until(&hits, NR_MANY);
	burn(30 * NSEC_PER_MSEC);

	EXPECT_EQ(NR_MANY, (int)hits);
	for (i = 0; i < NR_MANY; i++) {
		EXPECT_EQ(1, (int)many_hits[i])
			TH_LOG("timer %d", i);
	}
}

#define STORM_TIMERS	64
#define STORM_ROUNDS	60

static void *storm_thread(__always_unused void *arg)
{
	timer_t ids[STORM_TIMERS];
	int i, round;

	for (i = 0; i < STORM_TIMERS; i++)
		ids[i] = new_timer(i % 2 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID,
				   SIG_TIMER, 0);
	/* A fast CPU is through with it before the first tick */
	for (round = 0; round < STORM_ROUNDS || (!hits && thread_ns() < GIVE_UP_NS); round++) {
		for (i = 0; i < STORM_TIMERS; i++)
			CHECK(!set_timer(ids[i], 0, 1, 0));
	}
	for (i = 0; i < STORM_TIMERS; i++)
		CHECK(!timer_delete(ids[i]));
	return NULL;
}

/* Nobody is caught in the expiry of timers which are set again all the time */
TEST(rearm_storm)
{
	pthread_t other;

	handle(SIG_TIMER, count_hit);
	other = start_thread(storm_thread, NULL);
	storm_thread(NULL);
	ASSERT_EQ(0, pthread_join(other, NULL));
	EXPECT_LT(0, (int)hits);
}

/*
 * Itimers
 */

FIXTURE(itimer) {
};

FIXTURE_VARIANT(itimer) {
	int	which;
	int	sig;
};

FIXTURE_VARIANT_ADD(itimer, prof) { .which = ITIMER_PROF, .sig = SIGPROF, };
FIXTURE_VARIANT_ADD(itimer, virtual) { .which = ITIMER_VIRTUAL, .sig = SIGVTALRM, };

FIXTURE_SETUP(itimer)
{
	handle(variant->sig, count_hit);
}

FIXTURE_TEARDOWN(itimer)
{
}

TEST_F(itimer, one_shot_in_user_mode)
{
	ASSERT_EQ(0, set_itimer(variant->which, 20 * NSEC_PER_MSEC, 0));
	EXPECT_TRUE(spin_until(&hits, 1));
	burn(60 * NSEC_PER_MSEC);
	EXPECT_EQ(1, (int)hits);
}

TEST_F(itimer, periodic_in_user_mode)
{
	struct itimerval itv;

	ASSERT_EQ(0, set_itimer(variant->which, 10 * NSEC_PER_MSEC, 10 * NSEC_PER_MSEC));
	EXPECT_TRUE(spin_until(&hits, 5));
	ASSERT_EQ(0, getitimer(variant->which, &itv));
	EXPECT_EQ(10000, itv.it_interval.tv_usec);
	EXPECT_TRUE(itv.it_value.tv_sec || itv.it_value.tv_usec);
}

/* A value of 0 stops the timer, whatever the interval */
TEST_F(itimer, stopped_by_zero)
{
	struct itimerval itv;

	ASSERT_EQ(0, set_itimer(variant->which, NSEC_PER_SEC, 0));
	ASSERT_EQ(0, set_itimer(variant->which, 0, 10 * NSEC_PER_MSEC));
	ASSERT_EQ(0, getitimer(variant->which, &itv));
	EXPECT_EQ(0, itv.it_value.tv_sec);
	EXPECT_EQ(0, itv.it_value.tv_usec);
	burn(60 * NSEC_PER_MSEC);
	EXPECT_EQ(0, (int)hits);
}

FIXTURE(long_call) {
	struct long_call	call;
};

FIXTURE_SETUP(long_call)
{
	if (!prepare_long_call(&self->call, NSEC_PER_SEC))
		SKIP(return, TOO_FAST);
}

FIXTURE_TEARDOWN(long_call)
{
}

/* Profilers interrupt system calls. If they cannot, they do not see them. */
TEST_F(long_call, itimer_prof_interrupts)
{
	ssize_t ret;

	handle(SIGPROF, count_hit);
	ASSERT_EQ(0, set_itimer(ITIMER_PROF, 100 * NSEC_PER_MSEC, 0));
	ret = make_long_call(&self->call);

	EXPECT_EQ(1, (int)hits);
	EXPECT_TRUE(cut_short(&self->call, ret, 1, 2))
		TH_LOG("the signal came after %zd of %zu bytes", ret, self->call.len);
}

/* Time in the kernel is not ITIMER_VIRTUAL's */
TEST_F(long_call, itimer_virtual_does_not_advance)
{
	ssize_t ret;

	handle(SIGVTALRM, count_hit);
	ASSERT_EQ(0, set_itimer(ITIMER_VIRTUAL, 100 * NSEC_PER_MSEC, 0));
	ret = make_long_call(&self->call);

	EXPECT_EQ(self->call.len, (size_t)ret);
	EXPECT_EQ(0, (int)hits);
	EXPECT_TRUE(spin_until(&hits, 1));
}

static atomic_int ready;
static clockid_t call_clock;
static uint64_t hit_ns;
static pid_t hit_tid;

static void hit_elsewhere(__always_unused int sig)
{
	hit_ns = clock_ns(call_clock);
	hit_tid = gettid();
	hits++;
}

static void *wait_for_sigprof(__always_unused void *arg)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGPROF);
	ready = 1;
	sigsuspend(&set);
	return NULL;
}

/* A thread that has the signal blocked does not keep it from another one */
TEST_F(long_call, itimer_prof_wakes_other_thread)
{
	uint64_t start, end;
	pthread_t thread;
	ssize_t ret;

	handle(SIGPROF, hit_elsewhere);
	block(SIGPROF);
	thread = start_thread(wait_for_sigprof, NULL);
	ASSERT_TRUE(sleep_until(&ready, 1));

	call_clock = thread_clock(gettid(), CPUCLOCK_SCHED);
	start = thread_ns();
	ASSERT_EQ(0, set_itimer(ITIMER_PROF, 100 * NSEC_PER_MSEC, 0));
	ret = make_long_call(&self->call);
	end = thread_ns();

	EXPECT_EQ(self->call.len, (size_t)ret);
	ASSERT_TRUE(sleep_until(&hits, 1));
	EXPECT_NE(gettid(), hit_tid);
	EXPECT_LT(hit_ns, start + (end - start) / 2);
	EXPECT_EQ(0, pthread_join(thread, NULL));
}

FIXTURE(undisturbed) {
	struct long_call	call;
};

FIXTURE_VARIANT(undisturbed) {
	bool	itimer;
	bool	ignored;
	bool	per_thread;
};

FIXTURE_VARIANT_ADD(undisturbed, itimer_blocked) { .itimer = true, };
FIXTURE_VARIANT_ADD(undisturbed, itimer_ignored) { .itimer = true, .ignored = true, };
FIXTURE_VARIANT_ADD(undisturbed, process_timer_blocked) { };
FIXTURE_VARIANT_ADD(undisturbed, process_timer_ignored) { .ignored = true, };
FIXTURE_VARIANT_ADD(undisturbed, thread_timer_blocked) { .per_thread = true, };

FIXTURE_SETUP(undisturbed)
{
	if (!prepare_long_call(&self->call, 300 * NSEC_PER_MSEC))
		SKIP(return, TOO_FAST);
}

FIXTURE_TEARDOWN(undisturbed)
{
}

/* A signal that nobody takes interrupts nothing, but has been sent by the end */
TEST_F(undisturbed, full_count)
{
	const uint64_t ns = 20 * NSEC_PER_MSEC;
	ssize_t ret;

	if (variant->ignored) {
		handle(SIGPROF, SIG_IGN);
	} else {
		handle(SIGPROF, count_hit);
		block(SIGPROF);
	}

	if (variant->itimer) {
		ASSERT_EQ(0, set_itimer(ITIMER_PROF, ns, ns));
	} else {
		timer_t id = new_timer(variant->per_thread ? CLOCK_THREAD_CPUTIME_ID :
				       CLOCK_PROCESS_CPUTIME_ID, SIGPROF, 0);

		ASSERT_EQ(0, set_timer(id, 0, ns, ns));
	}

	ret = make_long_call(&self->call);
	EXPECT_EQ(self->call.len, (size_t)ret);
	EXPECT_EQ(0, (int)hits);

	if (!variant->ignored) {
		EXPECT_TRUE(is_pending(SIGPROF));
		unblock(SIGPROF);
		EXPECT_LT(0, (int)hits);
	}
}

/*
 * fork(), clone(), exec(), exit()
 */

/* Neither timers nor itimers of the parent are the child's */
static void child_without_timers(void *arg)
{
	timer_t *ids = arg;
	struct itimerspec its;
	struct itimerval itv;
	int i;

	for (i = 0; i < 2; i++) {
		CHECK(timer_gettime(ids[i], &its) && errno == EINVAL);
		CHECK(set_timer(ids[i], 0, NSEC_PER_MSEC, 0) && errno == EINVAL);
		CHECK(timer_delete(ids[i]) && errno == EINVAL);
	}
	CHECK(!getitimer(ITIMER_PROF, &itv));
	CHECK(!itv.it_value.tv_sec && !itv.it_value.tv_usec);
	CHECK(!getitimer(ITIMER_VIRTUAL, &itv));
	CHECK(!itv.it_value.tv_sec && !itv.it_value.tv_usec);

	burn(60 * NSEC_PER_MSEC);
	CHECK(!hits);
}

TEST(fork_does_not_inherit)
{
	timer_t ids[2];
	int status;
	pid_t pid;

	handle(SIG_TIMER, count_hit);
	handle(SIGPROF, count_hit);
	handle(SIGVTALRM, count_hit);
	ids[0] = start_timer(CLOCK_PROCESS_CPUTIME_ID, NSEC_PER_MSEC, NSEC_PER_MSEC);
	ids[1] = start_timer(CLOCK_THREAD_CPUTIME_ID, NSEC_PER_MSEC, NSEC_PER_MSEC);
	ASSERT_EQ(0, set_itimer(ITIMER_PROF, 10 * NSEC_PER_MSEC, 10 * NSEC_PER_MSEC));
	ASSERT_EQ(0, set_itimer(ITIMER_VIRTUAL, 10 * NSEC_PER_MSEC, 10 * NSEC_PER_MSEC));
	ASSERT_TRUE(spin_until(&hits, 4));

	pid = spawn(child_without_timers, ids);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(reap(pid, &status, NULL));
	EXPECT_TRUE(exited_with(status, KSFT_PASS));
}

FIXTURE(offspring) {
};

FIXTURE_VARIANT(offspring) {
	bool	threads;
};

FIXTURE_VARIANT_ADD(offspring, processes) { };
FIXTURE_VARIANT_ADD(offspring, threads) { .threads = true, };

FIXTURE_SETUP(offspring)
{
	handle(SIG_TIMER, count_hit);
}

FIXTURE_TEARDOWN(offspring)
{
}

static void expire_own_timer(void *arg)
{
	clockid_t *clock = arg;
	sigset_t set;
	timer_t id;
	int sig;

	/* Not a handler, because nobody but this thread is to get the signal */
	block(SIGUSR2);
	CHECK(!new_timer_for(gettid(), *clock, SIGUSR2, 0, &id));
	CHECK(!set_timer(id, 0, 2 * NSEC_PER_MSEC, 0));
	while (!is_pending(SIGUSR2)) {
		CHECK(thread_ns() < GIVE_UP_NS);
		spin();
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(!sigwait(&set, &sig) && sig == SIGUSR2);
	CHECK(!timer_delete(id));
}

static void *expire_own_timer_thread(void *arg)
{
	expire_own_timer(arg);
	return NULL;
}

/*
 * A parent whose timers expire while it makes a copy of itself hands on nothing
 * that keeps the copy's own timers from expiring.
 */
TEST_F(offspring, expire_own_timers)
{
	static clockid_t clocks[] = { CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID };
	int i;

	start_timer(CLOCK_PROCESS_CPUTIME_ID, NSEC_PER_MSEC, NSEC_PER_MSEC);
	start_timer(CLOCK_THREAD_CPUTIME_ID, NSEC_PER_MSEC, NSEC_PER_MSEC);

	for (i = 0; i < 100; i++) {
		void *clock = &clocks[i % 2];

		/* Over several ticks: one of them ended the sleep of the last round */
		burn_jitter(10000);
		if (variant->threads) {
			ASSERT_EQ(0, pthread_join(start_thread(expire_own_timer_thread, clock),
						  NULL));
		} else {
			pid_t pid = spawn(expire_own_timer, clock);
			int status;

			ASSERT_LT(0, pid);
			ASSERT_TRUE(reap(pid, &status, NULL));
			ASSERT_TRUE(exited_with(status, KSFT_PASS));
		}
	}
	EXPECT_LT(0, (int)hits);
}

#define NR_CLONERS	2
#define NR_CLONES	80

static void *short_lived(__always_unused void *arg)
{
	start_timer(CLOCK_THREAD_CPUTIME_ID, NSEC_PER_USEC, 100 * NSEC_PER_USEC);
	burn_jitter(500);
	return NULL;
}

static void *cloner(__always_unused void *arg)
{
	int i;

	for (i = 0; i < NR_CLONES; i++) {
		pthread_t first = start_thread(short_lived, NULL);
		pthread_t second = start_thread(short_lived, NULL);

		CHECK(!pthread_join(first, NULL));
		CHECK(!pthread_join(second, NULL));
	}
	return NULL;
}

/* Threads come and go while the timers of their process fire */
TEST(clone_storm)
{
	pthread_t cloners[NR_CLONERS];
	int i;

	handle(SIG_TIMER, count_hit);
	for (i = 0; i < CPUCLOCK_MAX; i++)
		start_timer(process_clock(0, i), NSEC_PER_MSEC, NSEC_PER_MSEC);
	for (i = 0; i < NR_CLONERS; i++)
		cloners[i] = start_thread(cloner, NULL);
	for (i = 0; i < NR_CLONERS; i++)
		ASSERT_EQ(0, pthread_join(cloners[i], NULL));

	hits = 0;
	EXPECT_TRUE(spin_until(&hits, 3));
}

static void *exec_thread(void *arg)
{
	char *const argv[] = { "posix_cpu_defer", EXEC_ARG, NULL };
	int i;

	for (i = 0; i < CPUCLOCK_MAX; i++) {
		/* Of the leader, whose place this thread takes, and of its own */
		start_timer(thread_clock(getpid(), i), NSEC_PER_MSEC, NSEC_PER_MSEC);
		start_timer(thread_clock(0, i), NSEC_PER_MSEC, NSEC_PER_MSEC);
	}
	burn_jitter(*(int *)arg);
	execv("/proc/self/exe", argv);
	check_failed("execv()", __LINE__);
}

static void exec_child(void *arg)
{
	int i;

	handle(SIG_TIMER, count_hit);
	for (i = 0; i < CPUCLOCK_MAX; i++)
		start_timer(process_clock(0, i), NSEC_PER_MSEC, NSEC_PER_MSEC);
	start_thread(exec_thread, arg);
	for (;;)
		spin();
}

/*
 * The thread group survives, its leader does not: timers of both are cleaned up
 * and their signals, which would kill the new program, are never seen again.
 */
TEST(exec_by_non_leader)
{
	int i;

	for (i = 0; i < 50; i++) {
		int max_us = 1 + i * 100, status;
		pid_t pid = spawn(exec_child, &max_us);

		ASSERT_LT(0, pid);
		ASSERT_TRUE(reap(pid, &status, NULL));
		ASSERT_TRUE(exited_with(status, KSFT_PASS))
			TH_LOG("iteration %d: status %#x", i, status);
	}
}

#define NR_DOOMED	6

/* The ways in which a process with timers ends */
enum doom {
	DOOM_LEADER_FIRST,	/* the leader is a zombie when the others' timers fire */
	DOOM_EXIT_GROUP,	/* all at the same time */
	DOOM_THREAD_FIRST,	/* a thread, whose timers are deleted meanwhile */
	DOOM_KILLED,		/* by the parent */
	DOOM_TRACED,		/* a thread, which the parent reaps */
	NR_DOOMS,
};

struct doomed {
	enum doom	doom;
	atomic_int	tid;
	atomic_int	traced;
	atomic_int	armed;
	timer_t		ids[NR_DOOMED];
};

static void *doomed_thread(void *arg)
{
	struct doomed *d = arg;
	int i;

	block(SIG_TIMER);
	d->tid = gettid();
	if (d->doom == DOOM_TRACED)
		CHECK(sleep_until(&d->traced, 1));
	for (i = 0; i < NR_DOOMED; i++) {
		d->ids[i] = start_timer(i < CPUCLOCK_MAX ? thread_clock(0, i) :
					process_clock(0, i - CPUCLOCK_MAX),
					NSEC_PER_MSEC, 10 * NSEC_PER_USEC);
	}
	d->armed = 1;
	burn_jitter(5000);
	return NULL;
}

static void *deleter_thread(void *arg)
{
	struct doomed *d = arg;
	int i;

	block(SIG_TIMER);
	while (!d->armed)
		sched_yield();
	burn_jitter(5000);
	for (i = 0; i < NR_DOOMED; i++) {
		/* Fails if there is nothing left that the timer could count for */
		set_timer(d->ids[i], 0, NSEC_PER_USEC, NSEC_PER_USEC);
		CHECK(!timer_delete(d->ids[i]));
	}
	return NULL;
}

static void doomed_child(void *arg)
{
	struct doomed *d = arg;
	pthread_t deleter;

	block(SIG_TIMER);
	start_thread(doomed_thread, d);
	deleter = start_thread(deleter_thread, d);

	switch (d->doom) {
	case DOOM_LEADER_FIRST:
		/* Not pthread_exit(), which needs another library */
		syscall(__NR_exit, 0);
		break;
	case DOOM_EXIT_GROUP:
		while (!d->armed)
			sched_yield();
		burn_jitter(5000);
		break;
	case DOOM_THREAD_FIRST:
	case DOOM_TRACED:
		CHECK(!pthread_join(deleter, NULL));
		break;
	default:
		for (;;)
			spin();
	}
}

static void trace_doomed(struct doomed *d)
{
	int status;
	pid_t tid;

	CHECK(sleep_until(&d->tid, 1));
	tid = d->tid;
	CHECK(!ptrace(PTRACE_SEIZE, tid, NULL, NULL));
	d->traced = 1;
	/* All that a thread which blocks its signals can report is its end */
	CHECK(waitpid(tid, &status, __WALL) == tid);
}

/* Timers fire and are deleted while their threads exit and are reaped */
TEST(zombies)
{
	struct doomed *d = shared_memory(sizeof(*d));
	int i;

	for (i = 0; i < 200; i++) {
		int status;
		pid_t pid;

		memset(d, 0, sizeof(*d));
		d->doom = i % NR_DOOMS;
		/* A child starts with its parent's state */
		jitter_us(1);
		pid = spawn(doomed_child, d);
		ASSERT_LT(0, pid);

		if (d->doom == DOOM_TRACED)
			trace_doomed(d);
		if (d->doom == DOOM_KILLED) {
			sleep_until(&d->armed, 1);
			sleep_ns(jitter_us(5000) * NSEC_PER_USEC);
			ASSERT_EQ(0, kill(pid, SIGKILL));
		}
		ASSERT_TRUE(reap(pid, &status, NULL));
		ASSERT_TRUE(d->doom == DOOM_KILLED ? killed_by(status, SIGKILL) :
						     exited_with(status, KSFT_PASS))
			TH_LOG("iteration %d: status %#x", i, status);
	}
}

/*
 * Deletion and setting against expiry
 */

#define NR_RACING	16

FIXTURE(race) {
	cpu_set_t	allowed;
};

FIXTURE_VARIANT(race) {
	bool		same_cpu;
	bool		fifo;
	unsigned int	rounds;
};

FIXTURE_VARIANT_ADD(race, two_cpus) { .rounds = 150, };
FIXTURE_VARIANT_ADD(race, fifo_on_same_cpu) { .rounds = 150, .same_cpu = true, .fifo = true, };

FIXTURE_SETUP(race)
{
	unsigned int cpus = allowed_cpus(&self->allowed);

	if (!variant->same_cpu && cpus < 2)
		SKIP(return, "needs two CPUs");
}

FIXTURE_TEARDOWN(race)
{
}

struct race {
	int		setter_cpu;
	int		expirer_cpu;
	bool		fifo;
	unsigned int	rounds;
	clockid_t	expirer_clock;
	atomic_int	done;
};

static void *race_setter(void *arg)
{
	struct race *race = arg;
	timer_t ids[NR_RACING];
	unsigned int round;
	int i;

	block(SIG_TIMER);
	pin_to(race->setter_cpu);
	if (race->fifo && set_fifo(10))
		_exit(KSFT_SKIP);

	for (i = 0; i < NR_RACING; i++)
		ids[i] = new_timer(race->expirer_clock, SIG_TIMER, i);

	/* CPUs that are emulated in turn spin for a long time if they spin at all */
	for (round = 0; round < race->rounds && thread_ns() < 3 * NSEC_PER_SEC; round++) {
		/* Lets them expire for a while, and is not over at a tick */
		sleep_ns((500 + jitter_us(4000)) * NSEC_PER_USEC);
		for (i = 0; i < NR_RACING; i++) {
			switch ((round + i) % 4) {
			case 0:
				CHECK(!timer_delete(ids[i]));
				ids[i] = new_timer(race->expirer_clock, SIG_TIMER, i);
				break;
			case 1:
				CHECK(!set_timer(ids[i], 0, 0, 0));
				break;
			}
			CHECK(!set_timer(ids[i], 0, NSEC_PER_USEC, round % 2 * NSEC_PER_MSEC));
		}
	}
	for (i = 0; i < NR_RACING; i++)
		CHECK(!timer_delete(ids[i]));
	race->done = 1;
	return NULL;
}

static void race_child(void *arg)
{
	struct race *race = arg;
	pthread_t setter;

	handle(SIG_TIMER, count_hit);
	pin_to(race->expirer_cpu);
	race->expirer_clock = thread_clock(gettid(), CPUCLOCK_SCHED);
	setter = start_thread(race_setter, race);
	while (!race->done)
		spin();
	CHECK(!pthread_join(setter, NULL));
	CHECK(hits);

	/* Nothing is stuck, and the last of the deleted ones has been */
	hits = 0;
	burn(30 * NSEC_PER_MSEC);
	CHECK(!hits);
	start_timer(race->expirer_clock, NSEC_PER_MSEC, 0);
	CHECK(spin_until(&hits, 1));
}

/*
 * A timer that is about to be delivered makes its deletion wait. That comes to an
 * end even if the deleter keeps the CPU from the thread which delivers it.
 */
TEST_F(race, set_and_delete_against_fire)
{
	struct race race = {
		.expirer_cpu	= nth_cpu(&self->allowed, 0),
		.setter_cpu	= nth_cpu(&self->allowed, variant->same_cpu ? 0 : 1),
		.fifo		= variant->fifo,
		.rounds		= variant->rounds,
	};
	int status;
	pid_t pid;

	/* So that this one gets to see the end of it on a single CPU */
	if (variant->fifo && set_fifo(20))
		SKIP(return, "SCHED_FIFO is not permitted");
	pid = spawn(race_child, &race);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, NULL))
		TH_LOG("the deletion of a timer did not return");
	EXPECT_TRUE(exited_with(status, KSFT_PASS))
		TH_LOG("status %#x", status);
}

/*
 * SIGEV_THREAD_ID
 */

static pid_t target_tid;
static atomic_int target_signals;

static void *signal_target(__always_unused void *arg)
{
	const struct timespec timeout = { .tv_sec = STUCK_S, };
	siginfo_t si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_TIMER);
	target_tid = gettid();
	ready = 1;
	CHECK(sigtimedwait(&set, &si, &timeout) == SIG_TIMER);
	CHECK(si.si_code == SI_TIMER && si.si_value.sival_int == 42);
	target_signals++;
	return NULL;
}

FIXTURE(thread_id) {
};

FIXTURE_VARIANT(thread_id) {
	clockid_t	clock;
};

FIXTURE_VARIANT_ADD(thread_id, process_clock) { .clock = CLOCK_PROCESS_CPUTIME_ID, };
FIXTURE_VARIANT_ADD(thread_id, thread_clock) { .clock = CLOCK_THREAD_CPUTIME_ID, };

FIXTURE_SETUP(thread_id)
{
	block(SIG_TIMER);
}

FIXTURE_TEARDOWN(thread_id)
{
}

TEST_F(thread_id, live)
{
	pthread_t thread = start_thread(signal_target, NULL);
	timer_t id;

	ASSERT_TRUE(sleep_until(&ready, 1));
	ASSERT_EQ(0, new_timer_for(target_tid, variant->clock, SIG_TIMER, 42, &id));
	ASSERT_EQ(0, set_timer(id, 0, 10 * NSEC_PER_MSEC, 0));
	EXPECT_TRUE(spin_until(&target_signals, 1));
	EXPECT_FALSE(is_pending(SIG_TIMER));
	EXPECT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, timer_delete(id));
}

static void *dying_target(void *arg)
{
	atomic_int *tid = arg;

	*tid = gettid();
	burn_jitter(2000);
	return NULL;
}

/* The signals of a thread that has gone go nowhere, its timers remain */
TEST_F(thread_id, dying)
{
	int i;

	handle(SIG_TIMER, count_hit);

	for (i = 0; i < 50; i++) {
		atomic_int tid = 0;
		pthread_t thread;
		struct itimerspec its;
		timer_t id;

		thread = start_thread(dying_target, &tid);
		while (!tid)
			sched_yield();
		if (new_timer_for(tid, variant->clock, SIG_TIMER, 0, &id)) {
			/* Gone already */
			ASSERT_EQ(EINVAL, errno);
			ASSERT_EQ(0, pthread_join(thread, NULL));
			continue;
		}
		ASSERT_EQ(0, set_timer(id, 0, 100 * NSEC_PER_USEC, 100 * NSEC_PER_USEC));
		burn_jitter(8000);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		burn(5 * NSEC_PER_MSEC);
		ASSERT_EQ(0, timer_gettime(id, &its));
		EXPECT_EQ(100 * NSEC_PER_USEC, (uint64_t)its.it_interval.tv_nsec);
		ASSERT_EQ(0, timer_delete(id));
	}
	EXPECT_FALSE(is_pending(SIG_TIMER));
	EXPECT_EQ(0, (int)hits);
}

/*
 * Resource limits
 */

FIXTURE(limit) {
	struct long_call	call;
};

FIXTURE_VARIANT(limit) {
	bool	in_kernel;
};

FIXTURE_VARIANT_ADD(limit, in_user_mode) { };
FIXTURE_VARIANT_ADD(limit, in_long_call) { .in_kernel = true, };

FIXTURE_SETUP(limit)
{
	if (variant->in_kernel && !prepare_long_call(&self->call, 3 * NSEC_PER_SEC))
		SKIP(return, TOO_FAST);
}

FIXTURE_TEARDOWN(limit)
{
}

/* Burns CPU time until a signal comes, three seconds of it if none does */
static void burn_until_hit(const struct long_call *call, int n)
{
	uint64_t end = process_ns() + 3 * NSEC_PER_SEC;

	while (hits < n && process_ns() < end) {
		ssize_t ret;

		if (!call->len) {
			spin();
			continue;
		}
		ret = make_long_call(call);
		if (hits >= n)
			CHECK(cut_short(call, ret, 2, 3));
	}
	CHECK(hits >= n);
}

static void set_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit rlim = { .rlim_cur = soft, .rlim_max = hard, };

	CHECK(!setrlimit(resource, &rlim));
}

static rlim_t soft_limit(int resource)
{
	struct rlimit rlim;

	CHECK(!getrlimit(resource, &rlim));
	return rlim.rlim_cur;
}

static void cpu_soft_child(void *arg)
{
	int n;

	handle(SIGXCPU, count_hit);
	set_limit(RLIMIT_CPU, 1, 100);
	for (n = 1; n <= 2; n++) {
		burn_until_hit(arg, n);
		CHECK(hits == n);
		CHECK(soft_limit(RLIMIT_CPU) == (rlim_t)n + 1);
	}
}

/* SIGXCPU at the soft limit and once a second from then on */
TEST_F(limit, cpu_soft)
{
	int status;
	pid_t pid;

	pid = spawn(cpu_soft_child, &self->call);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, NULL));
	EXPECT_TRUE(exited_with(status, KSFT_PASS))
		TH_LOG("status %#x", status);
}

static void cpu_hard_child(void *arg)
{
	set_limit(RLIMIT_CPU, 1, 1);
	burn_until_hit(arg, 1);
}

/* SIGKILL at the hard limit, not at the end of what the task is doing */
TEST_F(limit, cpu_hard)
{
	struct rusage ru;
	int status;
	pid_t pid;

	pid = spawn(cpu_hard_child, &self->call);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, &ru));
	EXPECT_TRUE(killed_by(status, SIGKILL))
		TH_LOG("status %#x", status);
	EXPECT_GT(2 * NSEC_PER_SEC, rusage_ns(&ru));
}

static void cpu_hard_ignored_soft_child(void *arg)
{
	handle(SIGXCPU, SIG_IGN);
	set_limit(RLIMIT_CPU, 1, 2);
	burn_until_hit(arg, 1);
}

/* A process which ignores the soft limit has the time up to the hard limit */
TEST_F(limit, cpu_hard_after_ignored_soft)
{
	struct rusage ru;
	int status;
	pid_t pid;

	pid = spawn(cpu_hard_ignored_soft_child, &self->call);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, &ru));
	EXPECT_TRUE(killed_by(status, SIGKILL))
		TH_LOG("status %#x", status);
	EXPECT_LT(3 * NSEC_PER_SEC / 2, rusage_ns(&ru));
	EXPECT_GT(5 * NSEC_PER_SEC / 2, rusage_ns(&ru));
}

static void rttime_soft_child(void *arg)
{
	handle(SIGXCPU, count_hit);
	if (set_fifo(1))
		_exit(KSFT_SKIP);
	set_limit(RLIMIT_RTTIME, 200000, 10000000);
	burn_until_hit(arg, 1);
	CHECK(hits == 1);
	CHECK(soft_limit(RLIMIT_RTTIME) == 1200000);
}

TEST_F(limit, rttime_soft)
{
	int status;
	pid_t pid;

	pid = spawn(rttime_soft_child, &self->call);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, NULL));
	if (exited_with(status, KSFT_SKIP))
		SKIP(return, "SCHED_FIFO is not permitted");
	EXPECT_TRUE(exited_with(status, KSFT_PASS))
		TH_LOG("status %#x", status);
}

static void rttime_hard_child(void *arg)
{
	handle(SIGXCPU, count_hit);
	if (set_fifo(1))
		_exit(KSFT_SKIP);
	set_limit(RLIMIT_RTTIME, 200000, 200000);
	burn_until_hit(arg, 1);
}

TEST_F(limit, rttime_hard)
{
	struct rusage ru;
	int status;
	pid_t pid;

	pid = spawn(rttime_hard_child, &self->call);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, &ru));
	if (exited_with(status, KSFT_SKIP))
		SKIP(return, "SCHED_FIFO is not permitted");
	EXPECT_TRUE(killed_by(status, SIGKILL))
		TH_LOG("status %#x", status);
	EXPECT_GT(3 * NSEC_PER_SEC / 2, rusage_ns(&ru));
}

/*
 * nohz_full
 */

/* The first CPU of a list such as "1-3,5", or -1 */
static int first_nohz_full_cpu(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/nohz_full", "r");
	int cpu = -1;

	if (f) {
		if (fscanf(f, "%d", &cpu) != 1)
			cpu = -1;
		fclose(f);
	}
	return cpu;
}

/* Without a tick of its own the CPU sees the limit when something else brings one */
static void exit_on_hit(__always_unused int sig)
{
	_exit(process_ns() < 2 * NSEC_PER_SEC ? KSFT_PASS : KSFT_FAIL);
}

/* Never enters the kernel on its own, so all the ticks there are come from it */
static void nohz_full_spinner(void *arg)
{
	pin_to(*(int *)arg);
	for (;;)
		spin();
}

static void nohz_full_parent(void *arg)
{
	cpu_set_t allowed;
	int status, cpu;
	pid_t pid;

	/* Whatever shares the CPU with the child would bring the tick back */
	CHECK(!sched_getaffinity(0, sizeof(allowed), &allowed));
	cpu = nth_cpu(&allowed, 0);
	pin_to(cpu != *(int *)arg ? cpu : nth_cpu(&allowed, 1));

	handle(SIGXCPU, exit_on_hit);
	set_limit(RLIMIT_CPU, 1, RLIM_INFINITY);
	pid = spawn(nohz_full_spinner, arg);
	CHECK(pid > 0);
	CHECK(reap(pid, &status, NULL));
	CHECK(exited_with(status, KSFT_PASS));
}

/* A limit that is inherited is a limit on a CPU without a tick, too */
TEST(nohz_full_inherited_limit)
{
	int cpu = first_nohz_full_cpu();
	cpu_set_t allowed;
	int status;
	pid_t pid;

	if (cpu < 0)
		SKIP(return, "no nohz_full CPU");
	if (allowed_cpus(&allowed) < 2 || !CPU_ISSET(cpu, &allowed))
		SKIP(return, "the nohz_full CPU is out of reach");

	/* In a process of its own, which the limit goes away with */
	pid = spawn(nohz_full_parent, &cpu);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(exited_with(status, KSFT_PASS));
}

/*
 * Sleeping on a CPU clock
 */

static atomic_int stop, started;
static pthread_t sleeper;

static void *burner(__always_unused void *arg)
{
	started = 1;
	while (!stop)
		spin();
	return NULL;
}

static void *interrupter(__always_unused void *arg)
{
	started = 1;
	burn(30 * NSEC_PER_MSEC);
	while (!stop) {
		/* The first one may be too early to find it asleep */
		pthread_kill(sleeper, SIGUSR1);
		burn(10 * NSEC_PER_MSEC);
	}
	return NULL;
}

FIXTURE(sleep_on_thread) {
	pthread_t	thread;
	clockid_t	clock;
};

FIXTURE_VARIANT(sleep_on_thread) {
	bool	interrupted;
};

FIXTURE_VARIANT_ADD(sleep_on_thread, undisturbed) { };
FIXTURE_VARIANT_ADD(sleep_on_thread, interrupted) { .interrupted = true, };

FIXTURE_SETUP(sleep_on_thread)
{
	handle(SIGUSR1, count_hit);
	sleeper = pthread_self();
	self->thread = start_thread(variant->interrupted ? interrupter : burner, NULL);
	ASSERT_TRUE(sleep_until(&started, 1));
	ASSERT_EQ(0, pthread_getcpuclockid(self->thread, &self->clock));
}

FIXTURE_TEARDOWN(sleep_on_thread)
{
	stop = 1;
	pthread_join(self->thread, NULL);
}

TEST_F(sleep_on_thread, relative)
{
	uint64_t ns = variant->interrupted ? 100 * NSEC_PER_SEC : 50 * NSEC_PER_MSEC;
	struct timespec request = to_timespec(ns), remain = { 0 };
	uint64_t before = clock_ns(self->clock), left;
	int ret;

	ret = clock_nanosleep(self->clock, 0, &request, &remain);
	if (!variant->interrupted) {
		EXPECT_EQ(0, ret);
		EXPECT_LE(before + ns, clock_ns(self->clock));
		return;
	}
	EXPECT_EQ(EINTR, ret);
	EXPECT_LT(0, (int)hits);
	left = remain.tv_sec * NSEC_PER_SEC + remain.tv_nsec;
	EXPECT_GE(ns, left);
	EXPECT_LE(ns - (clock_ns(self->clock) - before), left);
}

TEST_F(sleep_on_thread, absolute)
{
	uint64_t ns = variant->interrupted ? 100 * NSEC_PER_SEC : 50 * NSEC_PER_MSEC;
	uint64_t end = clock_ns(self->clock) + ns;
	struct timespec request = to_timespec(end);
	int ret;

	ret = clock_nanosleep(self->clock, TIMER_ABSTIME, &request, NULL);
	if (variant->interrupted) {
		EXPECT_EQ(EINTR, ret);
		EXPECT_LT(0, (int)hits);
	} else {
		EXPECT_EQ(0, ret);
		EXPECT_LE(end, clock_ns(self->clock));
	}
}

/* Many short ones, to have some of them interrupted when they are over */
TEST_F(sleep_on_thread, often)
{
	struct timespec request = to_timespec(NSEC_PER_USEC);
	int i;

	for (i = 0; i < 50; i++) {
		int ret = clock_nanosleep(self->clock, 0, &request, NULL);

		ASSERT_TRUE(ret == 0 || (ret == EINTR && variant->interrupted));
	}
}

static void sleeping_child(__always_unused void *arg)
{
	struct timespec request = to_timespec(500 * NSEC_PER_MSEC);
	uint64_t before;
	clockid_t clock;
	pthread_t thread;

	thread = start_thread(burner, NULL);
	CHECK(sleep_until(&started, 1));
	CHECK(!pthread_getcpuclockid(thread, &clock));
	before = clock_ns(clock);
	CHECK(!clock_nanosleep(clock, 0, &request, NULL));
	CHECK(clock_ns(clock) >= before + 500 * NSEC_PER_MSEC);
	stop = 1;
	CHECK(!pthread_join(thread, NULL));
}

/* A stop and a continuation, which no handler sees, restart the sleep */
TEST(sleep_on_thread_restarted)
{
	int status, stops = 0;
	pid_t pid;

	pid = spawn(sleeping_child, NULL);
	ASSERT_LT(0, pid);
	for (;;) {
		sleep_ns(20 * NSEC_PER_MSEC);
		ASSERT_EQ(0, kill(pid, SIGSTOP));
		ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
		if (!WIFSTOPPED(status))
			break;
		stops++;
		ASSERT_EQ(0, kill(pid, SIGCONT));
	}
	EXPECT_LT(0, stops);
	EXPECT_TRUE(exited_with(status, KSFT_PASS));
}

static void burning_child(__always_unused void *arg)
{
	burn(GIVE_UP_NS);
}

TEST(sleep_on_child)
{
	struct timespec request = to_timespec(500 * NSEC_PER_MSEC);
	uint64_t before;
	clockid_t clock;
	int status;
	pid_t pid;

	pid = spawn(burning_child, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, clock_getcpuclockid(pid, &clock));
	before = clock_ns(clock);
	EXPECT_EQ(0, clock_nanosleep(clock, 0, &request, NULL));
	EXPECT_LE(before + 500 * NSEC_PER_MSEC, clock_ns(clock));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(reap(pid, &status, NULL));
	EXPECT_TRUE(killed_by(status, SIGKILL));
}

/*
 * Tracing and /proc
 */

/* The number of timers on a clock that /proc/self/timers lists */
static int timers_in_proc(FILE *f, clockid_t clock)
{
	clockid_t listed;
	char line[128];
	int n = 0;

	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "ClockID: %d", &listed) == 1 && listed == clock)
			n++;
	}
	return n;
}

TEST(proc_timers)
{
	int which;
	FILE *f;

	f = fopen("/proc/self/timers", "re");
	if (!f)
		SKIP(return, "no /proc/self/timers");
	setvbuf(f, NULL, _IONBF, 0);
	handle(SIG_TIMER, count_hit);

	for (which = 0; which < NR_BASES; which++) {
		clockid_t clock = which < CPUCLOCK_MAX ? process_clock(0, which) :
				  thread_clock(0, which - CPUCLOCK_MAX);
		timer_t id;

		EXPECT_EQ(0, timers_in_proc(f, clock));
		id = new_timer(clock, SIG_TIMER, 0);
		EXPECT_EQ(1, timers_in_proc(f, clock));

		/* Armed, expired and deleted */
		ASSERT_EQ(0, set_timer(id, 0, 10 * NSEC_PER_MSEC, 0));
		EXPECT_EQ(1, timers_in_proc(f, clock));
		EXPECT_TRUE(spin_until(&hits, which + 1));
		EXPECT_EQ(1, timers_in_proc(f, clock));
		ASSERT_EQ(0, timer_delete(id));
		EXPECT_EQ(0, timers_in_proc(f, clock));
	}
	fclose(f);
}

#define NR_TRACED	20

struct traced {
	atomic_int	ready;
	atomic_int	go;
	atomic_int	handled;
};

static struct traced *traced;

static void count_traced(__always_unused int sig)
{
	traced->handled++;
}

static void traced_child(__always_unused void *arg)
{
	handle(SIGUSR1, count_traced);
	traced->ready = 1;
	CHECK(sleep_until(&traced->go, 1));
	CHECK(!set_timer(new_timer(CLOCK_PROCESS_CPUTIME_ID, SIGUSR1, 0), 0,
			 NSEC_PER_MSEC, NSEC_PER_MSEC));
	CHECK(spin_until(&traced->handled, NR_TRACED));
}

/* Signals of timers are seen by the tracer, stopped or not, and by the tracee */
TEST(ptrace_stops)
{
	int status, seen = 0;
	unsigned int round;
	pid_t pid;

	traced = shared_memory(sizeof(*traced));
	pid = spawn(traced_child, NULL);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(sleep_until(&traced->ready, 1));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL));
	traced->go = 1;

	for (round = 0; ; round++) {
		int sig = 0;

		/* It may have ended by now */
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
		ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
		if (!WIFSTOPPED(status))
			break;
		if (status >> 16 != PTRACE_EVENT_STOP) {
			sig = WSTOPSIG(status);
			ASSERT_EQ(SIGUSR1, sig);
			seen++;
		}
		/* Stopped for longer than the timer's interval, which does not count */
		sleep_ns(2 * NSEC_PER_MSEC);
		ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, (void *)(long)sig));
		burn_jitter(3000);
		/* With low resolution it goes on with a tick, and the next has to meet it */
		if (round % 4 == 0)
			sleep_ns(20 * NSEC_PER_MSEC);
	}
	EXPECT_TRUE(exited_with(status, KSFT_PASS));
	EXPECT_LE(NR_TRACED, seen);
	EXPECT_EQ(seen, (int)traced->handled);
}

/*
 * io_uring
 */

struct ring {
	int			fd;
	atomic_uint		*sq_tail;
	unsigned int		sq_mask;
	unsigned int		*sq_array;
	struct io_uring_sqe	*sqes;
	atomic_uint		*cq_head;
	atomic_uint		*cq_tail;
	unsigned int		cq_mask;
	struct io_uring_cqe	*cqes;
};

static void *map_ring(int fd, size_t size, off_t offset)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	CHECK(mem != MAP_FAILED);
	return mem;
}

/* False, with errno, if the kernel has no io_uring or does not permit it */
static bool ring_setup(struct ring *ring, unsigned int flags)
{
	struct io_uring_params p = {
		.flags		= flags,
		.sq_thread_idle	= 100 * 1000,
	};
	char *sq, *cq;

	ring->fd = syscall(__NR_io_uring_setup, 8, &p);
	if (ring->fd < 0)
		return false;

	sq = map_ring(ring->fd, p.sq_off.array + p.sq_entries * sizeof(*ring->sq_array),
		      IORING_OFF_SQ_RING);
	cq = map_ring(ring->fd, p.cq_off.cqes + p.cq_entries * sizeof(*ring->cqes),
		      IORING_OFF_CQ_RING);
	ring->sqes = map_ring(ring->fd, p.sq_entries * sizeof(*ring->sqes), IORING_OFF_SQES);
	ring->sq_tail = (atomic_uint *)(sq + p.sq_off.tail);
	ring->sq_mask = *(unsigned int *)(sq + p.sq_off.ring_mask);
	ring->sq_array = (unsigned int *)(sq + p.sq_off.array);
	ring->cq_head = (atomic_uint *)(cq + p.cq_off.head);
	ring->cq_tail = (atomic_uint *)(cq + p.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(cq + p.cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	return true;
}

static void ring_queue(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring->sq_tail;

	ring->sqes[tail & ring->sq_mask] = *sqe;
	ring->sq_array[tail & ring->sq_mask] = tail & ring->sq_mask;
	*ring->sq_tail = tail + 1;
}

static int ring_enter(struct ring *ring, unsigned int submit, unsigned int wait,
		      unsigned int flags)
{
	return syscall(__NR_io_uring_enter, ring->fd, submit, wait, flags, NULL, 0);
}

static unsigned int ring_completed(struct ring *ring)
{
	return *ring->cq_tail - *ring->cq_head;
}

#define NR_READS	2

FIXTURE(io_uring) {
	struct ring		ring;
	struct long_call	read;
};

FIXTURE_SETUP(io_uring)
{
	/*
	 * Only to see whether there is one: a ring belongs to the process which
	 * has created it, and the one that a limit applies to is a child.
	 */
	if (!ring_setup(&self->ring, 0))
		SKIP(return, "no io_uring: %s", strerror(errno));
	close(self->ring.fd);

	/* A single worker may do one after the other */
	if (!prepare_long_call(&self->read, 3 * NSEC_PER_SEC))
		SKIP(return, TOO_FAST);
}

FIXTURE_TEARDOWN(io_uring)
{
}

/* Long reads in workers, one each */
static void start_reads(struct ring *ring, const struct long_call *read)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	struct io_uring_sqe sqe = {
		.opcode	= IORING_OP_READ,
		.flags	= IOSQE_ASYNC,
		.fd	= fd,
		.addr	= (uintptr_t)read->buf,
		.len	= read->len,
	};
	int i;

	CHECK(fd >= 0);
	CHECK(ring_setup(ring, 0));
	for (i = 0; i < NR_READS; i++)
		ring_queue(ring, &sqe);
	CHECK(ring_enter(ring, NR_READS, 0, 0) == NR_READS);
}

static void worker_hard_child(void *arg)
{
	struct ring ring;

	set_limit(RLIMIT_CPU, 1, 1);
	start_reads(&ring, arg);
	while (ring_completed(&ring) < NR_READS)
		ring_enter(&ring, 0, NR_READS, IORING_ENTER_GETEVENTS);
}

/* What the workers of a process burn counts, and they are not beyond its limit */
TEST_F(io_uring, worker_cpu_hard)
{
	struct rusage ru;
	int status;
	pid_t pid;

	pid = spawn(worker_hard_child, &self->read);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, &ru))
		TH_LOG("stuck");
	EXPECT_TRUE(killed_by(status, SIGKILL))
		TH_LOG("status %#x", status);
	EXPECT_GT(2 * NSEC_PER_SEC, rusage_ns(&ru));
}

static struct ring *soft_ring;
static atomic_int completed_at_first_hit;

static void soft_limit_hit(__always_unused int sig)
{
	if (!hits++)
		completed_at_first_hit = ring_completed(soft_ring);
}

static void worker_soft_child(void *arg)
{
	const struct long_call *read = arg;
	struct ring ring;
	int i;

	soft_ring = &ring;
	handle(SIGXCPU, soft_limit_hit);
	set_limit(RLIMIT_CPU, 1, 100);
	start_reads(&ring, read);
	while (ring_completed(&ring) < NR_READS)
		ring_enter(&ring, 0, NR_READS, IORING_ENTER_GETEVENTS);

	for (i = 0; i < NR_READS; i++) {
		struct io_uring_cqe *cqe = &ring.cqes[(*ring.cq_head + i) & ring.cq_mask];

		CHECK(cqe->res >= 0 && (size_t)cqe->res == read->len);
	}
	CHECK(hits);
	CHECK(!completed_at_first_hit);
}

/* The signal goes to the process, and the workers' requests do not notice */
TEST_F(io_uring, worker_cpu_soft)
{
	int status;
	pid_t pid;

	/* To the end this time, so not as long */
	self->read.len /= 2;
	pid = spawn(worker_soft_child, &self->read);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, NULL))
		TH_LOG("stuck");
	EXPECT_TRUE(exited_with(status, KSFT_PASS))
		TH_LOG("status %#x", status);
}

static void sqpoll_child(__always_unused void *arg)
{
	struct io_uring_sqe nop = { .opcode = IORING_OP_NOP, };
	struct ring ring;

	set_limit(RLIMIT_CPU, 1, 1);
	if (!ring_setup(&ring, IORING_SETUP_SQPOLL))
		_exit(KSFT_SKIP);

	/* It starts to spin when it has had something to do */
	ring_queue(&ring, &nop);
	CHECK(ring_enter(&ring, 1, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP) >= 0);
	for (;;)
		pause();
}

TEST_F(io_uring, sqpoll_cpu_hard)
{
	struct rusage ru;
	int status;
	pid_t pid;

	pid = spawn(sqpoll_child, NULL);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(reap(pid, &status, &ru))
		TH_LOG("stuck");
	if (exited_with(status, KSFT_SKIP))
		SKIP(return, "IORING_SETUP_SQPOLL is not permitted");
	EXPECT_TRUE(killed_by(status, SIGKILL))
		TH_LOG("status %#x", status);
	EXPECT_GT(2 * NSEC_PER_SEC, rusage_ns(&ru));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], EXEC_ARG))
		return KSFT_PASS;
	return test_harness_run(argc, argv);
}
