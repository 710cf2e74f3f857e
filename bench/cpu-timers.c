// SPDX-License-Identifier: GPL-2.0
/*
 * cpu-timers - how late POSIX CPU timers and itimers are
 *
 * usage: cpu-timers METRIC X
 *
 *   last_signal_lateness N
 *	N process CPU timers expire together. The lateness of the last signal:
 *	CPU time of the process when its handler runs, minus the expiry time.
 *	Handlers of the others run before that.
 *
 *   last_signalfd_lateness N
 *	The same for a process which reads its signals from a signalfd.
 *
 *   last_sent_lateness N
 *	The same when only the last timer's signal is caught and all others stay
 *	pending: how late the kernel is done with sending N signals.
 *
 *   itimer_prof_syscall_lateness MB
 *	ITIMER_PROF of 100 ms expires inside one getrandom() of MB megabytes.
 *	The lateness of its SIGPROF, on the same clock.
 *
 *   rlimit_cpu_syscall_lateness MB
 *	The hard RLIMIT_CPU of a child expires there. The CPU time that the
 *	child has used when it is dead, minus the limit. That is what the
 *	scheduler measured; the limit is compared with what ticks have counted,
 *	which may be some ticks ahead of it.
 *
 *   itimer_prof_pinned_lateness CPU
 *	itimer_prof_syscall_lateness of 64 MB on one CPU, for nohz_full.
 *
 *   rlimit_cpu_inherited_lateness CPU
 *	A child inherits a soft RLIMIT_CPU and spins on one CPU. The lateness
 *	of its SIGXCPU, as above.
 *
 *   tick_fastpath_instructions X
 *	One tick while nothing expires: X is 0 for no timer, 1 for a timer of
 *	the thread, 2 for one of the process. Instructions of the whole timer
 *	interrupt, median; what is about CPU timers is the difference between
 *	kernels and between X. Only virtual time, in which an instruction always takes
 *	as long, makes this a number of instructions.
 *
 *   irqs_off_longest N
 *	The longest time with interrupts disabled while N process timers expire
 *	in a process of N threads. Needs the irqsoff tracer.
 *
 * Prints "METRIC<TAB>X<TAB>VALUE<TAB>UNIT". Lateness is measured on the clock
 * which the timers themselves run on, so other load on the machine does not
 * count.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(x)	(sizeof(x) / sizeof((x)[0]))

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL

/* Give up after this much CPU time without the last signal. */
#define GIVE_UP_NS	(60 * NSEC_PER_SEC)

/* Interrupts to take the median of */
#define TICKS		251

#define TRACING		"/sys/kernel/tracing/"

static volatile sig_atomic_t signals;
static volatile sig_atomic_t awaited = 1;
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
	/* Only the last one reads the clock: it is not what is measured */
	if (++signals == awaited)
		last_signal_ns = cpu_time_ns();
}

static void catch_signal(int sig)
{
	struct sigaction sa = { .sa_handler = note_signal, };

	if (sigaction(sig, &sa, NULL))
		die("sigaction");
}

static void report(const char *metric, long x, int64_t value, const char *unit)
{
	printf("%s\t%ld\t%lld\t%s\n", metric, x, (long long)value, unit);
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

static timer_t create_timer(int sig)
{
	struct sigevent sev = {
		.sigev_notify	= SIGEV_SIGNAL,
		.sigev_signo	= sig,
	};
	timer_t timer;

	if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &sev, &timer))
		die("timer_create");
	return timer;
}

static timer_t *create_timers(long nr)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	timer_t *timers = calloc(nr, sizeof(*timers));
	long i;

	if (!timers)
		die("calloc");
	/* Every timer owns a queued signal. */
	setrlimit(RLIMIT_SIGPENDING, &unlimited);

	for (i = 0; i < nr; i++)
		timers[i] = create_timer(SIGRTMIN);
	return timers;
}

/* Arm all timers for one point in time ahead, and return that. */
static int64_t expire_together(timer_t *timers, long nr, void (*start_over)(void))
{
	int64_t ahead = 20 * NSEC_PER_MSEC, expiry;
	long i;

	while (!(expiry = arm_timers(timers, nr, ahead))) {
		struct itimerspec off = { };

		for (i = 0; i < nr; i++)
			timer_settime(timers[i], 0, &off, NULL);
		start_over();
		ahead *= 2;
	}
	return expiry;
}

static void forget_signals(void)
{
	signals = 0;
}

static int last_signal_lateness(long nr)
{
	timer_t *timers = create_timers(nr);
	int64_t expiry;

	awaited = nr;
	catch_signal(SIGRTMIN);
	expiry = expire_together(timers, nr, forget_signals);

	while (signals < nr) {
		if (cpu_time_ns() > expiry + GIVE_UP_NS) {
			fprintf(stderr, "cpu-timers: %d of %ld signals came\n",
				(int)signals, nr);
			return 1;
		}
	}
	report("last_signal_lateness", nr, last_signal_ns - expiry, "ns");
	return 0;
}

static int signal_fd;

/* How many signals have been pending. */
static long read_signals(void)
{
	static struct signalfd_siginfo info[64];
	ssize_t size = read(signal_fd, info, sizeof(info));

	if (size < 0 && errno != EAGAIN)
		die("read");
	return size < 0 ? 0 : size / sizeof(info[0]);
}

static void discard_signals(void)
{
	while (read_signals())
		;
}

static void block_signal(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_NONBLOCK);
	if (signal_fd < 0)
		die("signalfd");
}

static int last_signalfd_lateness(long nr)
{
	timer_t *timers = create_timers(nr);
	int64_t expiry;
	long n = 0;

	block_signal(SIGRTMIN);
	expiry = expire_together(timers, nr, discard_signals);
	while (n < nr) {
		n += read_signals();
		if (n < nr && cpu_time_ns() > expiry + GIVE_UP_NS) {
			fprintf(stderr, "cpu-timers: %ld of %ld signals came\n", n, nr);
			return 1;
		}
	}
	report("last_signalfd_lateness", nr, cpu_time_ns() - expiry, "ns");
	return 0;
}

static void forget_and_discard_signals(void)
{
	forget_signals();
	discard_signals();
}

/* Timers that are due at the same time expire in the order in which they were armed. */
static int last_sent_lateness(long nr)
{
	timer_t *timers = create_timers(nr);
	int64_t expiry;

	block_signal(SIGRTMIN);
	timer_delete(timers[nr - 1]);
	timers[nr - 1] = create_timer(SIGRTMIN + 1);
	catch_signal(SIGRTMIN + 1);

	expiry = expire_together(timers, nr, forget_and_discard_signals);
	while (!signals && cpu_time_ns() < expiry + GIVE_UP_NS)
		;
	if (!signals) {
		fprintf(stderr, "cpu-timers: the last of %ld signals did not come\n", nr);
		return 1;
	}
	report("last_sent_lateness", nr, last_signal_ns - expiry, "ns");
	return 0;
}

/* Page faults and the wait for a seed belong to the preparation. */
static char *prepare_getrandom(size_t size)
{
	char *buf = malloc(size);

	if (!buf)
		die("malloc");
	memset(buf, 0, size);
	if (getrandom(buf, 1, 0) != 1)
		die("getrandom");
	return buf;
}

static const char *metric_name;
static long metric_x;

static int itimer_prof_syscall_lateness(long mb)
{
	struct itimerval itv = { .it_value.tv_usec = 100 * 1000, };
	size_t size = (size_t)mb << 20;
	int64_t expiry;
	char *buf = prepare_getrandom(size);

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

	if (!metric_name) {
		metric_name = "itimer_prof_syscall_lateness";
		metric_x = mb;
	}
	report(metric_name, metric_x, last_signal_ns - expiry, "ns");
	return 0;
}

static int rlimit_cpu_syscall_lateness(long mb)
{
	struct rlimit limit = { .rlim_cur = 1, .rlim_max = 1, };
	size_t size = (size_t)mb << 20;
	struct rusage usage;
	int64_t used;
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		char *buf = prepare_getrandom(size);

		if (setrlimit(RLIMIT_CPU, &limit))
			die("setrlimit");
		/* Enter the system call shortly before the limit */
		while (cpu_time_ns() < NSEC_PER_SEC - 50 * NSEC_PER_MSEC)
			;
		if (getrandom(buf, size, 0) < 0)
			die("getrandom");
		/* The tick after the system call, at the latest */
		while (cpu_time_ns() < GIVE_UP_NS)
			;
		_exit(1);
	}
	if (wait4(pid, &status, 0, &usage) != pid)
		die("wait4");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		fprintf(stderr, "cpu-timers: the limit did not kill the child\n");
		return 1;
	}
	used = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
	report("rlimit_cpu_syscall_lateness", mb, used - NSEC_PER_SEC, "ns");
	return 0;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void report_limit(int sig)
{
	(void)sig;
	report("rlimit_cpu_inherited_lateness", sched_getcpu(),
	       cpu_time_ns() - NSEC_PER_SEC, "ns");
	fflush(stdout);
	_exit(0);
}

static int rlimit_cpu_inherited_lateness(long cpu)
{
	struct rlimit limit = { .rlim_cur = 1, .rlim_max = RLIM_INFINITY, };
	struct sigaction sa = { .sa_handler = report_limit, };
	int64_t give_up;
	int status;
	pid_t pid;

	if (setrlimit(RLIMIT_CPU, &limit) || sigaction(SIGXCPU, &sa, NULL))
		die("setrlimit");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		pin_to(cpu);
		for (;;)
			;
	}
	for (give_up = 0; give_up < 300; give_up++) {
		struct timespec pause = { .tv_nsec = 100 * NSEC_PER_MSEC, };

		if (waitpid(pid, &status, WNOHANG) == pid)
			return !WIFEXITED(status) || WEXITSTATUS(status);
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	fprintf(stderr, "cpu-timers: no SIGXCPU within 30 s\n");
	return 1;
}

static int itimer_prof_pinned_lateness(long cpu)
{
	metric_name = "itimer_prof_pinned_lateness";
	metric_x = cpu;
	pin_to(cpu);
	return itimer_prof_syscall_lateness(64);
}

static int64_t monotonic_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Two instructions per iteration: every compiler finds "decrement and branch" */
static int64_t time_loop(uint64_t iterations)
{
	int64_t start = monotonic_ns(CLOCK_MONOTONIC_RAW);

	while (iterations--)
		__asm__ volatile("");
	return monotonic_ns(CLOCK_MONOTONIC_RAW) - start;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int tick_fastpath_instructions(long what)
{
	static const clockid_t clocks[] = {
		0, CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID,
	};
	const uint64_t iterations = 20000;
	struct itimerspec far = { .it_value.tv_sec = 1000000, };
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, };
	int64_t undisturbed = INT64_MAX, interrupt[TICKS];
	double per_instruction;
	timer_t timer;
	int i, n;

	if (what > 2)
		return 2;
	if (what) {
		if (timer_create(clocks[what], &sev, &timer))
			die("timer_create");
		if (timer_settime(timer, 0, &far, NULL))
			die("timer_settime");
	}

	/* The shortest of many was hit by no interrupt */
	for (i = 0; i < 1000; i++) {
		int64_t elapsed = time_loop(iterations);

		if (elapsed < undisturbed)
			undisturbed = elapsed;
	}
	per_instruction = (double)(undisturbed - time_loop(0)) / (2 * iterations);

	/*
	 * Whatever takes much longer was hit by one. Some of these do more than
	 * the tick, a softirq or a kworker for example. The median does not.
	 */
	for (n = 0; n < TICKS;) {
		int64_t extra = time_loop(iterations) - undisturbed;

		if (extra > 500 * per_instruction)
			interrupt[n++] = extra;
	}
	qsort(interrupt, TICKS, sizeof(interrupt[0]), compare_times);
	report("tick_fastpath_instructions", what,
	       interrupt[TICKS / 2] / per_instruction + 0.5, "instructions");
	return 0;
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(name);
	close(fd);
}

static void *sleep_for_good(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int irqs_off_longest(long nr)
{
	timer_t *timers = create_timers(nr);
	pthread_attr_t attr;
	int64_t expiry;
	long longest;
	FILE *file;
	long i;

	awaited = nr;
	catch_signal(SIGRTMIN);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (i = 1; i < nr; i++) {
		pthread_t thread;

		errno = pthread_create(&thread, &attr, sleep_for_good, NULL);
		if (errno)
			die("pthread_create");
	}

	write_file(TRACING "current_tracer", "irqsoff");
	write_file(TRACING "tracing_on", "1");
	expiry = expire_together(timers, nr, forget_signals);
	write_file(TRACING "tracing_max_latency", "0");
	while (signals < nr && cpu_time_ns() < expiry + GIVE_UP_NS)
		;
	write_file(TRACING "tracing_on", "0");

	file = fopen(TRACING "tracing_max_latency", "r");
	if (!file || fscanf(file, "%ld", &longest) != 1)
		die(TRACING "tracing_max_latency");
	fclose(file);
	report("irqs_off_longest", nr, longest * 1000, "ns");
	return 0;
}

static const struct {
	const char	*name;
	const char	*x;
	int		(*run)(long x);
	long		least;
} metrics[] = {
	{ "last_signal_lateness",	  "N",	last_signal_lateness,		1, },
	{ "last_signalfd_lateness",	  "N",	last_signalfd_lateness,		1, },
	{ "last_sent_lateness",		  "N",	last_sent_lateness,		1, },
	{ "itimer_prof_syscall_lateness", "MB",	itimer_prof_syscall_lateness,	1, },
	{ "rlimit_cpu_syscall_lateness",  "MB",	rlimit_cpu_syscall_lateness,	1, },
	{ "rlimit_cpu_inherited_lateness", "CPU", rlimit_cpu_inherited_lateness, 0, },
	{ "itimer_prof_pinned_lateness",  "CPU", itimer_prof_pinned_lateness,	0, },
	{ "tick_fastpath_instructions",   "X",	tick_fastpath_instructions,	0, },
	{ "irqs_off_longest",		  "N",	irqs_off_longest,		1, },
};

int main(int argc, char **argv)
{
	char *end = NULL;
	long x = argc == 3 ? strtol(argv[2], &end, 10) : -1;
	size_t i;

	for (i = 0; end && !*end && i < ARRAY_SIZE(metrics); i++) {
		if (!strcmp(argv[1], metrics[i].name) && x >= metrics[i].least)
			return metrics[i].run(x);
	}

	for (i = 0; i < ARRAY_SIZE(metrics); i++)
		fprintf(stderr, "%s cpu-timers %s %s\n", i ? "      " : "usage:",
			metrics[i].name, metrics[i].x);
	return 2;
}
